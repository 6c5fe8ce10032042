//! The smallest useful client through the facade: `peer-size-towline QUESTION`, with `LLM_MODEL` and
//! `OPENAI_API_KEY` in the environment.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let question = std::env::args().nth(1).ok_or("say the question")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let settings = towline::config::Loader::new().process_env().load()?;
        let client = towline::connect(&settings).await?;
        println!("{}", client.complete(question).await?.text());
        client.close().await?;
        Ok(())
    })
}
