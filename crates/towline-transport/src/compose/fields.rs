//! Writes the fields of a body one by one.

use serde::Serialize;
use serde_json::{Map, Value};
use towline_core::{CompletionOptions, Error, ErrorKind};

/// A JSON object as far as it is written. Raw fields of the caller outrank those written here.
///
/// # Examples
///
/// ```
/// use serde_json::json;
/// use towline_core::CompletionOptions;
/// use towline_transport::compose::Fields;
///
/// # fn main() -> Result<(), towline_core::Error> {
/// let options = CompletionOptions::new().with_extra("mine", "top_k", json!(5));
/// let mut fields = Fields::new(&options, ["mine", "dialect"], &["model", "messages"]);
/// fields.put("model", "m")?;
/// fields.put("top_k", &1)?;
/// let (head, dropped) = fields.finish("messages")?;
/// assert_eq!(head, br#"{"model":"m","top_k":5,"messages":["#);
/// assert!(dropped.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Fields<'a> {
    out: Vec<u8>,
    /// The raw fields under the provider's own name, then those under the name of its dialect.
    extra: [Option<&'a Map<String, Value>>; 2],
    /// What the caller cannot set raw: it decides how the answer is read.
    ours: &'static [&'static str],
    left_out: &'static [&'static str],
    /// The raw object that another one was joined with.
    joined: Option<&'static str>,
    lenient: bool,
    dropped: Vec<&'static str>,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    /// Nothing yet. Raw fields are looked for under `names`: the provider's own name, and that of its
    /// dialect, which the former outranks. `ours` are the fields that cannot be set raw.
    #[must_use]
    pub fn new(
        options: &'a CompletionOptions,
        names: [&str; 2],
        ours: &'static [&'static str],
    ) -> Self {
        let [own, dialect] = names;
        let other = own != dialect;
        Self {
            out: Vec::new(),
            extra: [
                options.extra(own),
                other.then(|| options.extra(dialect)).flatten(),
            ],
            ours,
            left_out: &[],
            joined: None,
            lenient: options.lenient(),
            dropped: Vec::new(),
        }
    }

    /// Leaves these fields out, raw ones too.
    #[must_use]
    pub const fn without(mut self, names: &'static [&'static str]) -> Self {
        self.left_out = names;
        self
    }

    /// Makes room for `bytes` more.
    pub fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// Writes a field, unless the caller has set it raw.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] when it cannot be written as JSON.
    pub fn put<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        if self.is_raw(name) {
            return Ok(());
        }
        self.write(name, value)
    }

    /// Writes a field that is set.
    ///
    /// # Errors
    ///
    /// As for [`put`](Self::put).
    pub fn put_option<T>(&mut self, name: &str, value: Option<&T>) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        value.map_or(Ok(()), |value| self.put(name, value))
    }

    /// Writes a list whose elements are JSON already, separated by commas.
    ///
    /// # Errors
    ///
    /// As for [`put`](Self::put).
    pub fn put_list(&mut self, name: &str, elements: &[u8]) -> Result<(), Error> {
        if self.is_raw(name) || self.left_out.contains(&name) {
            return Ok(());
        }
        self.begin(name)?;
        self.out.push(b'[');
        self.out.extend_from_slice(elements);
        self.out.push(b']');
        Ok(())
    }

    /// Writes an object, joined with the one that the caller has set raw. Nothing is written of two
    /// that are empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] when the raw one is no object.
    pub fn put_joined(
        &mut self,
        name: &'static str,
        mut own: Map<String, Value>,
    ) -> Result<(), Error> {
        let mut extra = self.extra.iter().flatten();
        match extra.find_map(|fields| fields.get(name)) {
            None => {}
            Some(Value::Object(raw)) => own.extend(raw.clone()),
            Some(_) => {
                return Err(Error::new(ErrorKind::InvalidRequest)
                    .with_message(format!("the raw field `{name}` has to be an object")));
            }
        }
        self.joined = Some(name);
        if own.is_empty() {
            return Ok(());
        }
        self.write(name, &own)
    }

    /// The option cannot be sent. Where the caller is lenient this is noted and all is well.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the caller is not.
    pub fn refuse(&mut self, option: &'static str, why: &str) -> Result<(), Error> {
        if self.lenient {
            self.dropped.push(option);
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported).with_message(format!(
            "the option `{option}` cannot be sent: {why}; with `lenient` it is left out and reported"
        )))
    }

    /// Whether the caller has set the field raw.
    #[must_use]
    pub fn is_raw(&self, name: &str) -> bool {
        let mut extra = self.extra.iter().flatten();
        !self.ours.contains(&name) && extra.any(|fields| fields.contains_key(name))
    }

    /// Adds the raw fields and opens the list `list`, which comes last. Gives what is written, and the
    /// options that were left out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] when a raw field is one that cannot be set.
    pub fn finish(mut self, list: &str) -> Result<(Vec<u8>, Vec<&'static str>), Error> {
        let [own, dialect] = self.extra;
        let outranked = |name: &str| own.is_some_and(|fields| fields.contains_key(name));
        let rest = dialect.into_iter().flatten();
        let rest = rest.filter(|(name, _)| !outranked(name));
        for (name, value) in own.into_iter().flatten().chain(rest) {
            if self.ours.contains(&name.as_str()) {
                return Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
                    "the raw field `{name}` cannot be set: it decides how the answer is read"
                )));
            }
            if self.joined != Some(name.as_str()) {
                self.write(name, value)?;
            }
        }
        self.begin(list)?;
        self.out.push(b'[');
        Ok((self.out, self.dropped))
    }

    fn write<T>(&mut self, name: &str, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        if self.left_out.contains(&name) {
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

#[cfg(test)]
mod tests;
