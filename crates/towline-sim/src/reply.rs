//! What a rule answers.

use bytes::Bytes;
use serde_json::Value;

/// What a [`Rule`](crate::Rule) answers.
///
/// [`text`](Self::text), [`refusal`](Self::refusal) and [`tool_calls`](Self::tool_calls) say what
/// the model says; the simulator puts it into the dialect of the request, whole or as a stream.
/// [`json`](Self::json), [`raw`](Self::raw), [`sse`](Self::sse) and [`ndjson`](Self::ndjson) say
/// what the server sends.
///
/// # Examples
///
/// ```
/// use serde_json::json;
/// use towline_sim::{Reply, SseEvent, ToolCall};
///
/// let _said = Reply::text("Paris.").with_reasoning("The capital is asked for.");
/// let _called = Reply::tool_calls([ToolCall::new("weather", json!({"city": "Paris"}))]);
/// let _stream = Reply::sse([SseEvent::data(json!({"error": {"message": "no"}})), SseEvent::done()]);
/// ```
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) kind: ReplyKind,
}

#[derive(Clone, Debug)]
pub(crate) enum ReplyKind {
    Turn(Turn),
    Json { status: u16, value: Value },
    Raw(Raw),
    Sse(Vec<SseEvent>),
    Lines(Vec<Value>),
}

/// What the model says, in no dialect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn {
    pub(crate) reasoning: Option<String>,
    pub(crate) text: String,
    pub(crate) refusal: Option<String>,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) finish: Option<String>,
    /// The stop sequence that the text was cut at.
    pub(crate) stopped_at: Option<String>,
    pub(crate) usage: Option<TokenUsage>,
}

#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// One call of a tool by the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// Token counts that a [`Reply`] claims. All are inclusive: `input` holds the cached ones and those
/// written to the cache, `output` the reasoning ones. A dialect that counts otherwise is told so.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TokenUsage {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
    pub(crate) written: u64,
    pub(crate) reasoning: u64,
}

/// One event of a server-sent event stream, or bytes that only claim to be one.
#[derive(Clone, Debug)]
pub struct SseEvent {
    bytes: Bytes,
}

// === impl Reply ===

impl Reply {
    /// The model says `text`. Counts of tokens are estimated, four characters each.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::turn(Turn {
            text: text.into(),
            ..Turn::default()
        })
    }

    /// The model refuses, with `text` in the field that the dialect has for it.
    #[must_use]
    pub fn refusal(text: impl Into<String>) -> Self {
        Self::turn(Turn {
            refusal: Some(text.into()),
            ..Turn::default()
        })
    }

    /// The model calls tools, all in one turn.
    #[must_use]
    pub fn tool_calls(calls: impl IntoIterator<Item = ToolCall>) -> Self {
        Self::turn(Turn {
            calls: calls.into_iter().collect(),
            ..Turn::default()
        })
    }

    /// The server answers with `status` and a JSON body, and the usual headers of its dialect.
    ///
    /// A number that is no HTTP status is answered with 500 and says so.
    #[must_use]
    pub const fn json(status: u16, value: Value) -> Self {
        Self {
            kind: ReplyKind::Json { status, value },
        }
    }

    /// The server answers with exactly these headers and this body; only `date` and the framing
    /// are added.
    ///
    /// A number that is no HTTP status, or a header that HTTP does not allow, is answered with 500
    /// and says so.
    #[must_use]
    pub fn raw<N, V>(
        status: u16,
        headers: impl IntoIterator<Item = (N, V)>,
        body: impl Into<Bytes>,
    ) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let headers = headers.into_iter().map(|(n, v)| (n.into(), v.into()));
        Self {
            kind: ReplyKind::Raw(Raw {
                status,
                headers: headers.collect(),
                body: body.into(),
            }),
        }
    }

    /// The server streams these events with status 200, then ends cleanly. Nothing is added: a
    /// stream that is to be complete needs its [`SseEvent::done`].
    #[must_use]
    pub fn sse<E: Into<SseEvent>>(events: impl IntoIterator<Item = E>) -> Self {
        Self {
            kind: ReplyKind::Sse(events.into_iter().map(Into::into).collect()),
        }
    }

    /// The server streams these values as lines of JSON with status 200, as Ollama does, then ends
    /// cleanly. Nothing is added.
    #[must_use]
    pub fn ndjson(lines: impl IntoIterator<Item = Value>) -> Self {
        Self {
            kind: ReplyKind::Lines(lines.into_iter().collect()),
        }
    }

    /// Adds text to a refusal or tool calls, or replaces it. Of no effect on a reply that is not
    /// the model's.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        if let ReplyKind::Turn(turn) = &mut self.kind {
            turn.text = text.into();
        }
        self
    }

    /// Adds calls of tools to what the model says. Of no effect on a reply that is not the model's.
    #[must_use]
    pub fn with_tool_calls(mut self, calls: impl IntoIterator<Item = ToolCall>) -> Self {
        if let ReplyKind::Turn(turn) = &mut self.kind {
            turn.calls.extend(calls);
        }
        self
    }

    /// Adds what the model thought before it spoke. Of no effect on a reply that is not the model's.
    #[must_use]
    pub fn with_reasoning(mut self, reasoning: impl Into<String>) -> Self {
        if let ReplyKind::Turn(turn) = &mut self.kind {
            turn.reasoning = Some(reasoning.into());
        }
        self
    }

    /// Sets the finish reason. `stop`, `length`, `tool_calls` and `content_filter` are put into the
    /// words of the dialect; any other goes out as it is. Of no effect on a reply that is not the
    /// model's.
    #[must_use]
    pub fn with_finish(mut self, reason: impl Into<String>) -> Self {
        if let ReplyKind::Turn(turn) = &mut self.kind {
            turn.finish = Some(reason.into());
        }
        self
    }

    /// Sets the token counts instead of the estimate. Of no effect on a reply that is not the
    /// model's.
    #[must_use]
    pub const fn with_usage(mut self, usage: TokenUsage) -> Self {
        if let ReplyKind::Turn(turn) = &mut self.kind {
            turn.usage = Some(usage);
        }
        self
    }

    pub(crate) const fn turn(turn: Turn) -> Self {
        Self {
            kind: ReplyKind::Turn(turn),
        }
    }
}

