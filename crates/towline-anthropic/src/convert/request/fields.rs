//! Writes the fields of a body one by one.

use crate::{AnthropicConfig, DIALECT};
use serde::Serialize;
use serde_json::{Map, Value};
use towline_core::{CompletionOptions, Error, ErrorKind};

/// The body as far as it is written. Raw fields of the caller outrank those written here.
pub(super) struct Fields<'a> {
    out: Vec<u8>,
    extra: [Option<&'a Map<String, Value>>; 2],
    lenient: bool,
    counting: bool,
    dropped: Vec<&'static str>,
}

/// What the caller cannot set raw: it decides how the answer is read.
const OURS: [&str; 3] = ["messages", "model", "stream"];

/// What says how an answer is made, and has no place in the question how long a prompt is.
const OF_ANSWERS: [&str; 8] = [
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
];

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(super) fn new(config: &AnthropicConfig, options: &'a CompletionOptions) -> Self {
        let by_name = options.extra(config.name());
        let other = config.name() != DIALECT;
        let by_dialect = other.then(|| options.extra(DIALECT)).flatten();
        Self {
            out: Vec::new(),
            extra: [by_name, by_dialect],
            lenient: options.lenient(),
            counting: false,
            dropped: Vec::new(),
        }
    }

    /// Leaves out what says how an answer is made.
    pub(super) const fn counting(mut self) -> Self {
        self.counting = true;
        self
    }

    /// Makes room for `bytes` more.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// Writes a field, unless the caller has set it raw.
    pub(super) fn put<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        if self.is_raw(name) {
            return Ok(());
        }
        self.write(name, value)
    }

    /// Writes a field that is set.
    pub(super) fn put_option<T>(&mut self, name: &str, value: Option<&T>) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        value.map_or(Ok(()), |value| self.put(name, value))
    }

    /// Writes a list whose elements are JSON already, unless the caller has set it raw.
    pub(super) fn put_list(&mut self, name: &str, elements: &[u8]) -> Result<(), Error> {
        if self.is_raw(name) {
            return Ok(());
        }
        self.begin(name)?;
        self.out.push(b'[');
        self.out.extend_from_slice(elements);
        self.out.push(b']');
        Ok(())
    }

    /// The option cannot be sent: an error, or a note where the caller is lenient.
    pub(super) fn refuse(&mut self, option: &'static str, why: &str) -> Result<(), Error> {
        if self.lenient {
            self.dropped.push(option);
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported).with_message(format!(
            "the option `{option}` cannot be sent: {why}; with `lenient` it is left out and reported"
        )))
    }

    /// Adds the raw fields and opens the list of messages.
    pub(super) fn finish(mut self) -> Result<(Vec<u8>, Vec<&'static str>), Error> {
        for fields in self.extra.into_iter().flatten() {
            for (name, value) in fields {
                if OURS.contains(&name.as_str()) {
                    return Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
                        "the raw field `{name}` cannot be set: it decides how the answer is read"
                    )));
                }
                self.write(name, value)?;
            }
        }
        self.begin("messages")?;
        self.out.push(b'[');
        Ok((self.out, self.dropped))
    }

    fn is_raw(&self, name: &str) -> bool {
        let mut raw = self.extra.iter().flatten();
        !OURS.contains(&name) && raw.any(|fields| fields.contains_key(name))
    }

    fn write<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        if self.counting && OF_ANSWERS.contains(&name) {
            return Ok(());
        }
        self.begin(name)?;
        self.append(value)
    }

    /// Everything of a field but its value.
    fn begin(&mut self, name: &str) -> Result<(), Error> {
        self.out.push(if self.out.is_empty() { b'{' } else { b',' });
        self.append(name)?;
        self.out.push(b':');
        Ok(())
    }

    fn append<T>(&mut self, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        serde_json::to_writer(&mut self.out, value).map_err(|cause| {
            Error::new(ErrorKind::InvalidRequest)
                .with_message("the options cannot be written as JSON")
                .with_source(cause)
        })
    }
}
