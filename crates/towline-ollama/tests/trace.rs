//! What the libraries below log at their most talkative holds no key, and no error does. In a file of
//! its own: the subscriber is the process's.
#![cfg(test)]

use tower::ServiceExt;
use towline_core::{Error, Request, Secret};
use towline_ollama::{Ollama, OllamaConfig};
use towline_testkit::trace::{Call, EXTRA, KEY, Log};
use towline_transport::Channel;

async fn ask(call: Call) -> Result<(), Error> {
    let config = OllamaConfig::builder(call.origin.clone())
        .api_key(Secret::new(KEY))
        .header("x-extra", EXTRA)
        .build()?;
    let channel = Channel::builder(call.origin).http2(call.http2).build()?;
    let request = Request::new("m", "Hi").with_stream(call.stream);
    let answer = Ollama::new(config, channel).oneshot(request).await?;
    answer.collect().await.map(drop)
}

#[tokio::test]
async fn no_key_is_logged_at_trace_level_and_none_stands_in_an_error() {
    let log = Log::listen();
    log.provoke(ask).await.unwrap();
    log.assert_no_key();
}
