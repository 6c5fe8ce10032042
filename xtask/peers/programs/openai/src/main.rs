//! The smallest useful client without the facade: `peer-size-openai KEY MODEL QUESTION`.

use std::error::Error;
use tower::ServiceExt as _;
use towline_core::{Request, Secret};
use towline_openai::{OpenAi, OpenAiConfig};
use towline_transport::Channel;

const URL: &str = "https://api.openai.com/v1";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let mut word = |what: &str| words.next().ok_or_else(|| format!("say the {what}"));
    let (key, model, question) = (word("key")?, word("model")?, word("question")?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let config = OpenAiConfig::builder(URL)
            .api_key(Secret::new(key))
            .build()?;
        let openai = OpenAi::new(config, Channel::builder(URL).build()?);
        let request = Request::new(model, question);
        println!("{}", openai.oneshot(request).await?.collect().await?.text());
        Ok(())
    })
}
