//! `retry.preset`.

use super::{secs, stack, with};
use crate::{env, llm};
use std::time::Duration;

#[test]
fn presets_have_the_names_of_the_guide() {
    let half = Duration::from_millis(500);
    for (preset, attempts, base, most) in [
        ("default", 3, half, secs(20)),
        ("conservative", 2, secs(1), secs(32)),
        ("aggressive", 5, half, secs(32)),
        ("none", 1, half, secs(20)),
        ("Disabled", 1, half, secs(20)),
    ] {
        let stack = stack(&[&format!("retry.preset={preset}")]);
        assert_eq!(stack.retry().max_attempts().get(), attempts, "{preset}");
        assert_eq!(stack.retry().base_delay(), base, "{preset}");
        assert_eq!(stack.retry().max_delay(), most, "{preset}");
    }
}

#[test]
fn a_key_goes_before_a_preset_of_its_own_layer_and_below() {
    let file = env(&[("TOWLINE_RETRY_PRESET", "aggressive")]);
    for loader in [
        file.clone().set("towline.retry.max_attempts=4"),
        env(&[])
            .set("towline.retry.max_attempts=4")
            .set("towline.retry.preset=none"),
        file.env([("TOWLINE_RETRY_MAX_ATTEMPTS", "4")]),
    ] {
        let stack = loader.load().unwrap().stack().unwrap();
        assert_eq!(stack.retry().max_attempts().get(), 4);
    }
}

#[test]
fn a_preset_of_a_higher_layer_goes_before_a_key() {
    let loader = env(&[("TOWLINE_RETRY_MAX_ATTEMPTS", "4")]).set("towline.retry.preset=none");
    let settings = loader.load().unwrap();
    assert_eq!(settings.stack().unwrap().retry().max_attempts().get(), 1);
    let shown = settings
        .sources()
        .find(|source| source.key() == "towline.retry.max_attempts")
        .unwrap();
    assert_eq!(
        shown.to_string(),
        "towline.retry.max_attempts = 1 (towline.retry.preset of --set)"
    );
}

#[test]
fn a_preset_of_a_section_goes_before_the_keys_of_the_program() {
    let provider = llm(with(&[
        "retry.max_attempts=4",
        "retry.base_delay=2 s",
        "openai.retry.preset=conservative",
        "openai.retry.base_delay=3 s",
    ]));
    assert_eq!(provider.retry().max_attempts().get(), 2);
    assert_eq!(provider.retry().base_delay(), secs(3));
}
