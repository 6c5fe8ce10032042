//! What the libraries below log at their most talkative holds no key, and no error does. In a file of
//! its own: the subscriber is the process's.
#![cfg(test)]

use tower::ServiceExt;
use towline_core::{Error, Request, Secret};
use towline_openai::{Api, OpenAi, OpenAiConfig};
use towline_testkit::trace::{Call, EXTRA, KEY, Log};
use towline_transport::Channel;

async fn ask(call: Call, api: Api) -> Result<(), Error> {
    let base_url = format!("{}/v1", call.origin);
    let config = OpenAiConfig::builder(base_url.clone())
        .api_key(Secret::new(KEY))
        .header("x-extra", EXTRA)
        .api(api)
        .build()?;
    let channel = Channel::builder(base_url).http2(call.http2).build()?;
    let request = Request::new("m", "Hi").with_stream(call.stream);
    let answer = OpenAi::new(config, channel).oneshot(request).await?;
    answer.collect().await.map(drop)
}

#[tokio::test]
async fn no_key_is_logged_at_trace_level_and_none_stands_in_an_error() {
    let log = Log::listen();
    for api in [Api::Chat, Api::Responses] {
        log.provoke(|call| ask(call, api)).await.unwrap();
    }
    log.assert_no_key();
}
