//! The table and the verdict, on rows made by hand.

use super::*;

fn rows() -> Vec<Row> {
    let missing = Stop::Missing {
        tool: "cargo-deny",
        remedy: "`cargo install cargo-deny`".to_owned(),
    };
    let results = [
        Ok(()),
        Err(missing),
        Err(Stop::Failed("2 files".to_owned())),
    ];
    let names = ["fmt", "deny", "clippy"];
    let rows = names.into_iter().zip(results);
    rows.map(|(name, result)| Row {
        name,
        result,
        seconds: 1.25,
    })
    .collect()
}

#[test]
fn the_table_names_each_step_with_result_and_seconds() {
    assert_eq!(
        table(&rows()),
        "step    result   seconds\n\
         fmt     passed       1.2\n\
         deny    skipped      1.2  cargo-deny missing, install by `cargo install cargo-deny`\n\
         clippy  FAILED       1.2  2 files\n"
    );
}

#[test]
fn the_closing_line_counts_the_steps_by_result() {
    assert_eq!(counts(&rows()), "steps: 1 passed, 1 failed, 1 skipped");
}

#[test]
fn a_skipped_step_is_a_fault_only_under_ci() {
    let at_home: Vec<bool> = rows().iter().map(|row| row.is_fault(false)).collect();
    let under_ci: Vec<bool> = rows().iter().map(|row| row.is_fault(true)).collect();
    assert_eq!(at_home, [false, false, true]);
    assert_eq!(under_ci, [false, true, true]);
}