// === impl ToolCall ===

impl ToolCall {
    /// A call of the tool `name`. A string is taken as the text of the arguments, so that it may be
    /// broken on purpose; any other value is written as JSON. The simulator makes up the id.
    #[must_use]
    pub fn new(name: impl Into<String>, arguments: impl Into<Value>) -> Self {
        let arguments = match arguments.into() {
            Value::String(text) => text,
            value => value.to_string(),
        };
        Self {
            id: None,
            name: name.into(),
            arguments,
        }
    }

    /// Sets the id of the call.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

// === impl TokenUsage ===

impl TokenUsage {
    /// `input` tokens read, `output` tokens written.
    #[must_use]
    pub const fn new(input: u64, output: u64) -> Self {
        Self {
            input,
            output,
            cached: 0,
            written: 0,
            reasoning: 0,
        }
    }

    /// How many of the input tokens came from the provider's cache.
    #[must_use]
    pub const fn with_cached(mut self, tokens: u64) -> Self {
        self.cached = tokens;
        self
    }

    /// How many of the input tokens were written to the provider's cache.
    #[must_use]
    pub const fn with_cache_written(mut self, tokens: u64) -> Self {
        self.written = tokens;
        self
    }

    /// How many of the output tokens were reasoning.
    #[must_use]
    pub const fn with_reasoning(mut self, tokens: u64) -> Self {
        self.reasoning = tokens;
        self
    }
}

// === impl SseEvent ===

impl SseEvent {
    /// An event without a name. A string is sent as it stands (each line its own `data:` line), any
    /// other value as JSON on one line.
    #[must_use]
    pub fn data(data: impl Into<Value>) -> Self {
        Self::write(None, &data.into())
    }

    /// An event with a name: an `event:` line, then the data as in [`data`](Self::data).
    #[must_use]
    pub fn named(name: &str, data: impl Into<Value>) -> Self {
        Self::write(Some(name), &data.into())
    }

    /// The end marker of the OpenAI chat dialect, `data: [DONE]`.
    #[must_use]
    pub fn done() -> Self {
        Self::data("[DONE]")
    }

    /// These bytes as they are: comments, broken lines, anything. Faults count them as one event.
    #[must_use]
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    fn write(name: Option<&str>, data: &Value) -> Self {
        let mut block = name.map_or_else(String::new, |name| format!("event: {name}\n"));
        match data {
            Value::String(text) => text
                .split('\n')
                .for_each(|line| push_line(&mut block, line)),
            value => push_line(&mut block, &value.to_string()),
        }
        block.push('\n');
        Self::raw(block)
    }
}

impl From<Value> for SseEvent {
    fn from(value: Value) -> Self {
        Self::data(value)
    }
}

impl From<&str> for SseEvent {
    fn from(text: &str) -> Self {
        Self::data(text)
    }
}

fn push_line(block: &mut String, line: &str) {
    block.push_str("data: ");
    block.push_str(line);
    block.push('\n');
}
