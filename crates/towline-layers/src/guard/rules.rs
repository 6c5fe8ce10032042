//! What a prompt has to keep to.

use crate::refused;
use std::{fmt, sync::Arc};
use towline_core::{EmbeddingRequest, Error, ErrorKind, Metered, Part, Request};

/// Rules for the prompts of requests `Req`. Clones share the checks.
pub struct Guard<Req> {
    max_bytes: Option<u64>,
    /// In lower case.
    forbidden: Arc<[String]>,
    checks: Vec<Check<Req>>,
}

type Check<Req> = Arc<dyn Fn(&Req) -> Result<(), String> + Send + Sync>;

/// A request whose words can be read.
pub trait Prompt: Metered {
    /// Hands each text of the prompt to `read`.
    fn each_text(&self, read: &mut dyn FnMut(&str));
}

const LAYER: &str = "guard";

// === impl Guard ===

impl<Req> Guard<Req> {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_bytes: None,
            forbidden: Arc::new([]),
            checks: Vec::new(),
        }
    }

    /// Sets how many bytes of text a prompt may have, all messages together.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets phrases that no prompt may hold. Empty ones are left out: they are in every prompt.
    #[must_use]
    pub fn with_forbidden<T: AsRef<str>>(mut self, phrases: impl IntoIterator<Item = T>) -> Self {
        let phrases = phrases.into_iter();
        self.forbidden = phrases
            .map(|phrase| phrase.as_ref().to_lowercase())
            .filter(|phrase| !phrase.is_empty())
            .collect();
        self
    }

    /// Adds a check of your own. What it returns as an error is shown to the caller.
    #[must_use]
    pub fn with_check(
        mut self,
        check: impl Fn(&Req) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.checks.push(Arc::new(check));
        self
    }
}

impl<Req> Guard<Req> {
    pub(super) fn is_empty(&self) -> bool {
        self.max_bytes.is_none() && self.forbidden.is_empty() && self.checks.is_empty()
    }
}

impl<Req: Prompt> Guard<Req> {
    /// Checks `request`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] for the size, [`ErrorKind::InvalidRequest`] for everything else.
    pub fn check(&self, request: &Req) -> Result<(), Error> {
        let result = self
            .check_size(request)
            .and_then(|()| self.check_phrases(request))
            .and_then(|()| self.check_others(request));
        result.inspect_err(|error| refused::note(request.context(), LAYER, error))
    }

    fn check_size(&self, request: &Req) -> Result<(), Error> {
        let Some(most) = self.max_bytes else {
            return Ok(());
        };
        let mut bytes = 0_usize;
        request.each_text(&mut |text| bytes = bytes.saturating_add(text.len()));
        if u64::try_from(bytes).is_ok_and(|bytes| bytes <= most) {
            return Ok(());
        }
        Err(broken(
            ErrorKind::TooLarge,
            format!("the prompt has {bytes} bytes of text, `guard.max_prompt_bytes` allows {most}"),
        ))
    }

    fn check_phrases(&self, request: &Req) -> Result<(), Error> {
        if self.forbidden.is_empty() {
            return Ok(());
        }
        let mut found = None;
        request.each_text(&mut |text| {
            if found.is_none() {
                let text = text.to_lowercase();
                let mut phrases = self.forbidden.iter();
                found = phrases.position(|phrase| text.contains(phrase.as_str()));
            }
        });
        let Some(index) = found else {
            return Ok(());
        };
        Err(broken(
            ErrorKind::InvalidRequest,
            format!(
                "the prompt holds the phrase {} of `guard.forbidden`",
                index + 1
            ),
        ))
    }

    fn check_others(&self, request: &Req) -> Result<(), Error> {
        self.checks
            .iter()
            .try_for_each(|check| check(request))
            .map_err(|reason| broken(ErrorKind::InvalidRequest, reason))
    }
}

impl<Req> Default for Guard<Req> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Req> Clone for Guard<Req> {
    fn clone(&self) -> Self {
        Self {
            max_bytes: self.max_bytes,
            forbidden: Arc::clone(&self.forbidden),
            checks: self.checks.clone(),
        }
    }
}

/// Counts phrases and checks: a phrase may itself be a secret.
impl<Req> fmt::Debug for Guard<Req> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("max_bytes", &self.max_bytes)
            .field("forbidden", &self.forbidden.len())
            .field("checks", &self.checks.len())
            .finish()
    }
}

/// Of a rule that was not kept.
fn broken(kind: ErrorKind, message: String) -> Error {
    Error::new(kind)
        .with_refused_by(LAYER)
        .with_message(message)
}

// === impl Prompt ===

impl Prompt for Request {
    fn each_text(&self, read: &mut dyn FnMut(&str)) {
        let messages = self.conversation().messages().iter();
        for part in messages.flat_map(|message| message.parts()) {
            match part {
                Part::Text(text) | Part::Refusal(text) => read(text),
                Part::Reasoning(reasoning) => read(reasoning.text()),
                Part::ToolCall(call) => read(call.arguments()),
                Part::ToolResult(result) => read(result.content()),
                _ => {}
            }
        }
    }
}

impl Prompt for EmbeddingRequest {
    fn each_text(&self, read: &mut dyn FnMut(&str)) {
        self.inputs().iter().for_each(|text| read(text));
    }
}
