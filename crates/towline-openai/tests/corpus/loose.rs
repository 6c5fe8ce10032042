//! Answers that were kept without their requests: read as a plain reading of their JSON says.

use crate::{
    select::{Api, Ask},
    watch::{Seen, collect, see, see_whole},
};
use serde_json::Value;
use towline_core::Completion;
use towline_testkit::corpus::{Canned, Corpus, Difference, Loose, Splits, Suite};

/// What a plain reading of the JSON finds.
#[derive(Debug, Default, PartialEq)]
struct Plain {
    text: String,
    calls: Vec<String>,
    input: Option<u64>,
}

#[test]
fn corpus_answers_without_requests_are_read_as_their_json_says() {
    let Some(corpus) = Corpus::open() else { return };
    let all = corpus.loose().unwrap();
    let total = all.len();
    let asked = all.into_iter().filter_map(|loose| {
        let ask = ask(&loose)?;
        Some((loose, ask))
    });
    let asked: Vec<_> = asked.collect();
    let mut suite = Suite::new(
        "openai dialect, answers without requests",
        &corpus,
        asked.len(),
    );
    for (loose, ask) in &asked {
        let differences = match ask.api {
            Api::Models => models(loose, ask),
            _ => chat(loose, ask),
        };
        suite.handled(&loose.id, false, differences);
    }
    suite.note(format!("{} of other dialects", total - asked.len()));
    suite.finish();
}

/// How the answer would have been asked for; `None` when it is of another dialect.
fn ask(loose: &Loose) -> Option<Ask> {
    let text = String::from_utf8_lossy(&loose.answer.body);
    let events = first_json(loose);
    let has = |name: &str| events.get(name).is_some();
    let provider = match loose.family.as_str() {
        "openai-chat" => "openai",
        "openai-compatible" | "gemini" => "openai-compatible",
        family => family,
    };
    let known = towline_openai::Flavor::by_name(provider).is_some();
    if !known || text.contains("\"response.created\"") || events["object"] == "response" {
        return None;
    }
    let models = events["object"] == "list" && has("data");
    // An error object alone is the answer to a chat call, too.
    if !(has("choices") || has("error") || models) {
        return None;
    }
    let mut ask = Ask::complete(Api::Chat, provider, loose.stream);
    if models {
        ask.api = Api::Models;
    }
    Some(ask)
}

/// The body, or the first event of a stream, as JSON.
fn first_json(loose: &Loose) -> Value {
    let text = String::from_utf8_lossy(&loose.answer.body);
    if loose.stream {
        return payloads(&text).into_iter().next().unwrap_or_default();
    }
    serde_json::from_str(&text).unwrap_or_default()
}

fn payloads(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn models(loose: &Loose, ask: &Ask) -> Vec<Difference> {
    let body = first_json(loose);
    let ids = body["data"].as_array().into_iter().flatten();
    let ids: Vec<_> = ids.filter_map(|model| model["id"].as_str()).collect();
    match see_whole(ask, &loose.answer) {
        Seen::Models(models) if models.iter().map(|model| model.id()).eq(ids.clone()) => Vec::new(),
        seen => vec![Difference::new(
            "models",
            ids.join(" "),
            format!("{seen:?}"),
        )],
    }
}

fn chat(loose: &Loose, ask: &Ask) -> Vec<Difference> {
    let text = String::from_utf8_lossy(&loose.answer.body);
    let events = if loose.stream {
        payloads(&text)
    } else {
        vec![first_json(loose)]
    };
    let mut differences = Vec::new();
    let is_error = events
        .iter()
        .any(|event| event.get("error").is_some_and(|e| !e.is_null()));
    match collect(ask, &loose.answer) {
        Ok(found) if !is_error => {
            let (expected, found) = (read_plainly(&events), plain(&found));
            if expected != found {
                differences.push(Difference::new(
                    "answer",
                    format!("{expected:?}"),
                    format!("{found:?}"),
                ));
            }
        }
        Err(_) if is_error => {}
        result => {
            let expected = if is_error { "an error" } else { "an answer" };
            differences.push(Difference::new("result", expected, format!("{result:?}")));
        }
    }
    let whole = see_whole(ask, &loose.answer);
    let bytes = see(
        ask,
        &Canned::new(&loose.answer),
        Splits::bytes(&loose.answer.body),
    );
    if whole != bytes {
        differences.push(Difference::new(
            "split",
            format!("{whole:?}"),
            format!("{bytes:?}"),
        ));
    }
    differences
}

fn plain(found: &Completion) -> Plain {
    Plain {
        text: found.text().into_owned(),
        calls: found
            .tool_calls()
            .map(|call| call.name().to_owned())
            .collect(),
        input: found.usage().and_then(towline_core::Usage::input),
    }
}

/// Choice 0, its texts joined, the names of its calls; the last usage.
fn read_plainly(events: &[Value]) -> Plain {
    let mut plain = Plain::default();
    for event in events {
        let choices = event["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            let said = choice.get("delta").or_else(|| choice.get("message"));
            let said = said.unwrap_or(&Value::Null);
            plain.text.push_str(&content(&said["content"]));
            for call in said["tool_calls"].as_array().into_iter().flatten() {
                let name = call.pointer("/function/name").and_then(Value::as_str);
                let name = name.filter(|name| !name.is_empty());
                plain.calls.extend(name.map(str::to_owned));
            }
        }
        for usage in [&event["usage"], &event["x_groq"]["usage"]] {
            plain.input = usage["prompt_tokens"].as_u64().or(plain.input);
        }
    }
    plain
}

fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}
