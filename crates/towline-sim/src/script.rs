//! What a simulator is told to do, in code or in a file.

mod file;
mod refusal;
#[cfg(test)]
mod tests;

use self::{file::ScriptFile, refusal::explain};
use crate::rule::Rule;
use std::time::Duration;
use towline_core::{Error, ErrorKind, Secret};

/// A list of rules, and settings that go with them. The [crate docs](crate#script-files) show the
/// file format.
///
/// # Examples
///
/// ```
/// use towline_sim::Script;
///
/// let script = Script::from_json(r#"{"rules": [{"times": 2, "faults": [{"status": {"status": 429}}]}]}"#);
/// assert!(script.is_ok());
///
/// let wrong = Script::from_json(r#"{"rules": [{"tmies": 2}]}"#);
/// let message = wrong.map(drop).unwrap_err().to_string();
/// assert!(message.contains("unknown field `tmies`"), "{message}");
/// assert!(message.contains("line 1"), "{message}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) rules: Vec<Rule>,
    pub(crate) keys: Vec<Secret>,
    pub(crate) models: Vec<String>,
    pub(crate) pace: Option<Duration>,
    pub(crate) seed: Option<u64>,
}

// === impl Script ===

impl Script {
    /// An empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the text of a script file. Every field is known, or the script is refused.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the line and column, or the rule and field, at fault, and what was
    /// expected. A value is never shown: it may be a key.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let file: ScriptFile = serde_json::from_str(text).map_err(|cause| {
            let why = explain(&cause);
            config(format!("the simulator script is not valid: {why}"))
        })?;
        let rules = file.rules.into_iter().enumerate().map(|(index, rule)| {
            rule.into_rule().map_err(|wrong| {
                let (at, what) = (wrong.at, wrong.what);
                config(format!(
                    "the simulator script is not valid: rules[{index}].{at}: {what}"
                ))
            })
        });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
            keys: file.keys.into_iter().map(Secret::new).collect(),
            models: file.models,
            pace: file.pace_ms.map(Duration::from_millis),
            seed: file.seed,
        })
    }

    /// Adds a rule behind those that are there.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

fn config(message: String) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}
