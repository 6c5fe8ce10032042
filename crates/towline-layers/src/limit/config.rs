//! How a limit behaves towards calls.

use super::{Demand, Dimension, Key, Spent};
use crate::overload::{AgeBound, QueueGauge};
use std::{fmt, sync::Arc, time::Duration};
use towline_core::{Metered, Text, Usage};

/// How a [`LimitLayer`](super::LimitLayer) sorts, weighs and holds calls.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use towline_layers::limit::{Charge, LimitConfig, LimitKey};
///
/// let config = LimitConfig::new("anthropic")
///     .with_key(LimitKey::Model)
///     .with_charge(Charge::anthropic())
///     .with_max_wait(Some(Duration::from_secs(30)));
/// assert_eq!(config.name(), "anthropic");
/// ```
#[derive(Clone, Debug)]
pub struct LimitConfig {
    pub(super) name: Text,
    pub(super) key: LimitKey,
    pub(super) mode: Mode,
    pub(super) max_wait: Option<Duration>,
    pub(super) max_queued: usize,
    pub(super) charge: Charge,
    pub(super) learn: bool,
    pub(super) age_bound: Option<AgeBound>,
    pub(super) gauge: Option<QueueGauge>,
}

/// Which calls share a limit.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum LimitKey {
    /// All of them: the default.
    #[default]
    Shared,
    /// Those to the same model.
    Model,
    /// Those of the same tenant. Calls without a tenant share one limit.
    Tenant,
    /// Those of the same tenant to the same model.
    ModelAndTenant,
    /// Those with the same text, made of the model and the tenant.
    By(Arc<KeyFn>),
}

/// Makes the text by which calls are told apart from the model and the tenant.
pub type KeyFn = dyn Fn(&str, Option<&str>) -> Text + Send + Sync;

/// What happens to a call that does not fit now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mode {
    /// It waits for its turn: the default.
    #[default]
    Wait,
    /// It is refused at once, with the time after which it would fit, where that is known: nobody knows
    /// when a slot will be free.
    Reject,
}

/// What a provider charges, and what is reserved for it before that is known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Charge {
    output: Output,
    free_cache: bool,
}

/// What is reserved for the answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Output {
    /// As much as it may be, or as answers have been where nobody said.
    #[default]
    Most,
    /// The larger of what it may be and of what question and answer will probably be together.
    MostOrTotal,
    /// As much as answers have been: the provider charges what it writes, as it writes it.
    Usual,
}

// === impl LimitConfig ===

impl LimitConfig {
    /// Waits without a bound but the call's own deadline, at most 1000 calls at once, and learns.
    ///
    /// `name` is what is limited, as messages say it: a provider, or tenants.
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            key: LimitKey::default(),
            mode: Mode::default(),
            max_wait: None,
            max_queued: 1000,
            charge: Charge::default(),
            learn: true,
            age_bound: None,
            gauge: None,
        }
    }

    /// Which calls share a limit. Default all.
    #[must_use]
    pub fn with_key(mut self, key: LimitKey) -> Self {
        self.key = key;
        self
    }

    /// What happens to a call that does not fit now. Default [`Mode::Wait`].
    #[must_use]
    pub const fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The longest wait. Default None: the call's deadline is the only bound.
    #[must_use]
    pub const fn with_max_wait(mut self, wait: Option<Duration>) -> Self {
        self.max_wait = wait;
        self
    }

    /// The most calls of one key that wait at once. Default 1000. Where one more comes, one goes: of
    /// the lowest priority, the youngest of the tenant that waits for most.
    #[must_use]
    pub const fn with_max_queued(mut self, calls: usize) -> Self {
        self.max_queued = calls;
        self
    }

    /// What the provider charges. Default [`Charge::most`].
    #[must_use]
    pub const fn with_charge(mut self, charge: Charge) -> Self {
        self.charge = charge;
        self
    }

    /// Whether what the provider says of its limits lowers ours: its headers, and where no rate of
    /// requests is known, how often it rejects. Default true.
    ///
    /// A rejection empties the bucket in either case. The exception is a limit that is not the
    /// provider's: with false, and keyed by [tenant](LimitKey::Tenant), it takes no notice of what the
    /// provider says.
    #[must_use]
    pub const fn with_learn(mut self, learn: bool) -> Self {
        self.learn = learn;
        self
    }

    /// Sheds calls by `rule` when the queue grows old. Default none: calls wait as long as they may.
    #[must_use]
    pub const fn with_age_bound(mut self, rule: AgeBound) -> Self {
        self.age_bound = Some(rule);
        self
    }

    /// Shows the queue in `gauge`, for a layer further outside. Only where all calls share one limit:
    /// with keys there is a queue for each, and the gauge shows nobody.
    #[must_use]
    pub fn with_gauge(mut self, gauge: QueueGauge) -> Self {
        self.gauge = Some(gauge);
        self
    }

    /// What is limited.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

