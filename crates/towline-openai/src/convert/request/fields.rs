//! Writes the fields of a body one by one.

use super::ONE_PIECE;
use crate::{Flavor, OpenAiConfig};
use serde::Serialize;
use serde_json::{Map, Value};
use towline_core::{CompletionOptions, Error, ErrorKind};

/// The body as far as it is written. Raw fields of the caller outrank those written here.
pub(crate) struct Fields<'a> {
    out: Vec<u8>,
    flavor: Flavor,
    extra: [Option<&'a Map<String, Value>>; 2],
    lenient: bool,
    dropped: Vec<&'static str>,
}

/// What the caller cannot set raw: it decides how the answer is read.
const OURS: [&str; 5] = ["input", "messages", "model", "stream", "stream_options"];

// === impl Fields ===

impl<'a> Fields<'a> {
    /// Room for the options, and for `length` bytes of messages where they are copied.
    pub(crate) fn new(
        length: usize,
        config: &OpenAiConfig,
        options: &'a CompletionOptions,
    ) -> Self {
        let room = if length <= ONE_PIECE { length } else { 0 };
        let mut out = Vec::with_capacity(room + 512);
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

    pub(crate) const fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// Writes a field, unless the caller has set it raw.
    pub(crate) fn put<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        if !OURS.contains(&name) && self.is_raw(name) {
            return Ok(());
        }
        self.write(name, value)
    }

    /// Writes a field that is set.
    pub(crate) fn put_option<T>(&mut self, name: &str, value: Option<&T>) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        value.map_or(Ok(()), |value| self.put(name, value))
    }

    /// The option cannot be sent: an error, or a note where the caller is lenient.
    pub(crate) fn refuse(&mut self, option: &'static str, why: &str) -> Result<(), Error> {
        if self.lenient {
            self.dropped.push(option);
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported).with_message(format!(
            "the option `{option}` cannot be sent: {why}; with `lenient` it is left out and reported"
        )))
    }

    /// Whether the caller has set the field raw.
    pub(crate) fn is_raw(&self, name: &str) -> bool {
        self.extra
            .iter()
            .flatten()
            .any(|fields| fields.contains_key(name))
    }

    /// Adds the raw fields and opens the list that comes last.
    pub(crate) fn finish(mut self, list: &str) -> Result<(Vec<u8>, Vec<&'static str>), Error> {
        let [own, of_flavor] = self.extra;
        // A field under the provider's own name outranks that of its flavor.
        let outranked = |name: &str| own.is_some_and(|fields| fields.contains_key(name));
        let others = of_flavor.into_iter().flatten();
        let others = others.filter(|(name, _)| !outranked(name));
        for (name, value) in own.into_iter().flatten().chain(others) {
            if OURS.contains(&name.as_str()) {
                return Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
                    "the raw field `{name}` cannot be set: it decides how the answer is read"
                )));
            }
            self.write(name, value)?;
        }
        self.separate();
        self.append(list)?;
        self.out.extend_from_slice(b":[");
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
