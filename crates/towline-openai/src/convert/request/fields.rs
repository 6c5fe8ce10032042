//! Writes the fields of a body one by one.

use crate::{Flavor, OpenAiConfig};
use serde::Serialize;
use serde_json::{Map, Value};
use towline_core::{CompletionOptions, Error, ErrorKind};

/// The body as far as it is written. Raw fields of the caller outrank those written here.
pub(super) struct Fields<'a> {
    out: Vec<u8>,
    flavor: Flavor,
    extra: [Option<&'a Map<String, Value>>; 2],
    lenient: bool,
    dropped: Vec<&'static str>,
}

/// What the caller cannot set raw: it decides how the answer is read.
const OURS: [&str; 4] = ["messages", "model", "stream", "stream_options"];

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(super) fn new(room: usize, config: &OpenAiConfig, options: &'a CompletionOptions) -> Self {
        let mut out = Vec::with_capacity(room);
        out.push(b'{');
        let flavor = config.flavor();
        let by_name = options.extra(config.name());
        let other = flavor.name() != config.name();
        let by_flavor = other.then(|| options.extra(flavor.name())).flatten();
        Self {
            out,
            flavor,
            extra: [by_name, by_flavor],
            lenient: options.lenient(),
            dropped: Vec::new(),
        }
    }

    pub(super) const fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// Writes a field, unless the caller has set it raw.
    pub(super) fn put<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        let raw = self.extra.iter().flatten();
        if !OURS.contains(&name) && raw.into_iter().any(|fields| fields.contains_key(name)) {
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
        self.separate();
        self.out.extend_from_slice(b"\"messages\":[");
        Ok((self.out, self.dropped))
    }

    fn write<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        self.separate();
        self.append(name)?;
        self.out.push(b':');
        self.append(value)
    }

    fn separate(&mut self) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
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
