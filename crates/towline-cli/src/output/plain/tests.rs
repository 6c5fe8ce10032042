use super::{escaped, neutral};
use std::borrow::Cow;

#[test]
fn plain_text_is_not_copied() {
    assert!(matches!(neutral("Grüße,\n\tWelt ✓"), Cow::Borrowed(_)));
}

#[test]
fn control_sequences_are_seen_and_do_nothing() {
    assert_eq!(neutral("\x1b[2J\x1b]0;title\x07"), "␛[2J␛]0;title␇");
    assert_eq!(neutral("a\u{9b}31mb\x7f"), "a\u{fffd}31mb␡");
    assert_eq!(neutral("safe\rEVIL"), "safe␍EVIL");
    assert_eq!(neutral("one\r\ntwo"), "one\ntwo");
    assert_eq!(neutral("\u{202e}dlrow"), "\u{fffd}dlrow");
}

#[test]
fn json_is_escaped_and_means_the_same() {
    let text = "\u{1b}\u{7f}\u{80}\u{9b}31m\u{9f} \u{202a}\u{202e}\u{2066}\u{2069} Grüße\n\"\\";
    let json = serde_json::to_string(&[text]).unwrap();
    let shown = escaped(&json);
    assert_eq!(neutral(&shown), shown.as_ref());
    assert!(
        shown.contains("\\u007f\\u0080\\u009b31m\\u009f \\u202a"),
        "{shown}"
    );
    let back: [String; 1] = serde_json::from_str(&shown).unwrap();
    assert_eq!(back, [text]);
    assert!(matches!(escaped("[\"plain ✓\"]"), Cow::Borrowed(_)));
}
