//! How a step says that it did not pass, and what its children do not inherit.

use super::*;

#[test]
fn a_missing_tool_is_said_to_be_skipped_with_the_remedy() {
    let stop = Stop::Missing {
        tool: "cargo-deny",
        remedy: "`cargo install cargo-deny`".to_owned(),
    };
    assert_eq!(
        stop.to_string(),
        "skipped: cargo-deny missing, install by `cargo install cargo-deny`"
    );
}

#[test]
fn each_goes_on_after_a_failure_and_counts() {
    let mut seen = Vec::new();
    let result = each([1, 2, 3].into_iter(), |item| {
        seen.push(item);
        if item == 3 {
            Ok(())
        } else {
            Err(Stop::Failed("no".to_owned()))
        }
    });
    assert_eq!(seen, [1, 2, 3]);
    assert_eq!(result.unwrap_err().to_string(), "2 of 3 failed");
}

#[test]
fn a_program_that_does_not_exist_is_no_success_and_no_panic() {
    assert!(!succeeds(&mut program("towline-no-such-program")));
    let error = run(&mut program("towline-no-such-program")).unwrap_err();
    assert!(error.to_string().contains("did not start"), "{error}");
}

#[test]
fn what_cargo_run_sets_is_kept_from_children_and_nothing_else() {
    assert!(is_of_cargo_run("CARGO_PKG_NAME"));
    assert!(is_of_cargo_run("CARGO_MANIFEST_DIR"));
    for kept in [
        "CARGO_HOME",
        "CARGO_TARGET_DIR",
        "CARGO_INCREMENTAL",
        "PATH",
    ] {
        assert!(!is_of_cargo_run(kept), "{kept}");
    }
}

#[test]
fn a_program_that_fails_after_it_wrote_is_an_error_that_names_it() {
    let script = |script: &str| output(program("sh").args(["-c", script]));
    let (text, ended) = script("echo test a ... ok; kill -ABRT $$").unwrap();
    assert_eq!(text, "test a ... ok\n");
    let stop = ended.unwrap_err().to_string();
    assert!(stop.starts_with("`sh -c echo test a"), "{stop}");
    let stop = script("exit 3").unwrap_err().to_string();
    assert!(stop.contains("`sh -c exit 3` ended with"), "{stop}");
    let (text, ended) = script("echo all").unwrap();
    assert!(text == "all\n" && ended.is_ok());
}
