use super::passed;

#[test]
fn the_count_of_tests_is_read_from_their_summary() {
    let output = "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored\n";
    assert_eq!(passed(output), Some(2));
    assert_eq!(passed("test result: FAILED. 1 passed; 1 failed"), None);
    assert_eq!(passed(""), None);
}
