//! The keys of the layers around a call.

use super::{Field, row};
use crate::key::Kind;

/// More than anybody has of calls, failures or probes.
const MANY: u64 = 1_000_000;

/// A trillion a minute: above it, arithmetic in small steps of time would round.
const RATE: u64 = 1_000_000_000_000;

/// Attempts of the presets `default` and of no preset at all.
const ATTEMPTS: &str = "3";
const BASE_DELAY: &str = "500 ms";
const MAX_DELAY: &str = "20 s";
/// That of the LLM4S guide, for its presets.
const GUIDE_MAX_DELAY: &str = "32 s";

/// The words of `retry.preset`, and what each means for keys beside it. The names are those of the
/// LLM4S guide; its `disabled` is `none`.
pub(crate) const RETRY_PRESETS: &[(&str, &[(&str, &str)])] = &[
    (
        "default",
        &[
            ("max_attempts", ATTEMPTS),
            ("base_delay", BASE_DELAY),
            ("max_delay", MAX_DELAY),
        ],
    ),
    (
        "conservative",
        &[
            ("max_attempts", "2"),
            ("base_delay", "1 s"),
            ("max_delay", GUIDE_MAX_DELAY),
        ],
    ),
    (
        "aggressive",
        &[
            ("max_attempts", "5"),
            ("base_delay", "500 ms"),
            ("max_delay", GUIDE_MAX_DELAY),
        ],
    ),
    ("none", &[("max_attempts", "1")]),
    ("disabled", &[("max_attempts", "1")]),
];

const PRESETS: &[&str] = &["default", "conservative", "aggressive", "none", "disabled"];