// === impl LimitKey ===

impl LimitKey {
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Shared)
    }

    /// Whether what is counted is what tenants do, of whom a provider knows nothing.
    pub(super) const fn is_of_tenants(&self) -> bool {
        matches!(self, Self::Tenant | Self::ModelAndTenant)
    }

    /// The parts that tell the call apart.
    pub(super) fn parts<'a>(&self, model: &'a str, tenant: Option<&'a str>) -> (&'a str, &'a str) {
        let tenant = tenant.unwrap_or("");
        match self {
            Self::Model => (model, ""),
            Self::Tenant => ("", tenant),
            Self::ModelAndTenant => (model, tenant),
            Self::Shared | Self::By(_) => ("", ""),
        }
    }
}

impl fmt::Debug for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared => "Shared",
            Self::Model => "Model",
            Self::Tenant => "Tenant",
            Self::ModelAndTenant => "ModelAndTenant",
            Self::By(_) => "By(..)",
        })
    }
}

impl Key {
    /// A key from parts of a call. Copies them: a key outlives the call's buffers.
    pub(super) fn of_parts((model, tenant): (&str, &str)) -> Self {
        Self::new(model.to_owned(), tenant.to_owned())
    }
}

// === impl Charge ===

impl Charge {
    /// Reserves the question as estimated and the answer as long as it may be; where the call does
    /// not say, as long as answers of its key have been. Right for whoever charges what was used.
    #[must_use]
    pub const fn most() -> Self {
        Self {
            output: Output::Most,
            free_cache: false,
        }
    }

    /// OpenAI reserves the larger of `max_tokens` and an estimate from the number of characters.
    ///
    /// Source: OpenAI, "Rate limits", `https://platform.openai.com/docs/guides/rate-limits`, as known
    /// in November 2026.
    #[must_use]
    pub const fn openai() -> Self {
        Self {
            output: Output::MostOrTotal,
            free_cache: false,
        }
    }

    /// Anthropic charges output as it is produced, whatever `max_tokens` says, and does not charge
    /// input that was read from the cache. One token is reserved where nothing is known yet, so that
    /// nobody is let in while the key is in debt.
    ///
    /// Source: Anthropic, "Rate limits", `https://docs.anthropic.com/en/api/rate-limits`, as known in
    /// November 2026.
    #[must_use]
    pub const fn anthropic() -> Self {
        Self {
            output: Output::Usual,
            free_cache: true,
        }
    }

    /// What to reserve for `request`, where answers have been `usual` tokens long; 0 for unknown.
    pub(super) fn demand<Req: Metered>(&self, request: &Req, usual: u64) -> Demand {
        let input = request.estimated_input();
        let most = request.estimated_output();
        let output = match self.output {
            Output::Most | Output::MostOrTotal if most > 0 => most,
            Output::Usual if most > 0 => usual.clamp(1, most),
            _ => usual.max(1),
        };
        let tokens = match self.output {
            Output::MostOrTotal if most > 0 => most.max(input.saturating_add(usual.clamp(1, most))),
            _ => input.saturating_add(output),
        };
        Demand::call()
            .with(Dimension::Tokens, tokens)
            .with(Dimension::InputTokens, input)
            .with(Dimension::OutputTokens, output)
    }

    /// What a call took that used `usage`, where `demand` was reserved for it. An answer that does
    /// not say what it put out keeps what was reserved for that part.
    pub(super) fn spent(&self, usage: &Usage, demand: &Demand) -> Spent {
        let input = usage.input().map(|input| match usage.cache_read() {
            Some(read) if self.free_cache => input.saturating_sub(read),
            _ => input,
        });
        let reserved = demand.amount(Dimension::OutputTokens);
        let output = usage.output().unwrap_or(reserved);
        let tokens = input.map(|input| input.saturating_add(output));
        Spent {
            amounts: [None, tokens, input, usage.output()],
        }
    }
}

#[cfg(test)]
mod tests;
