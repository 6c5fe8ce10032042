//! What an answer would be if nothing went wrong.

mod framing;

pub(crate) use self::framing::{Framing, line};

use crate::reply::{Raw, SseEvent};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use std::time::Duration;

/// A whole answer, before any fault.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    /// A pause before the head, for an answer that is not streamed.
    pub(crate) think: Duration,
    pub(crate) framing: Framing,
}

#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Whole(Bytes),
    Events {
        items: Vec<Bytes>,
        /// A pause before each event.
        pace: Duration,
    },
}

/// Why a scripted status or header cannot be sent.
#[derive(Clone, Debug)]
pub(crate) struct NotHttp(pub(crate) String);

// === impl Plan ===

impl Plan {
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::typed(
            status,
            "application/json",
            Payload::Whole(value.to_string().into()),
        )
    }

    pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::typed(
            status,
            "text/plain; charset=utf-8",
            Payload::Whole(text.into()),
        )
    }

    pub(crate) fn events(items: Vec<Bytes>, pace: Duration) -> Self {
        let payload = Payload::Events { items, pace };
        let mut plan = Self::typed(StatusCode::OK, "text/event-stream; charset=utf-8", payload);
        let no_cache = HeaderValue::from_static("no-cache");
        plan.headers.insert(header::CACHE_CONTROL, no_cache);
        plan
    }

    /// A stream of JSON lines.
    pub(crate) fn lines(values: &[Value], pace: Duration) -> Self {
        let items = values.iter().map(line).collect();
        let payload = Payload::Events { items, pace };
        Self {
            framing: Framing::Lines,
            ..Self::typed(StatusCode::OK, "application/x-ndjson", payload)
        }
    }

    pub(crate) fn sse(events: Vec<SseEvent>) -> Self {
        let items = events.into_iter().map(SseEvent::into_bytes).collect();
        Self::events(items, Duration::ZERO)
    }

    pub(crate) fn raw(raw: &Raw) -> Result<Self, NotHttp> {
        let mut plan = Self {
            status: status(raw.status)?,
            headers: HeaderMap::new(),
            payload: Payload::Whole(raw.body.clone()),
            think: Duration::ZERO,
            framing: Framing::Data,
        };
        for (name, value) in &raw.headers {
            let (name, value) = header(name, value)?;
            plan.headers.append(name, value);
        }
        Ok(plan)
    }

    /// A body that a script gives as JSON: a string is plain text, the rest is JSON.
    pub(crate) fn scripted(status: StatusCode, body: &Value) -> Self {
        match body {
            Value::String(text) => Self::text(status, text.clone()),
            value => Self::json(status, value),
        }
    }

    /// The body, if it is JSON.
    pub(crate) fn json_body(&self) -> Value {
        match &self.payload {
            Payload::Whole(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
            Payload::Events { .. } => Value::Null,
        }
    }

    /// Sets the form of an error inside the answer.
    pub(crate) fn with_framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    pub(crate) const fn is_stream(&self) -> bool {
        matches!(self.payload, Payload::Events { .. })
    }

    fn typed(status: StatusCode, content_type: &'static str, payload: Payload) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers,
            payload,
            think: Duration::ZERO,
            framing: Framing::Data,
        }
    }
}

pub(crate) fn status(number: u16) -> Result<StatusCode, NotHttp> {
    StatusCode::from_u16(number)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(|| {
            NotHttp(format!(
                "{number} is not the status of an answer (200 to 999)"
            ))
        })
}

pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), NotHttp> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| NotHttp(format!("{name:?} is not an HTTP header name")))?;
    let value = HeaderValue::from_str(value).map_err(|_| {
        NotHttp(format!(
            "the value of header {name:?} is not allowed in HTTP"
        ))
    })?;
    Ok((parsed, value))
}
