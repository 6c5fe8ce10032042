//! Which requests get which answer.

use crate::{call::Call, fault::Fault, journal::lock, reply::Reply};
use std::sync::Mutex;
use towline_core::Secret;

/// A behaviour for some requests: what must match, how often, and what happens then.
///
/// Rules are tried in the order they were added; the first that matches and is not used up decides.
/// A rule without a [`Reply`] leaves the answer to the default assistant, so that a rule with only
/// faults damages an otherwise good answer. All conditions of a rule must hold.
///
/// # Examples
///
/// ```
/// use towline_sim::{Fault, Reply, Rule};
///
/// let _rule = Rule::path("/v1/chat/completions")
///     .user_message_contains("weather")
///     .stream(true)
///     .after(1)
///     .times(2)
///     .respond(Reply::text("It rains."))
///     .fault(Fault::CutAfterEvents(2));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rule {
    path: Option<String>,
    method: Option<String>,
    model: Option<String>,
    user_message: Option<String>,
    stream: Option<bool>,
    headers: Vec<(String, Secret)>,
    after: u64,
    times: Option<u64>,
    reply: Option<Reply>,
    faults: Vec<Fault>,
}

/// What the rules decided for a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decision {
    pub(crate) reply: Option<Reply>,
    pub(crate) faults: Vec<Fault>,
}

/// The rules of a simulator, with how often each has matched.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    entries: Mutex<Vec<(Rule, u64)>>,
}

// === impl Rule ===

impl Rule {
    /// Matches every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Matches requests for this path, without the query. A `*` at the end stands for any rest.
    #[must_use]
    pub fn path(path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Matches only this HTTP method, in any case of letters.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Matches only requests for this model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Matches only requests whose last user message contains `text`. For an embeddings request its
    /// input counts as the message.
    #[must_use]
    pub fn user_message_contains(mut self, text: impl Into<String>) -> Self {
        self.user_message = Some(text.into());
        self
    }

    /// Matches only requests that ask for a stream, or only those that do not.
    #[must_use]
    pub const fn stream(mut self, streamed: bool) -> Self {
        self.stream = Some(streamed);
        self
    }

    /// Matches only requests that have this header with this value. Several may be required.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Lets the first `n` requests that match pass on to the next rule. Default 0.
    #[must_use]
    pub const fn after(mut self, n: u64) -> Self {
        self.after = n;
        self
    }

    /// Applies at most `n` times; then requests pass on to the next rule. Default: without end.
    #[must_use]
    pub const fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Sets the answer; the last call counts.
    #[must_use]
    pub fn respond(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
        self
    }

    /// Adds damage to the answer.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    #[cfg(test)]
    pub(crate) const fn reply(&self) -> Option<&Reply> {
        self.reply.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn matches(&self, call: &Call) -> bool {
        let path = self.path.as_deref();
        let method = self.method.as_deref();
        path.is_none_or(|pattern| path_matches(pattern, call.path()))
            && method.is_none_or(|method| method.eq_ignore_ascii_case(call.method().as_str()))
            && (self.model.is_none() || self.model.as_deref() == call.model())
            && self
                .stream
                .is_none_or(|stream| stream == call.wants_stream())
            && (self.headers.iter()).all(|(name, value)| call.header(name) == Some(value.expose()))
            && self
                .user_message
                .as_deref()
                .is_none_or(|wanted| call.user_text().is_some_and(|text| text.contains(wanted)))
    }

    /// Whether the match that comes after `seen` others is one this rule applies to.
    fn applies(&self, seen: u64) -> bool {
        let used_up = |times| seen >= self.after.saturating_add(times);
        seen >= self.after && !self.times.is_some_and(used_up)
    }
}

// === impl Rules ===

impl Rules {
    pub(crate) fn add(&self, rule: Rule) {
        lock(&self.entries).push((rule, 0));
    }

    /// Finds the rule for `call` and counts the match in every rule that was tried.
    pub(crate) fn decide(&self, call: &Call) -> Decision {
        for (rule, seen) in lock(&self.entries).iter_mut() {
            if !rule.matches(call) {
                continue;
            }
            let applies = rule.applies(*seen);
            *seen += 1;
            if applies {
                return Decision {
                    reply: rule.reply.clone(),
                    faults: rule.faults.clone(),
                };
            }
        }
        Decision::default()
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == path, |start| path.starts_with(start))
}
