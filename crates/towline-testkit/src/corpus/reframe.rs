//! Rewrites an event stream in the framings that the standard allows.
//!
//! Source: WHATWG HTML, "Server-sent events", read 2026-11-24.

use bytes::Bytes;

/// A way to frame the same events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Framing {
    /// Lines end with carriage return and line feed.
    CrLf,
    /// Lines end with a carriage return alone.
    Cr,
    /// No space after the colon.
    NoSpace,
    /// A byte order mark at the start.
    ByteOrderMark,
    /// A comment line inside each event, which dispatches nothing.
    Comments,
    /// A block that is only a comment before each event, which dispatches nothing either.
    CommentBlocks,
    /// More blank lines between events.
    BlankLines,
    /// Fields `id` and `retry` in each event.
    IdAndRetry,
    /// The data of each event on several `data` lines, broken where JSON allows a line end.
    ManyDataLines,
}

// === impl Framing ===

impl Framing {
    /// Every framing.
    pub const ALL: [Self; 9] = [
        Self::CrLf,
        Self::Cr,
        Self::NoSpace,
        Self::ByteOrderMark,
        Self::Comments,
        Self::CommentBlocks,
        Self::BlankLines,
        Self::IdAndRetry,
        Self::ManyDataLines,
    ];

    /// Whether the framing adds comments: signs of life, which a decoder may report.
    #[must_use]
    pub const fn adds_comments(self) -> bool {
        matches!(self, Self::Comments | Self::CommentBlocks)
    }

    /// `stream` in this framing. Text that is no UTF-8 is returned as it is.
    #[must_use]
    pub fn apply(self, stream: &Bytes) -> Bytes {
        let Ok(text) = std::str::from_utf8(stream) else {
            return stream.clone();
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let framed = match self {
            Self::CrLf => text.replace('\n', "\r\n"),
            Self::Cr => text.replace('\n', "\r"),
            Self::ByteOrderMark => format!("\u{FEFF}{text}"),
            Self::NoSpace => lines(&text, without_space),
            Self::Comments => before_data(&text, ": still here\n"),
            Self::CommentBlocks => blocks(&text, ": still here\n\n"),
            Self::BlankLines => text.replace("\n\n", "\n\n\n\n"),
            Self::IdAndRetry => blocks(&text, "id: 7\nretry: 3000\n"),
            Self::ManyDataLines => lines(&text, many_lines),
        };
        framed.into()
    }
}

/// The places at which an event of `stream` is complete, in order, with its end last.
#[must_use]
pub fn boundaries(stream: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    let mut blank = true;
    while let Some(rest) = stream.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(length) = length else { break };
        let line_end = if rest.get(length..length + 2) == Some(b"\r\n") {
            2
        } else {
            1
        };
        at += length + line_end;
        if length == 0 && !blank {
            ends.push(at);
        }
        blank = length == 0;
    }
    ends
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    let lines: Vec<_> = text.split('\n').map(change).collect();
    lines.join("\n")
}

/// `more` before each `data` line.
fn before_data(text: &str, more: &str) -> String {
    lines(text, |line| {
        let more = if line.starts_with("data:") { more } else { "" };
        format!("{more}{line}")
    })
}

/// `more` before each block of lines.
fn blocks(text: &str, more: &str) -> String {
    let mut framed = String::with_capacity(text.len() * 2);
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let blank = line.trim_end_matches('\n').is_empty();
        if !blank && !inside {
            framed.push_str(more);
        }
        inside = !blank;
        framed.push_str(line);
    }
    framed
}

/// A field without the optional space. A value that itself starts with one still needs it.
fn without_space(line: &str) -> String {
    let cut = |field: &str| {
        let value = line.strip_prefix(field)?.strip_prefix(": ")?;
        (!value.starts_with(' ')).then(|| format!("{field}:{value}"))
    };
    let tight = cut("data").or_else(|| cut("event"));
    tight.unwrap_or_else(|| line.to_owned())
}

/// JSON data broken after the first brace and before the last one, where white space means nothing.
fn many_lines(line: &str) -> String {
    let inner = line
        .strip_prefix("data: {")
        .and_then(|rest| rest.strip_suffix('}'));
    inner.map_or_else(
        || line.to_owned(),
        |inner| format!("data: {{\ndata: {inner}\ndata: }}"),
    )
}

#[cfg(test)]
mod tests;
