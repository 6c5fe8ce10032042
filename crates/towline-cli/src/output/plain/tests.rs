use super::neutral;
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
