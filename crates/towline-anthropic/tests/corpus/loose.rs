//! Answers that were kept without their requests: read as a plain reading of their JSON says.

use crate::select::{Ask, collect, see, see_whole};
use serde_json::Value;
use std::collections::BTreeMap;
use towline_core::Completion;
use towline_testkit::corpus::{Canned, Corpus, Difference, Loose, Splits, Suite};

/// What a plain reading of the JSON finds.
#[derive(Debug, Default, PartialEq)]
struct Plain {
    text: String,
    thinking: String,
    calls: Vec<(String, Option<Value>)>,
    input: Option<u64>,
    output: Option<u64>,
    reason: String,
}

#[test]
fn corpus_answers_without_requests_are_read_as_their_json_says() {
    let Some(corpus) = Corpus::open() else { return };
    let mut all = corpus.loose().unwrap();
    all.retain(|loose| loose.family == "anthropic");
    let mut suite = Suite::new(
        "anthropic dialect, answers without requests",
        &corpus,
        all.len(),
    );
    for loose in &all {
        suite.handled(&loose.id, false, check(loose));
    }
    suite.finish();
    assert!(
        !all.is_empty(),
        "no answers of the dialect without requests"
    );
}

fn check(loose: &Loose) -> Vec<Difference> {
    let ask = Ask::messages(loose.stream);
    let text = String::from_utf8_lossy(&loose.answer.body);
    let expected = if loose.stream {
        read_stream(&text)
    } else {
        read_whole(&serde_json::from_str(&text).unwrap())
    };
    let mut differences = Vec::new();
    let found = collect(&ask, &loose.answer).map(|found| plain(&found));
    if found.as_ref().ok() != Some(&expected) {
        let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
        differences.push(Difference::new("answer", expected, found));
    }
    let whole = see_whole(&ask, &loose.answer);
    let pieces = Splits::bytes(&loose.answer.body);
    let bytes = see(&ask, &Canned::new(&loose.answer), pieces);
    if whole != bytes {
        let (whole, bytes) = (format!("{whole:?}"), format!("{bytes:?}"));
        differences.push(Difference::new("split", whole, bytes));
    }
    differences
}

fn plain(found: &Completion) -> Plain {
    let calls = found.tool_calls();
    let calls = calls.map(|call| (call.name().to_owned(), call.parse_arguments().ok()));
    let usage = found.usage();
    Plain {
        text: found.text().into_owned(),
        thinking: found.reasoning().into_owned(),
        calls: calls.collect(),
        input: usage.and_then(towline_core::Usage::input),
        output: usage.and_then(towline_core::Usage::output),
        reason: found.finish_reason().as_str().to_owned(),
    }
}

fn read_whole(message: &Value) -> Plain {
    let mut plain = Plain::default();
    for block in message["content"].as_array().into_iter().flatten() {
        match string(&block["type"]) {
            "text" => plain.text.push_str(string(&block["text"])),
            "thinking" => plain.thinking.push_str(string(&block["thinking"])),
            "tool_use" => {
                let name = string(&block["name"]).to_owned();
                plain.calls.push((name, Some(block["input"].clone())));
            }
            _ => {}
        }
    }
    let reason = reason(string(&message["stop_reason"]));
    // An answer that holds calls waits for them, whatever it says.
    let waits = reason == "stop" && !plain.calls.is_empty();
    plain.reason = if waits { "tool_calls" } else { reason }.to_owned();
    let usage = &message["usage"];
    plain.input = input(usage);
    plain.output = usage["output_tokens"].as_u64();
    plain
}

/// The first message of the stream: some files hold the streams of several turns.
fn read_stream(text: &str) -> Plain {
    let mut message = Value::Null;
    let mut inputs: BTreeMap<u64, String> = BTreeMap::new();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    for event in data.filter_map(|data| serde_json::from_str::<Value>(data).ok()) {
        let index = event["index"].as_u64().unwrap_or_default();
        match string(&event["type"]) {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                let blocks = message["content"].as_array_mut().unwrap();
                blocks.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let place = usize::try_from(index).unwrap();
                let delta = &event["delta"];
                let block = &mut message["content"][place];
                for field in ["text", "thinking"] {
                    if let Some(more) = delta[field].as_str() {
                        let text = format!("{}{more}", string(&block[field]));
                        block[field] = text.into();
                    }
                }
                let json = inputs.entry(index).or_default();
                json.push_str(string(&delta["partial_json"]));
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                for (name, count) in event["usage"].as_object().into_iter().flatten() {
                    message["usage"][name] = count.clone();
                }
            }
            "message_stop" => break,
            _ => {}
        }
    }
    let inputs = inputs.iter().filter(|(_, json)| !json.is_empty());
    let cut: Vec<_> = inputs
        .filter_map(|(index, json)| {
            let place = usize::try_from(*index).unwrap();
            let input = serde_json::from_str::<Value>(json).ok();
            message["content"][place]["input"] = input.clone().unwrap_or_default();
            input
                .is_none()
                .then(|| message["content"][place]["name"].clone())
        })
        .collect();
    let mut plain = read_whole(&message);
    // Arguments that were cut off are kept as they are, and no JSON.
    for (name, input) in &mut plain.calls {
        if cut.iter().any(|cut| cut == name) {
            *input = None;
        }
    }
    plain
}

fn reason(word: &str) -> &str {
    match word {
        "end_turn" | "stop_sequence" => "stop",
        "max_tokens" => "length",
        "tool_use" => "tool_calls",
        other => other,
    }
}

fn input(usage: &Value) -> Option<u64> {
    let cached = ["cache_read_input_tokens", "cache_creation_input_tokens"];
    let cached = cached.map(|name| usage[name].as_u64().unwrap_or(0));
    let cached: u64 = cached.iter().sum();
    Some(usage["input_tokens"].as_u64()? + cached)
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
