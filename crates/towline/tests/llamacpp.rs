//! The client against a real llama.cpp server.
//!
//! `cargo xtask integration` starts the servers and says where they are. Without it these tests say
//! on stderr that they were skipped; with it they fail where the server does not do its part.
#![cfg(test)]
#![cfg(feature = "openai")]

use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};
use towline::{
    Client,
    config::Loader,
    core::{
        CompletionOptions, Conversation, ErrorKind, Event, FinishReason, JsonSchema, Message,
        Request, ResponseFormat, ToolChoice, ToolSpec,
    },
};
use towline_testkit::setting::{say, setting};

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

async fn client(base_url: &str, key: &str) -> Client {
    let settings = Loader::new()
        .set("towline.llm.model=openai/tiny")
        .set(format!("towline.openai.base_url={base_url}"))
        .set(format!("towline.openai.api_key={key}"))
        .load()
        .unwrap();
    towline::connect(&settings).await.unwrap()
}

fn ask(text: &str, max_tokens: u64) -> Request {
    Request::new("", text).with_options(CompletionOptions::new().with_max_tokens(max_tokens))
}

/// The numbers that the server counts, by name.
fn counter(servers: &Servers, name: &str) -> u64 {
    let address = servers.plain.trim_start_matches("http://");
    let address = address.split('/').next().unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let key = &servers.key;
    let request = format!(
        "GET /metrics HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("no counter {name} in {answer}"));
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn a_whole_answer_has_text_usage_and_a_finish() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    let answer = client.call(ask("Say something.", 20)).await.unwrap();
    let answer = answer.collect().await.unwrap();
    assert!(!answer.text().is_empty());
    assert_eq!(answer.model(), "tiny");
    assert_eq!(*answer.finish_reason(), FinishReason::Length);
    let usage = answer.usage().unwrap();
    assert_eq!(usage.output(), Some(20));
    assert!(usage.input().unwrap() > 10);
    client.close().await.unwrap();
}

#[tokio::test]
async fn a_streamed_answer_arrives_in_pieces_with_its_usage() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    let request = ask("Say something.", 40).with_stream(true);
    let mut answer = client.call(request).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = answer.body_mut().next().await {
        events.push(event.unwrap());
    }
    let pieces = events.iter().filter(|event| event.as_text().is_some());
    assert!(pieces.count() > 10, "{events:?}");
    let usage = events.iter().find_map(|event| match event {
        Event::Usage(usage) => usage.output(),
        _ => None,
    });
    assert_eq!(usage, Some(40));
    assert_eq!(events.last(), Some(&Event::Finish(FinishReason::Length)));
}

#[tokio::test]
async fn a_conversation_goes_on_over_several_turns() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    let mut conversation = Conversation::from(Message::system("Be brief."));
    for turn in 0..3 {
        conversation.push(Message::user(format!("Question {turn}?")));
        let options = CompletionOptions::new().with_max_tokens(10);
        let request = Request::new("", &conversation).with_options(options);
        let answer = client.call(request).await.unwrap().collect().await.unwrap();
        conversation.push(answer.into_message());
    }
    assert_eq!(conversation.len(), 7);
}

#[tokio::test]
async fn a_json_schema_is_held() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    let schema = json!({
        "type": "object",
        "properties": {
            "capital": {"type": "string", "maxLength": 12},
            "districts": {"type": "integer", "minimum": 0, "maximum": 99},
        },
        "required": ["capital", "districts"],
        "additionalProperties": false,
    });
    let format = ResponseFormat::JsonSchema(JsonSchema::new("city", &schema));
    for stream in [false, true] {
        let options = CompletionOptions::new()
            .with_max_tokens(400)
            .with_response_format(format.clone());
        let request = Request::new("", "The capital of France?").with_options(options);
        let answer = client.call(request.with_stream(stream)).await.unwrap();
        let answer = answer.collect().await.unwrap();
        assert_eq!(*answer.finish_reason(), FinishReason::Stop);
        let value: Value = serde_json::from_str(&answer.text()).unwrap();
        assert!(value["capital"].is_string(), "{value}");
        assert!(value["districts"].as_u64().unwrap() < 100, "{value}");
        assert_eq!(value.as_object().unwrap().len(), 2, "{value}");
    }
}

