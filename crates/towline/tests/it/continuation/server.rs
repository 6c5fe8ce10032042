//! Providers over an HTTP service that answers as they do, and keeps what it was sent.

use super::Kind;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};
use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_azure::{Azure, AzureConfig};
use towline_core::{Completion, Error, Request, Response, Secret};
use towline_ollama::{Ollama, OllamaConfig};
use towline_openai::{Api, Flavor, OpenAi, OpenAiConfig};
use towline_transport::{RequestBody, ResponseBody};

type Http = BoxCloneSyncService<http::Request<RequestBody>, http::Response<ResponseBody>, Error>;

/// What the model says next.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) thought: Option<String>,
    pub(super) text: Option<String>,
    /// Whether the text is a refusal, where the API has a place for one.
    pub(super) refused: bool,
    /// The argument of each call.
    pub(super) calls: Vec<i32>,
    /// Which of the forms that ids have there.
    pub(super) id_style: u8,
}

/// One provider, with the answer that it will give.
pub(super) struct Server {
    kind: Kind,
    answer: String,
}

/// A call as the answer holds it.
struct Call {
    id: String,
    tool: &'static str,
    arguments: Value,
}

impl Server {
    /// `turn` makes ids that differ from those of other turns.
    pub(super) fn new(kind: Kind, answer: &Answer, turn: usize) -> Self {
        let calls: Vec<Call> = answer
            .calls
            .iter()
            .enumerate()
            .map(|(index, number)| Call {
                id: id(kind, answer.id_style, turn, index),
                tool: if index % 2 == 0 { "weather" } else { "time" },
                arguments: json!({"n": number}),
            })
            .collect();
        let thought = answer
            .thought
            .as_ref()
            .map(|thought| format!("{}{thought}", kind.mark()));
        let thought = thought.as_deref();
        let body = match kind {
            Kind::Chat | Kind::Azure => chat(answer, thought, &calls),
            Kind::Responses => responses(answer, thought, &calls),
            Kind::Anthropic => anthropic(answer, thought, &calls),
            Kind::Ollama => ollama(answer, thought, &calls, turn),
        };
        Self {
            kind,
            answer: body.to_string(),
        }
    }

    /// The answer, and the body that was sent for it.
    pub(super) async fn ask(&self, request: Request) -> Result<(Completion, Bytes), Error> {
        let (http, sent) = self.http();
        let response = self.call(http, request).await?;
        let completion = response.collect().await?;
        let sent = sent.lock().unwrap().take();
        Ok((completion, sent.unwrap_or_default()))
    }

    async fn call(&self, http: Http, request: Request) -> Result<Response, Error> {
        let url = "https://llm.example.com";
        let key = Secret::new("planted-key");
        match self.kind {
            Kind::Chat | Kind::Responses => {
                let api = match self.kind {
                    Kind::Chat => Api::Chat,
                    _ => Api::Responses,
                };
                let config = OpenAiConfig::builder(url)
                    .flavor(Flavor::OPENAI)
                    .api(api)
                    .api_key(key);
                OpenAi::new(config.build()?, http).oneshot(request).await
            }
            Kind::Azure => {
                let config = AzureConfig::builder(url).api(Api::Chat).api_key(key);
                Azure::new(config.build()?, http).oneshot(request).await
            }
            Kind::Anthropic => {
                let config = AnthropicConfig::builder(url).api_key(key);
                Anthropic::new(config.build()?, http).oneshot(request).await
            }
            Kind::Ollama => {
                let config = OllamaConfig::builder(url);
                Ollama::new(config.build()?, http).oneshot(request).await
            }
        }
    }

    fn http(&self) -> (Http, Arc<Mutex<Option<Bytes>>>) {
        let sent = Arc::new(Mutex::new(None));
        let (log, answer) = (Arc::clone(&sent), self.answer.clone());
        let http = service_fn(move |request: http::Request<RequestBody>| {
            let (log, answer) = (Arc::clone(&log), answer.clone());
            async move {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                *log.lock().unwrap() = Some(body);
                let mut response = http::Response::new(ResponseBody::from(Bytes::from(answer)));
                let kind = http::HeaderValue::from_static("application/json");
                response.headers_mut().insert("content-type", kind);
                Ok::<_, Error>(response)
            }
        });
        (BoxCloneSyncService::new(http), sent)
    }
}

