//! Lints: what is allowed and probably not meant.

use super::{stack, with};
use towline_config::{Loader, stack::Lint};

/// Settings, and the lints they give: each alone.
const ALONE: &[(&str, &[&str])] = &[
    ("total-before-first-token", &["timeout.total=60 s"]),
    (
        "total-before-first-token",
        &["llm.model=openai/o3", "timeout.total=5 min"],
    ),
    (
        "total-before-first-token",
        &["llm.model=openai/o3", "openai.timeout.total=5 min"],
    ),
    (
        "retry-delay-beyond-total",
        &["timeout.total=3 min", "retry.max_delay=4 min"],
    ),
    (
        "no-time-for-a-retry",
        &["timeout.total=3 min", "retry.min_attempt=3 min"],
    ),
    ("limit-wait-beyond-total", &["limit.max_wait=11 min"]),
    ("idle-cuts-thinking", &["timeout.idle=29 s"]),
    ("exchange-clock-first", &["timeout.idle=11 min"]),
    ("exchange-clock-first", &["timeout.first_token=off"]),
    (
        "limit-burst-below-one",
        &["limit.burst=0", "limit.tokens_per_minute=100"],
    ),
    (
        "limit-burst-below-one",
        &["limit.burst=0.01", "limit.requests_per_minute=60"],
    ),
    (
        "hedge-after-deadline",
        &[
            "hedge.enabled=true",
            "hedge.delay=10 min",
            "timeout.first_token=off",
            "timeouts.stream=2 days",
            "balance.deployments=groq/m",
        ],
    ),
    (
        "hedge-after-first-token",
        &[
            "hedge.enabled=true",
            "hedge.delay=2 min",
            "balance.deployments=groq/m",
        ],
    ),
    ("hedge-without-second-deployment", &["hedge.enabled=true"]),
    ("breaker-without-alternative", &["breaker.cooldown=60 s"]),
    (
        "breaker-without-alternative",
        &["openai.breaker.failures=3"],
    ),
    ("attempts-multiply", &["retry.max_attempts=11"]),
    (
        "attempts-multiply",
        &["retry.max_attempts=4", "fallback=groq/a,groq/b"],
    ),
    (
        "attempts-multiply",
        &[
            "fallback=groq/a",
            "hedge.enabled=true",
            "balance.deployments=groq/m",
        ],
    ),
    (
        "stall-takes-total",
        &["timeout.total=5 min", "fallback=groq/a"],
    ),
    (
        "stall-takes-total",
        &["timeouts.request=10 min", "fallback=groq/a"],
    ),
    (
        "stall-takes-total",
        &[
            "llm.model=openai/o3",
            "timeout.total=10 min",
            "fallback=groq/a",
        ],
    ),
    (
        "stall-takes-total",
        &["groq.timeouts.request=12 min", "fallback=groq/a,groq/b"],
    ),
    (
        "retry-of-a-deployment",
        &["groq.retry.max_attempts=2", "balance.deployments=groq/m"],
    ),
    ("continue-without-fallback", &["fallback_continue=true"]),
    ("filtered-without-fallback", &["fallback_filtered=true"]),
    ("target-repeated", &["fallback=groq/a,groq/a"]),
];

/// Settings that are near one of those and fine.
const FINE: &[&[&str]] = &[
    &[],
    &["timeout.total=120 s"],
    &["timeout.total=off", "retry.max_delay=4 h"],
    &[
        "timeout.total=3 min",
        "retry.max_delay=4 min",
        "retry.preset=none",
        "retry.max_attempts=1",
    ],
    &["timeout.idle=30 s"],
    &["timeout.idle=11 min", "timeouts.stream=11 min"],
    &["limit.burst=0"],
    &["limit.burst=0.05", "limit.requests_per_minute=60"],
    &["hedge.delay=10 min"],
    &["breaker.cooldown=60 s", "fallback=groq/m"],
    &["breaker.cooldown=60 s", "balance.deployments=groq/m"],
    &["breaker.cooldown=60 s", "breaker.enabled=false"],
    &["groq.breaker.failures=3"],
    &["retry.max_attempts=10"],
    &["fallback=groq/a,groq/b"],
    &["fallback=openai/m,groq/a,groq/b"],
    &["fallback_continue=true", "fallback=groq/a"],
    &["fallback_filtered=true", "fallback=groq/a"],
    &["timeout.total=5 min"],
    &["timeout.total=6 min", "fallback=groq/a"],
    &["llm.model=openai/o3", "fallback=groq/a"],
    &["llm.model=openai/o3"],
    &["llm.model=openai/o3", "timeout.total=10 min"],
    &[
        "llm.model=openai/o3",
        "timeout.total=5 min",
        "openai.timeout.total=10 min",
    ],
    &[
        "llm.model=openai/o3",
        "timeout.total=5 min",
        "timeout.first_token=5 min",
    ],
    &[
        "llm.model=openai/o3",
        "timeout.total=5 min",
        "timeout.attempt=5 min",
    ],
    &[
        "timeout.total=5 min",
        "timeout.attempt=4 min",
        "fallback=groq/a",
    ],
    &["groq.timeouts.request=12 min", "fallback=groq/a"],
    &["retry.max_attempts=2", "balance.deployments=groq/m"],
    &[
        "groq.retry.max_attempts=2",
        "balance.deployments=groq/m",
        "fallback=groq/n",
    ],
    &[
        "openai.retry.max_attempts=2",
        "balance.deployments=openai/m",
    ],
    &["groq.retry.max_attempts=2"],
];

