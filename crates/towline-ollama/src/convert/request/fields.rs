//! Writes the fields of a body one by one.

use crate::{DIALECT, OllamaConfig};
use serde::Serialize;
use serde_json::{Map, Value};
use towline_core::{CompletionOptions, Error, ErrorKind};

/// The body as far as it is written. Raw fields of the caller outrank those written here.
pub(super) struct Fields<'a> {
    out: Vec<u8>,
    extra: [Option<&'a Map<String, Value>>; 2],
    lenient: bool,
    dropped: Vec<&'static str>,
}

/// What the caller cannot set raw: it decides how the answer is read.
const OURS: [&str; 3] = ["messages", "model", "stream"];

/// The object of the sampler's options: raw ones join it.
const OPTIONS: &str = "options";

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(super) fn new(room: usize, config: &OllamaConfig, options: &'a CompletionOptions) -> Self {
        let mut out = Vec::with_capacity(room);
        out.push(b'{');
        let by_name = options.extra(config.name());
        let renamed = config.name() != DIALECT;
        let by_dialect = renamed.then(|| options.extra(DIALECT)).flatten();
        Self {
            out,
            extra: [by_name, by_dialect],
            lenient: options.lenient(),
            dropped: Vec::new(),
        }
    }

    /// Writes a field, unless the caller has set it raw.
    pub(super) fn put<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        if !OURS.contains(&name) && self.raw(name).is_some() {
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

    /// Writes the options of the sampler, joined with those that the caller has set raw.
    pub(super) fn put_options(&mut self, mut options: Map<String, Value>) -> Result<(), Error> {
        match self.raw(OPTIONS) {
            None => {}
            Some(Value::Object(raw)) => options.extend(raw.clone()),
            Some(_) => {
                return Err(Error::new(ErrorKind::InvalidRequest)
                    .with_message("the raw field `options` has to be an object"));
            }
        }
        if options.is_empty() {
            return Ok(());
        }
        self.write(OPTIONS, &options)
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
        let [by_name, by_dialect] = self.extra;
        let rest = by_dialect.into_iter().flatten();
        let rest = rest.filter(|(name, _)| by_name.is_none_or(|raw| !raw.contains_key(*name)));
        for (name, value) in by_name.into_iter().flatten().chain(rest) {
            if OURS.contains(&name.as_str()) {
                return Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
                    "the raw field `{name}` cannot be set: it decides how the answer is read"
                )));
            }
            if name != OPTIONS {
                self.write(name, value)?;
            }
        }
        self.separate();
        self.out.extend_from_slice(b"\"messages\":[");
        Ok((self.out, self.dropped))
    }

    /// What the caller has set raw, by the provider's own name first.
    fn raw(&self, name: &str) -> Option<&'a Value> {
        let mut extra = self.extra.iter().flatten();
        extra.find_map(|fields| fields.get(name))
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
