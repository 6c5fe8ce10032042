//! Answers that come as they should.

use super::{
    Dialect,
    bench::{Bench, Setup, hold, question, streamed as stream_request},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use towline_core::{
    CompletionOptions, Conversation, Event, FinishReason, JsonSchema, Message, Part, Request,
    ResponseFormat, Role, ToolCall as CoreCall, ToolSpec,
};
use towline_sim::{DEFAULT_MODEL, Fault, Reply, Rule, TokenUsage, ToolCall};

/// Words of one to four bytes a letter.
const TEXT: &str = "Grüße aus 東京, mit 🦀 und Zeilen\nin zwei.";

pub(super) async fn unary(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    bench.reply_once(Reply::text(TEXT));
    let answer = bench.whole(question()).await?;
    hold!(answer.text() == TEXT, "text is {:?}", answer.text());
    let finish = answer.finish_reason();
    hold!(*finish == FinishReason::Stop, "finish is {finish:?}");
    hold!(
        answer.model() == DEFAULT_MODEL,
        "model is {:?}",
        answer.model()
    );
    hold!(!answer.provider().is_empty(), "no provider is named");
    hold!(
        !setup.dialect.has_ids() || !answer.id().is_empty(),
        "the answer's id is missing"
    );

    bench.reply_once(Reply::text(TEXT).with_finish("length"));
    let cut = bench.whole(question()).await?;
    let finish = cut.finish_reason();
    hold!(*finish == FinishReason::Length, "finish is {finish:?}");

    bench.reply_once(Reply::text(TEXT).with_finish("brand_new_reason"));
    let strange = bench.whole(question()).await?;
    let finish = strange.finish_reason();
    hold!(
        finish.as_str() == "brand_new_reason",
        "an unknown finish is {finish:?}"
    );
    Ok(())
}

pub(super) async fn streamed(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    bench.reply_once(Reply::text(TEXT));
    let read = bench.read(stream_request()).await;
    read.ends_properly()?;
    hold!(read.end.is_ok(), "ends with {:?}", read.end);
    hold!(read.text() == TEXT, "text is {:?}", read.text());
    let pieces = read.events.iter().filter(|e| e.as_text().is_some()).count();
    hold!(pieces > 1, "the stream arrives in one piece");
    let first = read
        .events
        .iter()
        .find(|event| !matches!(event, Event::Ping));
    hold!(
        matches!(first, Some(Event::Start(_))),
        "the first event is {first:?}"
    );

    bench.reply_once(Reply::text(TEXT));
    let answer = bench.whole(stream_request()).await?;
    hold!(
        answer.text() == TEXT,
        "collected text is {:?}",
        answer.text()
    );
    hold!(
        answer.model() == DEFAULT_MODEL,
        "model is {:?}",
        answer.model()
    );
    hold!(
        answer.usage().is_some(),
        "a stream brings no usage: was it asked for?"
    );
    Ok(())
}

pub(super) async fn one_byte_at_a_time(setup: &Setup) -> Result<(), String> {
    for request in [question(), stream_request()] {
        let bench = setup.bench().await?;
        let slow = Rule::any().respond(Reply::text(TEXT));
        bench.sim.on(slow.fault(Fault::OneByteAtATime));
        let answer = bench.whole(request).await?;
        hold!(answer.text() == TEXT, "text is {:?}", answer.text());
    }
    Ok(())
}

pub(super) async fn tool_calls(setup: &Setup) -> Result<(), String> {
    let calls = || {
        Reply::tool_calls([
            ToolCall::new("weather", json!({"city": "Zürich", "days": [1, 2]})).with_id("call_a"),
            ToolCall::new("weather", json!({"city": "東京"})).with_id("call_b"),
            ToolCall::new("clock", json!({})).with_id("call_c"),
        ])
    };
    for request in [tool_request(), tool_request().with_stream(true)] {
        let bench = setup.bench().await?;
        bench.reply_once(calls());
        let answer = bench.whole(request).await?;
        hold_calls(setup, &answer.tool_calls().cloned().collect::<Vec<_>>())?;
        let finish = answer.finish_reason();
        hold!(*finish == FinishReason::ToolCalls, "finish is {finish:?}");
        let sent = bench.last_body();
        for wanted in ["weather", "clock", "Tells the weather."] {
            hold!(sent.contains(wanted), "{wanted:?} was not sent: {sent}");
        }
        results(setup, &bench, answer.into_message()).await?;
    }
    Ok(())
}

fn tool_request() -> Request {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let options = CompletionOptions::new().with_tools([
        ToolSpec::new("weather", "Tells the weather.", &schema),
        ToolSpec::new("clock", "Tells the time.", &json!({"type": "object"})),
    ]);
    question().with_options(options)
}

fn hold_calls(setup: &Setup, calls: &[CoreCall]) -> Result<(), String> {
    let said = calls
        .iter()
        .map(|call| (call.name(), call.parse_arguments().unwrap_or_default()));
    let expected = [
        ("weather", json!({"city": "Zürich", "days": [1, 2]})),
        ("weather", json!({"city": "東京"})),
        ("clock", json!({})),
    ];
    hold!(said.eq(expected), "tool calls are {calls:?}");
    let ids: BTreeSet<&str> = calls.iter().map(CoreCall::id).collect();
    let own = ["call_a", "call_b", "call_c"];
    // A provider without ids leaves it to the client to make some up, one for each call.
    let good = ids.len() == 3 && !ids.contains("");
    hold!(good, "the calls do not have an id each: {calls:?}");
    hold!(
        !setup.dialect.has_ids() || ids.iter().eq(&own),
        "the ids are {ids:?}"
    );
    Ok(())
}

/// The next turn carries the calls and their results.
async fn results(setup: &Setup, bench: &Bench, calls: Message) -> Result<(), String> {
    let ids: Vec<String> = calls.tool_calls().map(|c| c.id().to_owned()).collect();
    let results = ["sunny there", "rainy there", "noon"];
    let mut conversation = Conversation::from("Say it.").with(calls);
    for (id, result) in ids.iter().zip(results) {
        conversation.push(Message::tool(id, result));
    }
    bench.reply_once(Reply::text(TEXT));
    let request = Request::new(DEFAULT_MODEL, conversation);
    let answer = bench.whole(request).await?;
    hold!(
        answer.text() == TEXT,
        "the turn after the calls says {:?}",
        answer.text()
    );
    let sent = bench.last_body();
    let ids = ids.iter().map(String::as_str);
    let ids = ids.filter(|_| setup.dialect.has_ids());
    for wanted in results.into_iter().chain(ids) {
        hold!(sent.contains(wanted), "{wanted:?} was not sent: {sent}");
    }
    Ok(())
}

pub(super) async fn structured_output(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    let schema = json!({
        "type": "object",
        "properties": {"capital_city": {"type": "string"}},
        "required": ["capital_city"],
        "additionalProperties": false,
    });
    let format = ResponseFormat::JsonSchema(JsonSchema::new("capital_form", &schema));
    let options = CompletionOptions::new().with_response_format(format);
    bench.reply_once(Reply::text(r#"{"capital_city":"Paris"}"#));
    let answer = bench.whole(question().with_options(options)).await?;
    let value: Value = serde_json::from_str(&answer.text())
        .map_err(|error| format!("the text is no JSON: {error}"))?;
    hold!(
        value == json!({"capital_city": "Paris"}),
        "the answer is {value}"
    );
    let sent = bench.last_body();
    hold!(
        sent.contains("capital_city"),
        "the schema was not sent: {sent}"
    );
    Ok(())
}

pub(super) async fn reasoning(setup: &Setup) -> Result<(), String> {
    for request in [question(), stream_request()] {
        let bench = setup.bench().await?;
        bench.reply_once(Reply::text(TEXT).with_reasoning("Let me think a while."));
        let answer = bench.whole(request).await?;
        let thought = answer.reasoning();
        hold!(
            thought == "Let me think a while.",
            "reasoning is {thought:?}"
        );
        hold!(answer.text() == TEXT, "text is {:?}", answer.text());
    }
    Ok(())
}

pub(super) async fn refusal(setup: &Setup) -> Result<(), String> {
    for request in [question(), stream_request()] {
        let bench = setup.bench().await?;
        bench.reply_once(Reply::refusal("That I will not say."));
        let answer = bench.whole(request).await?;
        let (words, finish) = (answer.refusal(), answer.finish_reason());
        match setup.dialect {
            Dialect::OpenAi | Dialect::Responses | Dialect::Azure => {
                hold!(words == "That I will not say.", "refusal is {words:?}");
                hold!(answer.text().is_empty(), "text is {:?}", answer.text());
            }
            Dialect::Anthropic => {
                hold!(*finish == FinishReason::Refusal, "finish is {finish:?}");
                hold!(words == "That I will not say.", "refusal is {words:?}");
            }
            Dialect::Ollama => {
                let text = answer.text();
                hold!(text == "That I will not say.", "text is {text:?}");
            }
        }
    }
    Ok(())
}

pub(super) async fn usage(setup: &Setup) -> Result<(), String> {
    let counts = TokenUsage::new(120, 30).with_cached(100).with_reasoning(20);
    for request in [question(), stream_request()] {
        let bench = setup.bench().await?;
        bench.reply_once(Reply::text(TEXT).with_usage(counts));
        let answer = bench.whole(request).await?;
        let usage = answer.usage().ok_or("no usage")?;
        let found = (usage.input(), usage.output());
        hold!(
            found == (Some(120), Some(30)),
            "input, output are {found:?}"
        );
        let cached = usage.cache_read();
        let wanted = (setup.dialect != Dialect::Ollama).then_some(100);
        hold!(wanted.is_none() || cached == wanted, "cached is {cached:?}");
        let reasoning = usage.reasoning();
        let wanted = (setup.dialect != Dialect::Ollama).then_some(20);
        hold!(
            wanted.is_none() || reasoning == wanted,
            "reasoning is {reasoning:?}"
        );
    }
    Ok(())
}

pub(super) async fn request_id(setup: &Setup) -> Result<(), String> {
    for request in [question(), stream_request()] {
        let bench = setup.bench().await?;
        bench.reply_once(Reply::text(TEXT));
        let response = bench.call(request.clone()).await;
        let response = response.map_err(super::bench::unexpected)?;
        hold!(
            response.head().request_id().is_some(),
            "no request id in the head"
        );
        let answer = response.collect().await.map_err(super::bench::unexpected)?;
        hold!(answer.request_id().is_some(), "no request id in the answer");

        bench.once(Rule::any().fault(Fault::status(500)));
        let error = bench.fails(request.clone()).await?;
        hold!(error.request_id().is_some(), "no request id in {error:?}");

        bench.once(Rule::any().fault(Fault::CleanEndAfterEvents(0)));
        let error = bench.fails(request).await?;
        hold!(error.request_id().is_some(), "no request id in {error:?}");
        hold!(error.provider().is_some(), "no provider in {error:?}");
    }
    // A message with every role, so that the encoder has been through all of them once.
    let bench = setup.bench().await?;
    bench.reply_once(Reply::text(TEXT));
    let conversation = Conversation::from_iter([
        Message::system("Be brief."),
        Message::user("Hi."),
        Message::new(Role::Assistant, vec![Part::from("Hello.")]),
        Message::user("Say it."),
    ]);
    bench
        .whole(Request::new(DEFAULT_MODEL, conversation))
        .await?;
    let sent = bench.last_body();
    for wanted in ["Be brief.", "Hi.", "Hello.", "Say it."] {
        hold!(sent.contains(wanted), "{wanted:?} was not sent: {sent}");
    }
    Ok(())
}