/// Keys that a provider section may have for itself. Where they stand in one, they have no default:
/// the whole program's is in force.
pub(crate) const TARGET: &[Field] = &[
    row(
        "timeout.total",
        Kind::Clock,
        "Limit for a whole call: queueing, attempts, pauses and body. The default is for calls that \
         are not streamed; a stream has none unless the key is set. The selected provider's counts \
         for its fallbacks too: a target that has another behind it leaves the last quarter to that, \
         or the last minute where that is less.",
    )
    .default("10 min"),
    row(
        "timeout.first_token",
        Kind::Clock,
        "Longest wait of an attempt for its first token, whatever else comes; unset: 2 min, and 10 min \
         for reasoning models. Never longer than `timeouts.stream`.",
    ),
    row(
        "timeout.idle",
        Kind::Clock,
        "Longest silence of a stream after its first token; every byte counts, pings too. Never longer \
         than `timeouts.stream`.",
    )
    .default("5 min"),
    row(
        "timeout.progress",
        Kind::Clock,
        "Longest pause between two events that carry content; unset: off.",
    ),
    row(
        "timeout.attempt",
        Kind::Clock,
        "Limit for one attempt, its body included; unset: off.",
    ),
    row(
        "retry.preset",
        Kind::Choice(PRESETS),
        "Values for attempts and delays at once, see below. A key of its own goes before it, unless \
         the preset comes from a higher layer or a nearer section.",
    )
    .default("default"),
    row(
        "retry.max_attempts",
        Kind::Within(1, 100),
        "Attempts per target, the first one included; 1 is no retry. Where another target can be asked \
         after it, no more attempts may time out by a clock than the target has deployments.",
    )
    .default(ATTEMPTS),
    row(
        "retry.base_delay",
        Kind::Duration,
        "Delay before the first retry, before jitter; it doubles each time.",
    )
    .default(BASE_DELAY),
    row(
        "retry.max_delay",
        Kind::Duration,
        "Longest delay, before jitter.",
    )
    .default(MAX_DELAY),
    row(
        "retry.jitter",
        Kind::Choice(&["full", "decorrelated"]),
        "How the pause is drawn: from zero to the delay, or from the base delay to three times the \
         last pause.",
    )
    .default("full"),
    row(
        "retry.hint_cap",
        Kind::Duration,
        "Longest hint of a server, such as `Retry-After`, that is waited for; with a longer one the \
         call is not tried again.",
    )
    .default("60 s"),
    row(
        "retry.budget_ratio",
        Kind::Ratio(0),
        "Tokens of retries per token of first attempts.",
    )
    .default("0.2"),
    row(
        "retry.budget_reserve",
        Kind::Count(0),
        "Tokens of retries that are allowed whatever the ratio says: 100,000 are about a hundred small calls. \
         A call whose question and longest answer are more than that is never tried again.",
    )
    .default("100000"),
    row(
        "retry.min_attempt",
        Kind::Duration,
        "Shortest rest of the deadline with which an attempt is still begun.",
    )
    .default("1 s"),
    row(
        "limit.requests_per_minute",
        Kind::Cap(RATE),
        "Requests that go to a provider in a minute, counted for each of its models by itself; unset: \
         unlimited.",
    ),
    row(
        "limit.tokens_per_minute",
        Kind::Cap(RATE),
        "Tokens of question and answer together, for each model by itself; unset: unlimited.",
    ),
    row(
        "limit.input_tokens_per_minute",
        Kind::Cap(RATE),
        "Tokens of the question, for each model by itself; unset: unlimited.",
    ),
    row(
        "limit.output_tokens_per_minute",
        Kind::Cap(RATE),
        "Tokens of the answer, for each model by itself; unset: unlimited.",
    ),
    row(
        "limit.burst",
        Kind::Ratio(0),
        "Share of a minute's amount that may go at once.",
    )
    .default("1"),
    row(
        "limit.mode",
        Kind::Choice(&["wait", "reject"]),
        "What happens to a call that does not fit now, or finds no slot free. A refusal says when it would fit, \
         except where a slot is missing: nobody knows when a call ends.",
    )
    .default("wait"),
    row(
        "limit.max_wait",
        Kind::Clock,
        "Longest wait for admission; unset: the call's deadline.",
    ),
    row(
        "limit.max_queued",
        Kind::Within(0, MANY),
        "Calls to one model that may wait at once.",
    )
    .default("1000"),
    row(
        "limit.refund",
        Kind::Choice(&["replay", "min_deficit", "naive"]),
        "How reserved tokens that were not used come back; `naive` may overdraw the provider's limit.",
    )
    .default("replay"),
    row(
        "limit.learn",
        Kind::Bool,
        "Whether the provider's headers lower the limit. What is limited, a rejection empties \
         either way.",
    )
    .default("true"),
    row(
        "concurrency.max",
        Kind::Cap(MANY),
        "Calls to a provider at once, streams to their end, for each of its models by itself; unset: \
         unlimited, and 200 where the limit is adaptive.",
    ),
    row(
        "concurrency.adaptive",
        Kind::Bool,
        "Whether the limit moves with what the provider takes. It is then one for all that is asked \
         through one target of the lists.",
    )
    .default("false"),
    row(
        "concurrency.min",
        Kind::Within(1, MANY),
        "Lowest that an adaptive limit falls to.",
    )
    .default("1"),
    row(
        "concurrency.initial",
        Kind::Within(1, MANY),
        "Where an adaptive limit begins; unset: 20, within `concurrency.min` and `concurrency.max`.",
    ),
    row(
        "concurrency.signal",
        Kind::Choice(&["loss", "first_token"]),
        "What lowers an adaptive limit: calls that the provider turns away and clocks that run out \
         (`loss`), or first tokens that come later than they used to as well (`first_token`).",
    )
    .default("loss"),
    row(
        "breaker.enabled",
        Kind::Bool,
        "Whether a deployment that fails is left alone for a while.",
    )
    .default("true"),
    row(
        "breaker.failures",
        Kind::Within(1, MANY),
        "Failures in a row that open the breaker.",
    )
    .default("5"),
    row(
        "breaker.ratio",
        Kind::Ratio(1),
        "Share of failures in the window that opens it.",
    )
    .default("0.5"),
    row(
        "breaker.window",
        Kind::Duration,
        "Window over which the share is counted.",
    )
    .default("30 s"),
    row(
        "breaker.min_requests",
        Kind::Within(1, MANY),
        "Calls in the window below which the share says nothing.",
    )
    .default("20"),
    row(
        "breaker.cooldown",
        Kind::Duration,
        "How long it stays open the first time.",
    )
    .default("30 s"),
    row(
        "breaker.max_cooldown",
        Kind::Duration,
        "Longest that it stays open.",
    )
    .default("5 min"),
    row(
        "breaker.probes",
        Kind::Within(1, MANY),
        "Calls at once that try whether the deployment is back.",
    )
    .default("1"),
    row(
        "breaker.successes",
        Kind::Within(1, MANY),
        "Successful tries that close it.",
    )
    .default("2"),
    row(
        "balance.weight",
        Kind::Within(1, MANY),
        "Share of the calls that a deployment gets, compared to the others of `balance.deployments`; for \
         the section of a provider.",
    )
    .default("1"),
];

