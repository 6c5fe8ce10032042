//! The settings of the layers around a call.

mod lint;
mod list;
mod preset;

use crate::{env, llm, llm_fault, load_fault};
use std::time::Duration;
#[cfg(feature = "toml")]
use towline_config::Format;
use towline_config::{
    Loader, ProviderSettings,
    stack::{AdaptiveSignal, Jitter, LimitMode, Ratio, Refund, StackSettings},
};

/// The stack of a program with `OpenAI` selected and these keys.
fn stack(keys: &[&str]) -> StackSettings {
    with(keys).load().unwrap().stack().unwrap()
}

/// Settings with `OpenAI` selected and these keys.
fn with(keys: &[&str]) -> Loader {
    let start = env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_API_KEY", "k"),
        ("GROQ_API_KEY", "k"),
    ]);
    keys.iter()
        .fold(start, |loader, key| loader.set(format!("towline.{key}")))
}

fn secs(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn names(targets: &[ProviderSettings]) -> Vec<String> {
    targets
        .iter()
        .map(|target| format!("{}/{}", target.name(), target.model()))
        .collect()
}

#[test]
fn the_defaults_of_attempts_and_clocks_are_those_of_the_page() {
    let stack = Loader::new().load().unwrap().stack().unwrap();
    let timeout = stack.timeout();
    assert_eq!(timeout.total(), Some(secs(600)));
    assert_eq!(timeout.stream_total(), None);
    assert_eq!(timeout.first_token(), Some(secs(120)));
    assert_eq!(timeout.reasoning_first_token(), Some(secs(600)));
    assert_eq!(timeout.idle(), Some(secs(300)));
    assert_eq!((timeout.progress(), timeout.attempt()), (None, None));
    let retry = stack.retry();
    assert_eq!(retry.max_attempts().get(), 3);
    assert_eq!(retry.base_delay(), Duration::from_millis(500));
    assert_eq!(retry.max_delay(), secs(20));
    assert_eq!(retry.jitter(), Jitter::Full);
    assert_eq!(retry.hint_cap(), secs(60));
    assert_eq!(retry.budget_ratio().millionths(), 200_000);
    assert_eq!(retry.budget_reserve(), 100_000);
    assert_eq!(retry.min_attempt(), secs(1));
}

#[test]
fn the_defaults_of_limits_and_breaker_are_those_of_the_page() {
    let stack = Loader::new().load().unwrap().stack().unwrap();
    let limit = stack.limit();
    assert!(limit.rates().is_unlimited() && stack.per_tenant().is_unlimited());
    assert_eq!(limit.burst(), Ratio::ONE);
    assert_eq!(limit.mode(), LimitMode::Wait);
    assert_eq!((limit.max_wait(), limit.max_queued()), (None, 1000));
    assert_eq!((limit.refund(), limit.learn()), (Refund::Replay, true));
    let slots = stack.concurrency();
    assert_eq!((slots.max(), slots.adaptive()), (None, false));
    assert_eq!((slots.min().get(), slots.initial()), (1, None));
    assert_eq!(slots.signal(), AdaptiveSignal::Loss);
    let breaker = stack.breaker();
    assert!(breaker.enabled());
    assert_eq!(
        (breaker.failures().get(), breaker.min_requests().get()),
        (5, 20)
    );
    assert_eq!(breaker.ratio().millionths(), 500_000);
    assert_eq!((breaker.window(), breaker.cooldown()), (secs(30), secs(30)));
    assert_eq!(breaker.max_cooldown(), secs(300));
    assert_eq!((breaker.probes().get(), breaker.successes().get()), (1, 2));
}

#[test]
fn the_defaults_of_the_other_layers_are_those_of_the_page() {
    let stack = Loader::new().load().unwrap().stack().unwrap();
    assert!(stack.fallback().is_empty() && stack.deployments().is_empty());
    assert!(!stack.fallback_continue() && !stack.fallback_filtered());
    assert!(stack.sticky() && !stack.coalesce());
    let hedge = stack.hedge();
    assert_eq!((hedge.enabled(), hedge.delay()), (false, None));
    assert_eq!(hedge.percentile().millionths(), 950_000);
    assert_eq!(hedge.max_extra().millionths(), 50_000);
    assert_eq!(stack.max_queue_age(), None);
    assert_eq!(stack.guard().max_prompt_bytes(), None);
    assert!(stack.guard().forbidden().is_empty());
    assert_eq!(stack.drain_timeout(), secs(30));
}

#[test]
fn a_key_reaches_its_getter() {
    let stack = stack(&[
        "retry.jitter=Decorrelated",
        "limit.refund=min-deficit",
        "limit.mode=reject",
        "limit.burst=10%",
        "limit.max_wait=20 s",
        "limit.per_tenant.output_tokens_per_minute=9",
        "concurrency.max=64",
        "concurrency.signal=first-token",
        "fallback_filtered=true",
        "hedge.delay=2 s",
        "shed.max_queue_age=15 s",
        "guard.max_prompt_bytes=100_000",
        "drain.timeout=1 min",
    ]);
    assert_eq!(stack.retry().jitter(), Jitter::Decorrelated);
    let limit = stack.limit();
    assert_eq!(
        (limit.refund(), limit.mode()),
        (Refund::MinDeficit, LimitMode::Reject)
    );
    assert_eq!(limit.burst().to_string(), "0.1");
    assert_eq!(limit.max_wait(), Some(secs(20)));
    let tenant = stack.per_tenant().output_tokens_per_minute();
    assert_eq!(tenant.map(|rate| rate.get()), Some(9));
    assert_eq!(stack.concurrency().max().map(|most| most.get()), Some(64));
    assert_eq!(stack.concurrency().signal(), AdaptiveSignal::FirstToken);
    assert!(stack.fallback_filtered());
    assert_eq!(stack.hedge().delay(), Some(secs(2)));
    assert_eq!(stack.max_queue_age(), Some(secs(15)));
    assert_eq!(
        stack.guard().max_prompt_bytes().map(|most| most.get()),
        Some(100_000)
    );
    assert_eq!(stack.drain_timeout(), secs(60));
}

#[test]
fn a_section_says_its_share_of_the_calls() {
    let stack = stack(&[
        "openai.balance.weight=3",
        "balance.deployments=openai/m,groq/m",
    ]);
    let weights = stack.deployments().iter().map(|one| one.weight().get());
    assert_eq!(weights.collect::<Vec<_>>(), [3, 1]);
    let none = load_fault(with(&["openai.balance.weight=0"])).to_string();
    assert!(none.contains("towline.openai.balance.weight"), "{none}");
}

#[test]
fn a_total_that_is_set_bounds_streams_too_and_off_bounds_nothing() {
    let set = stack(&["timeout.total=3 min", "timeout.first_token=45 s"]);
    assert_eq!(set.timeout().total(), Some(secs(180)));
    assert_eq!(set.timeout().stream_total(), Some(secs(180)));
    assert_eq!(set.timeout().first_token(), Some(secs(45)));
    assert_eq!(set.timeout().reasoning_first_token(), Some(secs(45)));
    let off = stack(&[
        "timeout.total=off",
        "timeout.first_token=off",
        "timeout.idle=none",
    ]);
    assert_eq!(
        (off.timeout().total(), off.timeout().stream_total()),
        (None, None)
    );
    assert_eq!(off.timeout().first_token(), None);
    assert_eq!(off.timeout().reasoning_first_token(), None);
    assert_eq!(off.timeout().idle(), None);
}

#[test]
fn a_section_goes_before_the_whole_program_and_may_turn_a_limit_off() {
    let loader = with(&[
        "limit.requests_per_minute=60",
        "concurrency.max=4",
        "breaker.failures=9",
        "timeout.idle=2 min",
        "openai.limit.requests_per_minute=off",
        "openai.concurrency.max=8",
        "providers.main.provider=openai",
        "providers.main.model=m",
        "providers.main.retry.max_attempts=7",
        "providers.main.timeout.idle=off",
    ]);
    let settings = loader.load().unwrap();
    let selected = settings.llm().unwrap().unwrap();
    assert!(selected.limit().rates().is_unlimited());
    assert_eq!(selected.concurrency().max().map(|most| most.get()), Some(8));
    assert_eq!(selected.breaker().failures().get(), 9);
    assert_eq!(selected.timeout().idle(), Some(secs(120)));
    let main = settings.provider("main").unwrap();
    assert_eq!(main.retry().max_attempts().get(), 7);
    assert_eq!(main.concurrency().max().map(|most| most.get()), Some(8));
    assert_eq!(main.timeout().idle(), None);
    let stack = settings.stack().unwrap();
    let program = stack.limit().rates().requests_per_minute();
    assert_eq!(program.map(|rate| rate.get()), Some(60));
}

#[test]
fn variables_set_keys_of_the_program_and_of_named_providers() {
    let loader = with(&["providers.main.provider=groq", "providers.main.model=m"]).env([
        ("TOWLINE_RETRY_MAX_ATTEMPTS", "2"),
        (
            "TOWLINE_PROVIDERS_MAIN_LIMIT_INPUT_TOKENS_PER_MINUTE",
            "30000",
        ),
    ]);
    let settings = loader.load().unwrap();
    assert_eq!(settings.stack().unwrap().retry().max_attempts().get(), 2);
    let rates = settings.provider("main").unwrap().limit().rates();
    assert_eq!(
        rates.input_tokens_per_minute().map(|rate| rate.get()),
        Some(30_000)
    );
    assert_eq!(rates.tokens_per_minute(), None);
}

#[test]
fn the_older_clocks_of_one_exchange_stay_as_they_were() {
    let provider = llm(with(&["timeout.total=1 min", "timeouts.request=90 s"]));
    assert_eq!(provider.timeouts().request(), secs(90));
    assert_eq!(provider.timeouts().stream(), secs(600));
    assert_eq!(provider.timeouts().connect(), secs(10));
}

#[cfg(feature = "toml")]
#[test]
fn numbers_of_a_file_are_exact_shares() {
    let text = "[towline]\nretry.budget_ratio = 0.1\nhedge.max-extra = 1\ntimeout.idle = false";
    let loader = Loader::new().text(Format::Toml, "t.toml", text);
    let stack = loader.load().unwrap().stack().unwrap();
    assert_eq!(stack.retry().budget_ratio().millionths(), 100_000);
    assert_eq!(stack.hedge().max_extra(), Ratio::ONE);
    assert_eq!(stack.timeout().idle(), None);
}

#[test]
fn what_cannot_be_is_a_fault() {
    for (text, expected) in [
        (
            "retry.max_attempts=0",
            "from 1 to 100, found a number below 1",
        ),
        ("retry.max_attempts=101", "found a number above 100"),
        ("retry.jitter=equal", "expected one of full, decorrelated"),
        ("retry.preset=bold", "expected one of default, conservative"),
        ("retry.budget_ratio=20", "found a number above 1"),
        (
            "retry.budget_ratio=20",
            "for a percentage write the sign: 20%",
        ),
        ("retry.budget_ratio=-1", "found a number below 0"),
        ("retry.budget_ratio=0.0000001", "more than six decimals"),
        (
            "retry.budget_ratio=some",
            "a share from 0 to 1, such as 0.2 or 20%, found other text",
        ),
        (
            "breaker.ratio=0",
            "a share above 0 and up to 1, such as 0.5 or 50%, found zero",
        ),
        ("hedge.percentile=95", "found a number above 1"),
        ("limit.requests_per_minute=0", "found zero"),
        ("limit.requests_per_minute=0", "off means no limit"),
        ("limit.mode=drop", "expected one of wait, reject"),
        ("timeout.idle=0 s", "off means that there is no limit"),
        ("timeout.idle=30", "found a bare number"),
        ("breaker.failures=0", "found a number below 1"),
        ("breaker.enabled=perhaps", "expected true or false"),
    ] {
        let error = load_fault(with(&[text])).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn what_contradicts_itself_is_a_fault_of_the_key_that_was_set() {
    for (text, expected) in [
        (
            "retry.base_delay=30 s",
            "towline.retry.base_delay of 30s is above towline.retry.max_delay of 20s \
             (towline.retry.base_delay / TOWLINE_RETRY_BASE_DELAY), from --set: lower the first, or \
             raise the second",
        ),
        (
            "retry.max_delay=100 ms",
            "of 100ms (towline.retry.max_delay / TOWLINE_RETRY_MAX_DELAY), from --set",
        ),
        (
            "breaker.max_cooldown=1 s",
            "towline.breaker.cooldown of 30s is above",
        ),
    ] {
        let error = load_fault(with(&[text]));
        assert_eq!(error.faults().len(), 1, "{error}");
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
    let error = load_fault(with(&[
        "concurrency.max=2",
        "concurrency.min=5",
        "concurrency.initial=3",
    ]));
    assert_eq!(error.faults().len(), 3, "{error}");
}

#[test]
fn a_section_that_contradicts_the_program_is_a_fault_of_its_provider() {
    let told = llm_fault(with(&["concurrency.max=4", "openai.concurrency.min=6"]));
    assert!(
        told.contains("towline.openai.concurrency.min of 6 is above towline.concurrency.max of 4"),
        "{told}"
    );
}

#[test]
fn a_key_of_the_other_timeout_group_is_suggested() {
    for (text, expected) in [
        ("timeouts.total=1 s", "did you mean towline.timeout.total?"),
        ("timeouts.idle=1 s", "did you mean towline.timeout.idle?"),
        (
            "timeout.connect=1 s",
            "did you mean towline.timeouts.connect?",
        ),
        (
            "timeout.stream=1 s",
            "did you mean towline.timeouts.stream?",
        ),
        (
            "openai.timeout.request=1 s",
            "did you mean towline.openai.timeouts.request?",
        ),
        ("timeout=1 s", "towline.timeout is a section, not a value"),
        (
            "retry.attempts=1",
            "did you mean towline.retry.max_attempts?",
        ),
        (
            "fallback.continue=true",
            "did you mean towline.fallback_continue?",
        ),
        ("openai.fallback=groq/m", "did you mean towline.fallback?"),
        (
            "openai.hedge.enabled=true",
            "did you mean towline.hedge.enabled?",
        ),
    ] {
        let error = load_fault(with(&[text])).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = load_fault(with(&[]).env([("TOWLINE_TIMEOUTS_TOTAL", "1 s")])).to_string();
    assert!(
        error.contains("did you mean TOWLINE_TIMEOUT_TOTAL?"),
        "{error}"
    );
}