#[tokio::test]
async fn tools_are_called_and_their_results_go_back() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.tools, &servers.key).await;
    let parameters = json!({
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": false,
    });
    let weather = ToolSpec::new("weather", "Tells the weather in a city.", &parameters);
    // The model calls until its tokens are used up, so the last call may be cut.
    let options = CompletionOptions::new()
        .with_max_tokens(300)
        .with_tools([weather])
        .with_tool_choice(ToolChoice::Required)
        .with_parallel_tool_calls(true);
    for stream in [false, true] {
        let request = Request::new("", "How is the weather?").with_options(options.clone());
        let answer = client.call(request.with_stream(stream)).await.unwrap();
        let answer = answer.collect().await.unwrap();
        let calls: Vec<_> = answer.tool_calls().collect();
        assert!(calls.len() > 1, "parallel calls: {answer:?}");
        let (cut, whole) = calls.split_last().unwrap();
        for call in whole {
            assert_eq!(call.name(), "weather");
            assert!(!call.id().is_empty());
            let city = call.parse_arguments().unwrap();
            assert!(
                ["Paris", "Rome"].contains(&city["city"].as_str().unwrap()),
                "{city}"
            );
        }
        if cut.parse_arguments().is_err() {
            assert_eq!(*answer.finish_reason(), FinishReason::Length, "{answer:?}");
        }
        // The first call and its result, as the turns of a conversation.
        let first = Message::new(
            towline::core::Role::Assistant,
            vec![whole[0].clone().into()],
        );
        let conversation = Conversation::from("How is the weather?")
            .with(first)
            .with(Message::tool(whole[0].id(), "It rains."));
        let options = CompletionOptions::new().with_max_tokens(10);
        let request = Request::new("", conversation).with_options(options);
        let answer = client.call(request).await.unwrap().collect().await.unwrap();
        assert!(answer.usage().unwrap().output().unwrap() > 0);
    }
}

#[tokio::test]
async fn a_wrong_key_is_an_error_of_authentication_that_does_not_show_it() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, "sk-not-the-key-4711").await;
    let error = client.call(ask("Hello?", 5)).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Auth, Some(401)));
    let printed = format!("{error} {error:?} {}", error.report());
    assert!(!printed.contains("4711"), "{printed}");
    assert_eq!(client.validate().await.unwrap_err().kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn too_long_a_conversation_is_told_with_both_numbers() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    let long = "hello ".repeat(TOO_MANY);
    for stream in [false, true] {
        let error = client.call(ask(&long, 5).with_stream(stream)).await;
        let error = match error {
            Err(error) => error,
            Ok(answer) => answer.collect().await.unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::ContextLength, "{error:?}");
        // One of them is the window of a slot, half of what the server was started with.
        let message = error.message().unwrap();
        let words = message.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        let window = numbers.contains(&2048);
        let prompt = numbers.iter().any(|number| *number > 10_000);
        assert!(window && prompt, "{message}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_path_that_is_not_there_is_not_found() {
    let Some(servers) = servers() else { return };
    let client = client(&format!("{}/nowhere", servers.plain), &servers.key).await;
    let error = client.call(ask("Hello?", 5)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::NotFound, Some(404))
    );
}

#[tokio::test]
async fn models_are_listed_and_the_settings_are_valid() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    let models = client.models().await.unwrap();
    let ids: Vec<_> = models.iter().map(|model| model.id()).collect();
    assert_eq!(ids, ["tiny"]);
    assert_eq!(models[0].context_window(), Some(2048));
    // llama.cpp lists its models to anybody, so the key is not called good.
    let validation = client.validate().await.unwrap();
    assert!(!validation.is_verified());
    let said = validation.to_string();
    assert!(said.contains("address and model"), "{said}");
}

#[tokio::test]
async fn embeddings_that_are_switched_off_are_not_supported() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    let request = towline::core::EmbeddingRequest::new("tiny", ["Hello?"]);
    let error = client.embed_call(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(!error.is_retryable());
}

/// On a thread of its own the connection goes on while the test waits for the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn dropping_a_stream_stops_the_server() {
    let Some(servers) = servers() else { return };
    let client = client(&servers.plain, &servers.key).await;
    const WANTED: u64 = 1900;
    let before = counter(&servers, "llamacpp:tokens_predicted_total");
    let mut answer = client
        .call(ask("Go on.", WANTED).with_stream(true))
        .await
        .unwrap();
    let mut pieces = 0;
    while pieces < 3 {
        let event = answer.body_mut().next().await.unwrap().unwrap();
        pieces += u64::from(event.as_text().is_some());
    }
    drop(answer);
    // Each reading takes a while by itself; the server has the time of a whole answer to stop.
    let idle = (0..10_000).any(|_| counter(&servers, "llamacpp:requests_processing") == 0);
    assert!(idle, "the server still works for a client that has left");
    let made = counter(&servers, "llamacpp:tokens_predicted_total") - before;
    assert!(made < WANTED, "the server made all {made} tokens");
    assert_eq!(
        counter(&servers, "llamacpp:tokens_predicted_total") - before,
        made
    );

    // It was a cancellation and not the server's end.
    let answer = client.call(ask("And now?", 5)).await.unwrap();
    assert!(answer.collect().await.is_ok());
}
