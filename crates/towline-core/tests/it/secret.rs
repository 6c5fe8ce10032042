use towline_core::Secret;

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