fn lints(keys: &[&str]) -> Vec<Lint> {
    stack(keys).lints()
}

#[test]
fn each_lint_is_told_alone_with_keys_and_remedy() {
    for (name, keys) in ALONE {
        let lints = lints(keys);
        let [lint] = lints.as_slice() else {
            panic!("{keys:?}: {lints:?}")
        };
        assert_eq!(lint.name(), *name, "{keys:?}");
        assert!(!lint.keys().is_empty());
        assert!(lint.keys().iter().all(|key| key.starts_with("towline.")));
        assert!(lint.message().contains(": "), "no remedy: {lint}");
    }
}

#[test]
fn every_lint_and_its_keys_are_on_the_page() {
    let page = towline_config::reference();
    let section = page.split("## Warnings about").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut names: Vec<&str> = ALONE.iter().map(|(name, _)| *name).collect();
    names.dedup();
    for name in &names {
        assert!(section.contains(&format!("| `{name}` |")), "{name}");
    }
    assert_eq!(section.matches("\n| `").count(), names.len());
    for (_, keys) in ALONE {
        for lint in lints(keys) {
            for key in lint.keys() {
                let listed = key.replace("towline.openai.", "towline.");
                let listed = listed.replace("towline.groq.", "towline.");
                assert!(page.contains(&format!("`{listed}`")), "{key}");
            }
        }
    }
}

#[test]
fn what_is_fine_is_not_told() {
    for keys in FINE {
        assert_eq!(lints(keys), [], "{keys:?}");
    }
    let nothing = Loader::new().load().unwrap().stack().unwrap();
    assert_eq!(nothing.lints(), []);
}

#[test]
fn lints_stand_in_nobodys_way() {
    let settings = with(&["timeout.total=5 s", "limit.burst=0"])
        .load()
        .unwrap();
    assert!(settings.llm().unwrap().is_some());
    assert!(!settings.stack().unwrap().lints().is_empty());
}

#[test]
fn a_provider_that_differs_is_named_and_what_is_known_is_not_repeated() {
    let told = lints(&[
        "timeout.idle=5 s",
        "fallback=groq/a,groq/b",
        "groq.timeout.first_token=11 min",
    ]);
    let shown: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told.iter().map(Lint::name).collect::<Vec<_>>(),
        [
            "idle-cuts-thinking",
            "total-before-first-token",
            "exchange-clock-first"
        ],
        "{shown:?}"
    );
    assert!(
        told[1]
            .message()
            .starts_with("for groq: a call ends after 600s"),
        "{shown:?}"
    );
    assert!(
        shown[0].ends_with("use 30 s or more (towline.timeout.idle)"),
        "{shown:?}"
    );
}

#[test]
fn the_first_token_of_a_model_that_reasons_is_told_once_and_with_its_own_default() {
    let told = lints(&[
        "llm.model=openai/o3",
        "timeout.total=60 s",
        "openai.retry.budget_ratio=0.1",
    ]);
    let [lint] = told.as_slice() else {
        panic!("{told:?}")
    };
    let expected = "a call ends after 60s in all, and its first token of a model that reasons may take \
                    600s: raise the total, or lower the other";
    assert_eq!(lint.message(), expected);
}