/// Keys that only the whole program has.
pub(crate) const STACK: &[Field] = &[
    row(
        "limit.per_tenant.requests_per_minute",
        Kind::Cap(RATE),
        "Calls of one tenant in a minute, retries not counted; unset: unlimited.",
    ),
    row(
        "limit.per_tenant.tokens_per_minute",
        Kind::Cap(RATE),
        "Tokens of one tenant, question and answer together; unset: unlimited.",
    ),
    row(
        "limit.per_tenant.input_tokens_per_minute",
        Kind::Cap(RATE),
        "Tokens of one tenant's questions; unset: unlimited.",
    ),
    row(
        "limit.per_tenant.output_tokens_per_minute",
        Kind::Cap(RATE),
        "Tokens of the answers to one tenant; unset: unlimited.",
    ),
    row(
        "fallback",
        Kind::Models,
        "Targets to go to when the selected one fails, in this order: `provider/model`, or the name \
         of a named provider.",
    ),
    row(
        "fallback_continue",
        Kind::Bool,
        "Whether the next target continues a stream that breaks, with the delivered part as its \
         beginning.",
    )
    .default("false"),
    row(
        "fallback_filtered",
        Kind::Bool,
        "Whether the next target is asked too where the content filter of one refused the call.",
    )
    .default("false"),
    row(
        "hedge.enabled",
        Kind::Bool,
        "Whether a second deployment is asked beside one that is slow to begin a stream; the loser may \
         be billed. Calls that are not streamed are not hedged.",
    )
    .default("false"),
    row(
        "hedge.delay",
        Kind::Duration,
        "How long the first token is waited for before that; unset: by `hedge.percentile`, after 20 \
         streams.",
    ),
    row(
        "hedge.percentile",
        Kind::Ratio(1),
        "Share of calls whose first token came sooner than the second attempt starts.",
    )
    .default("0.95"),
    row(
        "hedge.max_extra",
        Kind::Ratio(0),
        "Most that second attempts may add, as a share of the tokens of first ones, beside 100,000 tokens; \
         `retry.budget_ratio` and `retry.budget_reserve` bound them too.",
    )
    .default("0.05"),
    row(
        "balance.deployments",
        Kind::Models,
        "Deployments that share the calls of the selected provider, which is one of them, listed or \
         not; written as in `fallback`. The retries are those of the selected provider.",
    ),
    row(
        "balance.sticky",
        Kind::Bool,
        "Whether calls that begin alike go to the same deployment.",
    )
    .default("true"),
    row(
        "shed.max_queue_age",
        Kind::Clock,
        "Longest wait for admission before a call is shed; unset: off.",
    ),
    row(
        "coalesce.enabled",
        Kind::Bool,
        "Whether equal calls of one tenant at one time are made once.",
    )
    .default("false"),
    row(
        "guard.max_prompt_bytes",
        Kind::Cap(u64::MAX),
        "Bytes of text in the messages of one call; unset: unlimited.",
    ),
    row(
        "guard.forbidden",
        Kind::Phrases,
        "Phrases that no prompt may hold, in any case of their letters.",
    ),
    row(
        "prices",
        Kind::Prices,
        "What models cost, in US dollars for a million tokens, so that the record of a call has its \
         cost: texts such as `openai/gpt-4o = input 2.50, output 10, cache_read 1.25`, in a variable with \
         semicolons between them. What a model without an entry costs is unknown.",
    ),
    row(
        "drain.timeout",
        Kind::Duration,
        "How long a shutdown waits for calls and streams under way.",
    )
    .default("30 s"),
];
