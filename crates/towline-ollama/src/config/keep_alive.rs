//! How long a model stays loaded.

use std::{fmt, str::FromStr, time::Duration};
use towline_core::{Error, ErrorKind, Text};
use towline_transport::hint::parse_duration;

/// How long the server keeps a model loaded after a call.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use towline_ollama::KeepAlive;
///
/// let ten_minutes = KeepAlive::for_duration(Duration::from_secs(600));
/// assert_eq!("10m".parse::<KeepAlive>()?, ten_minutes);
/// assert_eq!("-1".parse::<KeepAlive>()?, KeepAlive::FOREVER);
/// # Ok::<_, towline_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeepAlive {
    /// As the server reads it: a duration the way Go prints it.
    text: Text,
}

// === impl KeepAlive ===

impl KeepAlive {
    /// As long as the server runs.
    pub const FOREVER: Self = Self {
        text: Text::from_static("-1s"),
    };

    /// Not at all: the model is unloaded after the call.
    pub const UNLOAD: Self = Self {
        text: Text::from_static("0s"),
    };

    /// For this long, to the millisecond.
    #[must_use]
    pub fn for_duration(duration: Duration) -> Self {
        let text = if duration.subsec_millis() == 0 {
            format!("{}s", duration.as_secs())
        } else {
            format!("{}ms", duration.as_millis())
        };
        Self { text: text.into() }
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Reads a number of seconds or a duration such as `5m`; anything negative is
/// [`FOREVER`](Self::FOREVER).
impl FromStr for KeepAlive {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (sign, size) = match text.trim().strip_prefix('-') {
            Some(rest) => (Some(()), rest),
            None => (None, text),
        };
        let duration = parse_duration(size).ok_or_else(|| {
            Error::new(ErrorKind::Config).with_message(format!(
                "`{text}` is no time to keep a model loaded; write `5m`, `0` or `-1` (as long as the server runs)"
            ))
        })?;
        Ok(match sign {
            Some(()) => Self::FOREVER,
            None => Self::for_duration(duration),
        })
    }
}

impl From<Duration> for KeepAlive {
    fn from(duration: Duration) -> Self {
        Self::for_duration(duration)
    }
}

impl fmt::Display for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
