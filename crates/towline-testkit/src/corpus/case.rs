//! The files of the corpus.

use super::{Expected, Unreadable, name};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// One recorded exchange.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Its name, `PROVIDER/CASE`.
    pub id: String,
    /// Who answered.
    pub provider: String,
    /// Which of the provider's interfaces was called: `chat`, `embeddings`, `models`, ...
    pub api: String,
    /// Whether the answer is a stream of events.
    pub stream: bool,
    /// What is special about it.
    pub features: Vec<String>,
    /// What was asked.
    pub request: Recorded,
    /// What was answered.
    pub answer: Answer,
    /// What the provider's own SDK made of the answer, where it was asked.
    pub expected: Option<Expected>,
}

/// A recorded request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The HTTP method.
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The body; empty for a GET.
    pub body: String,
}

/// A recorded answer. Bodies are decoded: headers that speak of their transfer are left out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer composed from documentation and issues: what nobody has recorded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Documented {
    /// Its name.
    pub id: String,
    /// Who answers like this.
    pub provider: String,
    /// The answer.
    pub answer: Answer,
}

/// An answer without request, status and headers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loose {
    /// Its name, `FAMILY/FILE`.
    pub id: String,
    /// Whose dialect it is.
    pub family: String,
    /// Whether it was a stream. Where only the events were kept, they are framed again.
    pub stream: bool,
    /// The body, made an answer with status 200.
    pub answer: Answer,
}

#[derive(Deserialize)]
struct CaseFile {
    id: String,
    provider: String,
    api: String,
    stream: bool,
    features: Vec<String>,
    request: RequestFile,
    response: ResponseFile,
}

#[derive(Deserialize)]
struct RequestFile {
    method: String,
    path: String,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Deserialize)]
struct ResponseFile {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_b64: Option<String>,
}

#[derive(Deserialize)]
struct DocumentedFile {
    id: String,
    provider: String,
    response: ResponseFile,
}

#[derive(Deserialize)]
struct LooseFile {
    kind: String,
    body: String,
}

// === impl Case ===

impl Case {
    pub(super) fn load(path: &Path, expected: Option<&Path>) -> Result<Self, Unreadable> {
        let file: CaseFile = read(path)?;
        let expected = expected.map(Expected::load).transpose()?;
        Ok(Self {
            answer: file.response.answer(path, file.stream)?,
            id: file.id,
            provider: file.provider,
            api: file.api,
            stream: file.stream,
            features: file.features,
            request: Recorded {
                method: file.request.method,
                path: file.request.path,
                body: file.request.body.unwrap_or_default(),
            },
            expected,
        })
    }

    /// Whether the answer is a stream of events that began well.
    #[must_use]
    pub const fn is_event_stream(&self) -> bool {
        self.stream && self.answer.status == 200
    }

    /// The model that was asked for, as far as the request says it.
    #[must_use]
    pub fn model(&self) -> String {
        let body: Option<Value> = serde_json::from_str(&self.request.body).ok();
        let model = body.as_ref().and_then(|body| body.get("model"));
        model.and_then(Value::as_str).unwrap_or("model").to_owned()
    }
}

// === impl Documented ===

impl Documented {
    pub(super) fn load(path: &Path) -> Result<Self, Unreadable> {
        let file: DocumentedFile = read(path)?;
        Ok(Self {
            id: file.id,
            provider: file.provider,
            answer: file.response.answer(path, false)?,
        })
    }

    /// Whether the answer is a stream of events, by its content type.
    #[must_use]
    pub fn is_event_stream(&self) -> bool {
        let kind = self.answer.headers.get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
    }
}

// === impl Loose ===

impl Loose {
    pub(super) fn load(family: &str, path: &Path) -> Result<Self, Unreadable> {
        let file: LooseFile = read(path)?;
        let (stream, body) = match file.kind.as_str() {
            "json-body" => (false, file.body),
            "raw-sse" => (true, close(file.body)),
            "event-payload-lines" => (true, frame(&file.body)),
            other => return Err(Unreadable::new(path, format!("unknown kind `{other}`"))),
        };
        let headers = HeaderMap::from_iter([content_type(stream)]);
        Ok(Self {
            id: format!("{family}/{}", name(path).trim_end_matches(".json")),
            family: family.to_owned(),
            stream,
            answer: Answer {
                status: 200,
                headers,
                body: body.into(),
            },
        })
    }
}

// === impl Answer ===

impl Answer {
    /// An answer with status 200.
    #[must_use]
    pub fn ok(headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers,
            body: body.into(),
        }
    }

    /// The same head with another body.
    #[must_use]
    pub fn with_body(&self, body: impl Into<Bytes>) -> Self {
        Self {
            status: self.status,
            headers: self.headers.clone(),
            body: body.into(),
        }
    }

    /// The body as JSON, where it is JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

// === impl ResponseFile ===

impl ResponseFile {
    fn answer(self, path: &Path, stream: bool) -> Result<Answer, Unreadable> {
        let mut headers = HeaderMap::new();
        for (name, values) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|error| Unreadable::new(path, error))?;
            if is_of_transfer(&name) {
                continue;
            }
            // A list in recordings, a plain string where an answer was composed.
            let values = values
                .as_array()
                .map_or_else(|| std::slice::from_ref(values), Vec::as_slice);
            for value in values.iter().filter_map(Value::as_str) {
                let value = HeaderValue::from_str(value);
                let value = value.map_err(|error| Unreadable::new(path, error))?;
                headers.append(name.clone(), value);
            }
        }
        // Eight recorded streams have lost it: they get the usual one.
        if stream && !headers.contains_key(header::CONTENT_TYPE) {
            headers.extend([content_type(true)]);
        }
        let body = match (self.body, self.body_b64) {
            (Some(text), _) => text.into(),
            (None, Some(base64)) => {
                let bytes = STANDARD.decode(base64);
                bytes.map_err(|error| Unreadable::new(path, error))?.into()
            }
            (None, None) => Bytes::new(),
        };
        Ok(Answer {
            status: self.status,
            headers,
            body,
        })
    }
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Unreadable> {
    let text = fs::read(path).map_err(|error| Unreadable::new(path, error))?;
    serde_json::from_slice(&text).map_err(|error| Unreadable::new(path, error))
}

/// Headers that describe how the body travelled, which the recording undid.
fn is_of_transfer(name: &HeaderName) -> bool {
    [
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ]
    .contains(name)
        || name == "keep-alive"
}

fn content_type(stream: bool) -> (HeaderName, HeaderValue) {
    let value = if stream {
        "text/event-stream; charset=utf-8"
    } else {
        "application/json"
    };
    (header::CONTENT_TYPE, HeaderValue::from_static(value))
}

/// A stream kept as a file of text: its last event has lost the empty line that ends it.
fn close(mut stream: String) -> String {
    while !stream.ends_with("\n\n") {
        stream.push('\n');
    }
    stream
}

/// Events of which only the payloads were kept, one on each line, framed as a stream that ends.
fn frame(lines: &str) -> String {
    let payloads = lines.lines().filter(|line| !line.trim().is_empty());
    let mut text: String = payloads.map(|line| format!("data: {line}\n\n")).collect();
    if !text.contains("data: [DONE]") {
        text.push_str("data: [DONE]\n\n");
    }
    text
}