/// An id as the provider makes them. Servers of the chat dialect have forms of their own.
fn id(kind: Kind, style: u8, turn: usize, index: usize) -> String {
    match (kind, style % 3) {
        (Kind::Chat, 1) => format!("functions.weather:{}", turn * 8 + index),
        (Kind::Chat, 2) => format!("chatcmpl-tool-{turn:016x}{index:016x}"),
        (Kind::Chat | Kind::Responses | Kind::Azure, _) => format!("call_{turn:012}{index:012}"),
        (Kind::Anthropic, _) => format!("toolu_01{turn:011}{index:011}"),
        (Kind::Ollama, 1) => format!("call_{turn:04}{index:04}"),
        (Kind::Ollama, _) => String::new(),
    }
}

fn chat(answer: &Answer, thought: Option<&str>, calls: &[Call]) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|call| {
            let arguments = call.arguments.to_string();
            let function = json!({"name": call.tool, "arguments": arguments});
            json!({"id": call.id, "type": "function", "function": function})
        })
        .collect();
    let (text, refusal) = if answer.refused {
        (None, answer.text.as_ref())
    } else {
        (answer.text.as_ref(), None)
    };
    let mut message = json!({"role": "assistant", "content": text, "refusal": refusal});
    message["reasoning_content"] = json!(thought);
    let reason = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
    })
}

fn responses(answer: &Answer, thought: Option<&str>, calls: &[Call]) -> Value {
    let mut output = Vec::new();
    if let Some(thought) = thought {
        output.push(json!({
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": thought}],
            "encrypted_content": format!("sealed {thought}"),
        }));
    }
    if let Some(text) = &answer.text {
        let part = if answer.refused {
            json!({"type": "refusal", "refusal": text})
        } else {
            json!({"type": "output_text", "text": text, "annotations": []})
        };
        let message = json!({"type": "message", "id": "msg_1", "role": "assistant"});
        output.push(merged(message, &json!({"content": [part]})));
    }
    output.extend(calls.iter().enumerate().map(|(index, call)| {
        json!({
            "type": "function_call",
            "id": format!("fc_{index}"),
            "call_id": call.id,
            "name": call.tool,
            "arguments": call.arguments.to_string(),
        })
    }));
    json!({
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": output,
    })
}

fn anthropic(answer: &Answer, thought: Option<&str>, calls: &[Call]) -> Value {
    let mut content = Vec::new();
    if let Some(thought) = thought {
        let signature = format!("signed {thought}");
        content.push(json!({"type": "thinking", "thinking": thought, "signature": signature}));
        let data = format!("hidden {thought}");
        content.push(json!({"type": "redacted_thinking", "data": data}));
    }
    if let Some(text) = &answer.text {
        content.push(json!({"type": "text", "text": text}));
    }
    content.extend(calls.iter().map(|call| {
        json!({
            "type": "tool_use",
            "id": call.id,
            "name": call.tool,
            "input": call.arguments,
        })
    }));
    let reason = match (calls, answer.refused) {
        ([], true) => "refusal",
        ([], false) => "end_turn",
        _ => "tool_use",
    };
    json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": reason,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    })
}

fn ollama(answer: &Answer, thought: Option<&str>, calls: &[Call], turn: usize) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|call| {
            let function = json!({"name": call.tool, "arguments": call.arguments});
            if call.id.is_empty() {
                json!({"function": function})
            } else {
                json!({"id": call.id, "function": function})
            }
        })
        .collect();
    let text = answer.text.as_deref().unwrap_or_default();
    let mut message = json!({"role": "assistant", "content": text});
    if let Some(thought) = thought {
        message["thinking"] = json!(thought);
    }
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    json!({
        "model": "m",
        "created_at": format!("2026-11-24T12:00:00.{turn:06}Z"),
        "message": message,
        "done": true,
        "done_reason": "stop",
    })
}

fn merged(mut object: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}
