use towline_core::{Secret, redact, redact_id};

#[test]
fn a_secret_never_prints_itself() {
    let secret = Secret::new("sk-planted");
    let printed = format!("{secret} {secret:?} {:?} {:#?}", Some(&secret), [&secret]);
    assert!(!printed.contains("planted"), "{printed}");
}

#[test]
fn secrets_compare_by_their_text() {
    assert_eq!(Secret::new("a"), Secret::from("a"));
    assert_ne!(Secret::new("a"), Secret::new("b"));
    assert_ne!(Secret::new("a"), Secret::new("ab"));
}

#[test]
fn a_secret_within_another_hides_nothing_less() {
    let whole = Secret::new("planted7-extra-999");
    let part = Secret::new("planted7");
    let across = Secret::new("999-and-more");
    let said = "got planted7-extra-999-and-more, planted7 and planted7-extra-999; planted8";
    for secrets in [
        [part.clone(), whole.clone(), across.clone()],
        [across, whole, part],
    ] {
        assert_eq!(
            redact(said, &secrets),
            "got ***, *** and ***; planted8",
            "{said}"
        );
    }
}

#[test]
fn the_id_of_a_call_is_kept_unless_it_holds_a_secret_or_a_novel() {
    let held = [Secret::new("planted-key-0123456789")];
    for id in [
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        "8f2c-4d",
        "",
        "task-12",
        "sk-1",
    ] {
        assert_eq!(redact_id(id, &held), id);
    }
    assert_eq!(redact_id("a:planted-key-0123456789", &held), "a:***");
    assert_eq!(redact_id("sk-somebody-elses-key", &held), "sk-***");
    let twice = [Secret::new("abcabc")];
    assert_eq!(redact_id("abcabcabc", &twice), "***");
    assert_eq!(redact_id("a\u{1b}[2Jb", &held), "a [2Jb");
    let long = redact_id(&"x".repeat(4000), &held);
    assert!(long.len() < 160 && long.ends_with("[truncated]"), "{long}");
}
