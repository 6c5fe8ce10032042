//! What must not stand in a file, written so that this file does not hold it either.

use super::*;
use crate::tidy::tests::file;

fn faults(path: &str, line: &str) -> Vec<String> {
    let faults = check(&[file(path, line)]);
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_path_of_one_machine_is_found_wherever_it_starts() {
    for before in ["", "see ", "\"", "(", "file=", "file:"] {
        let line = format!("{before}/{}/main/Cargo.toml", "work");
        assert_eq!(faults("README.md", &line).len(), 1, "{line}");
    }
}

#[test]
fn part_of_another_path_is_no_path_of_a_machine() {
    for line in [
        "src/work/a.rs",
        "./tmp/x",
        "../root/x",
        "https://a.example/home/x",
        "$D/tmp/x",
    ] {
        assert!(faults("README.md", line).is_empty(), "{line}");
    }
}

#[test]
fn a_registry_host_is_found_outside_the_lock_file() {
    let line = format!("source = \"registry+https://{}.{}\"", "index.crates", "io");
    assert_eq!(faults("docs/a.md", &line).len(), 1);
    assert!(faults("Cargo.lock", &line).is_empty());
}

#[test]
fn only_the_config_crate_and_the_build_commands_read_the_environment() {
    let line = "let key = std::env::var(\"KEY\");";
    assert_eq!(
        faults("crates/towline/src/lib.rs", line),
        ["crates/towline/src/lib.rs:1: reads the environment: only towline-config may"]
    );
    assert!(faults("crates/towline-config/src/env.rs", line).is_empty());
    assert!(faults("xtask/src/context.rs", line).is_empty());
    for fine in [
        "env!(\"CARGO_PKG_NAME\")",
        "std::env::args()",
        "// env::var(x)",
    ] {
        assert!(
            faults("crates/towline/src/lib.rs", fine).is_empty(),
            "{fine}"
        );
    }
}

#[test]
fn a_test_that_does_not_run_is_a_fault() {
    for name in ["ignore", "should_panic"] {
        assert_eq!(faults("a.rs", &format!("    #[{name}]")).len(), 1);
        assert_eq!(faults("a.rs", &format!("#[{name} = \"why\"]")).len(), 1);
    }
}

#[test]
fn an_unfinished_mark_names_its_issue() {
    let mark = "TODO";
    assert_eq!(
        faults("a.rs", &format!("f(); // {mark}: later")),
        ["a.rs:1: TODO without an issue: write `TODO(#12)`"]
    );
    assert!(faults("a.rs", &format!("// {mark}(#12): later")).is_empty());
    assert!(faults("a.rs", "let x = \"TODO\";").is_empty());
    assert_eq!(faults("a.rs", &format!("{}!(\"x\")", "todo")).len(), 1);
}
