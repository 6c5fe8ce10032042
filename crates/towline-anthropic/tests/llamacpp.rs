//! The client against a real llama.cpp server, which speaks the dialect at `/v1/messages`.
//!
//! `cargo xtask integration` starts the servers and says where they are. Without it these tests say
//! on stderr that they were skipped; with it they fail where the server does not do its part.
#![cfg(test)]

use serde_json::json;
use tower::ServiceExt as _;
use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_core::{
    CompletionOptions, Conversation, ErrorKind, Event, FinishReason, Message, Request, Role,
    Secret, ToolChoice, ToolResult, ToolSpec,
};
use towline_testkit::setting::{say, setting};
use towline_transport::Channel;

/// More than a slot of the server has room for.
const TOO_MANY: usize = 3000;

/// The servers of this run.
struct Servers {
    /// A model that goes on until it is stopped.
    plain: String,
    /// A model that likes to call tools.
    tools: String,
    key: String,
}

/// `None` where nobody has started a server, which is said.
fn servers() -> Option<Servers> {
    let Some(plain) = setting("TOWLINE_LLAMACPP_URL") else {
        say("LLAMA.CPP SKIPPED: TOWLINE_LLAMACPP_URL is not set; run `cargo xtask integration`");
        return None;
    };
    let needed = |name| setting(name).unwrap_or_else(|| panic!("{name} is not set"));
    Some(Servers {
        plain,
        tools: needed("TOWLINE_LLAMACPP_TOOLS_URL"),
        key: needed("TOWLINE_LLAMACPP_KEY"),
    })
}

fn client(base_url: &str, key: &str) -> Anthropic<Channel> {
    let config = AnthropicConfig::builder(base_url).api_key(Secret::new(key));
    let channel = Channel::builder(base_url).build().unwrap();
    Anthropic::new(config.build().unwrap(), channel)
}

fn ask(conversation: impl Into<Conversation>, max_tokens: u64) -> Request {
    let options = CompletionOptions::new().with_max_tokens(max_tokens);
    Request::new("tiny", conversation).with_options(options)
}

#[tokio::test]
async fn a_whole_answer_has_text_usage_and_a_finish() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key);
    let answer = client.oneshot(ask("Say something.", 20)).await.unwrap();
    let answer = answer.collect().await.unwrap();
    assert!(!answer.text().is_empty());
    assert_eq!(answer.model(), "tiny");
    assert_eq!(*answer.finish_reason(), FinishReason::Length);
    let usage = answer.usage().unwrap();
    assert_eq!(usage.output(), Some(20));
    assert!(usage.input().unwrap() > 10);
}

#[tokio::test]
async fn a_streamed_answer_arrives_in_pieces_with_its_usage() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key);
    let request = ask("Say something.", 40).with_stream(true);
    let mut answer = client.oneshot(request).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = answer.body_mut().next().await {
        events.push(event.unwrap());
    }
    let pieces = events.iter().filter(|event| event.as_text().is_some());
    assert!(pieces.count() > 10, "{events:?}");
    let usages = events.iter().filter_map(|event| match event {
        Event::Usage(usage) => usage.output(),
        _ => None,
    });
    assert_eq!(usages.last(), Some(40));
    assert_eq!(events.last(), Some(&Event::Finish(FinishReason::Length)));
}

#[tokio::test]
async fn tools_are_called_and_their_results_go_back_in_one_turn() {
    let Some(servers) = servers() else { return };
    let schema = json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
    });
    let tools = [ToolSpec::new("f", "Counts.", &schema)];
    for stream in [false, true] {
        let options = CompletionOptions::new()
            .with_max_tokens(300)
            .with_tools(tools.clone())
            // Left to itself the model ends now and then with its first token.
            .with_tool_choice(ToolChoice::Required);
        let request = |conversation: &Conversation| {
            let request = Request::new("tiny", conversation).with_stream(stream);
            request.with_options(options.clone())
        };
        // llama.cpp closes a connection behind a stream, though it says `Keep-Alive`. A call that took it
        // over in that moment would fail as a retryable `Transport` error: what may have been read is
        // not sent twice by itself. So no call takes one over here.
        let client = || client(&servers.tools, &servers.key);
        let mut conversation = Conversation::from("Go.");
        let answer = client().oneshot(request(&conversation)).await.unwrap();
        let answer = answer.collect().await.unwrap();
        // The last call may be cut off by the limit: it cannot go back.
        let calls = answer
            .tool_calls()
            .filter(|call| call.parse_arguments().is_ok());
        let calls: Vec<_> = calls.cloned().collect();
        assert!(!calls.is_empty(), "{answer:?}");
        assert!(calls.iter().all(|call| call.name() == "f"), "{calls:?}");
        let parts = calls.iter().cloned().map(Into::into).collect();
        conversation.push(Message::new(Role::Assistant, parts));
        conversation.extend(calls.iter().map(|call| Message::tool(call.id(), "42")));
        conversation.push(Message::from(ToolResult::error(calls[0].id(), "again")));
        conversation.push(Message::user("And now?"));
        let next = client().oneshot(request(&conversation)).await.unwrap();
        let next = next.collect().await.unwrap();
        let input = next.usage().unwrap().input();
        assert!(input > answer.usage().unwrap().input(), "{next:?}");
    }
}

#[tokio::test]
async fn the_server_counts_as_it_bills() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key);
    let request = ask("How many tokens is this?", 1);
    let counted = client.count_tokens(&request).await.unwrap();
    let answer = client.oneshot(request).await.unwrap();
    let usage = answer.collect().await.unwrap().usage().cloned();
    assert_eq!(usage.unwrap().input(), Some(counted));
}

#[tokio::test]
async fn models_are_listed() {
    let Some(servers) = servers() else { return };
    let models = client(&servers.plain, &servers.key).models().await.unwrap();
    assert!(
        models.iter().any(|model| model.id() == "tiny"),
        "{models:?}"
    );
}

#[tokio::test]
async fn failures_are_of_their_kind() {
    let Some(servers) = servers() else { return };
    let stranger = client(&servers.plain, "planted-wrong-key");
    let error = stranger.oneshot(ask("Hi", 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(!error.report().to_string().contains("planted"), "{error}");

    let client = client(&servers.plain, &servers.key);
    let long = "word ".repeat(TOO_MANY);
    for stream in [false, true] {
        let request = ask(long.as_str(), 1).with_stream(stream);
        let error = match client.clone().oneshot(request).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::ContextLength, "{error}");
    }
}
