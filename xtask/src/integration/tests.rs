use super::{aimock::listening, suite::passed};

#[test]
fn the_count_of_tests_is_the_sum_of_their_summaries() {
    let output = "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored\n";
    assert_eq!(passed(output), 2);
    assert_eq!(passed(&output.repeat(2)), 4);
    assert_eq!(passed("test result: FAILED. 1 passed; 1 failed"), 0);
    assert_eq!(passed(""), 0);
}

#[test]
fn the_address_is_read_from_the_line_that_says_it() {
    let line = "[aimock] aimock server listening on http://127.0.0.1:41513";
    assert_eq!(listening(line).as_deref(), Some("http://127.0.0.1:41513"));
    assert_eq!(listening("[aimock] Loaded 19 fixture(s)"), None);
}
