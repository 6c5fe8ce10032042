//! What is wrong with the settings: all of it, in one value.

use std::{error::Error as StdError, fmt};
use towline_core::{Error, ErrorKind};

/// Everything that is wrong with the settings. Holds at least one [`Fault`].
///
/// `Display` prints one line per fault: what is wrong, the key, the variables that set it, where the
/// value came from, and the remedy. No line holds the value of a secret.
///
/// # Examples
///
/// ```
/// use towline_config::Loader;
///
/// let error = Loader::new().set("towline.llm.modle=openai/gpt-4o").load().unwrap_err();
/// assert!(error.to_string().contains("did you mean towline.llm.model?"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    faults: Vec<Fault>,
}

/// One thing that is wrong, with its key, origin and remedy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    inner: Box<Inner>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Inner {
    problem: String,
    key: Option<String>,
    variables: Vec<String>,
    origin: Option<String>,
    /// Of every fault: who is woken at night wants to know what to do.
    remedy: String,
    section: Option<String>,
}

// === impl ConfigError ===

impl ConfigError {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let mut kept: Vec<Fault> = Vec::with_capacity(faults.len());
        for fault in faults {
            if !kept.contains(&fault) {
                kept.push(fault);
            }
        }
        Self { faults: kept }
    }

    /// The faults, in the order in which they were found.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl From<Fault> for ConfigError {
    fn from(fault: Fault) -> Self {
        Self {
            faults: vec![fault],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [fault] = self.faults.as_slice() {
            return fmt::Display::fmt(fault, f);
        }
        write!(f, "{} faults in the configuration:", self.faults.len())?;
        for fault in &self.faults {
            write!(f, "\n  - {fault}")?;
        }
        Ok(())
    }
}

impl StdError for ConfigError {}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        // The text goes into the message, not into the source: a report would print it twice.
        Self::new(ErrorKind::Config).with_message(error.to_string())
    }
}

// === impl Fault ===

impl Fault {
    pub(crate) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                problem: problem.into(),
                remedy: remedy.into(),
                ..Inner::default()
            }),
        }
    }

    pub(crate) fn with_key(mut self, key: impl Into<String>) -> Self {
        self.inner.key = Some(key.into());
        self
    }

    pub(crate) fn with_variables(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.inner.variables = names.into_iter().collect();
        self
    }

    pub(crate) fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.inner.origin = Some(origin.into());
        self
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.inner.remedy = remedy.into();
        self
    }

    /// Ties the fault to one provider section: it counts only when that section is used.
    pub(crate) fn in_section(mut self, section: impl Into<String>) -> Self {
        self.inner.section = Some(section.into());
        self
    }

    pub(crate) fn section(&self) -> Option<&str> {
        self.inner.section.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.inner.problem
    }

    /// The key at fault, such as `towline.openai.api_key`.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.inner.key.as_deref()
    }

    /// The environment variables that set the key, the best known first.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.inner.variables.iter().map(String::as_str)
    }

    /// Where the value came from, such as `environment OPENAI_API_KEY` or `towline.toml`.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.inner.origin.as_deref()
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.inner.remedy
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.problem)?;
        if let Some(key) = &self.inner.key {
            write!(f, " ({key}")?;
            if !self.inner.variables.is_empty() {
                write!(f, " / {}", self.inner.variables.join(" or "))?;
            }
            f.write_str(")")?;
        }
        if let Some(origin) = &self.inner.origin {
            write!(f, ", from {origin}")?;
        }
        write!(f, ": {}", self.inner.remedy)
    }
}
