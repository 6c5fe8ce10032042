//! Edges on workspaces made by hand.

use super::*;
use serde_json::json;

/// Every crate of the table, with the dependencies `of` one of them.
fn workspace(of: &str, dependencies: &serde_json::Value) -> Vec<Package> {
    let names = ALLOWED.iter().map(|(name, _)| *name);
    let package = |name: &str| {
        let empty = json!([]);
        let dependencies = if name == of { dependencies } else { &empty };
        let package = json!({
            "name": name, "manifest_path": "", "features": {}, "targets": [],
            "dependencies": dependencies,
        });
        serde_json::from_value(package).unwrap()
    };
    names.map(package).collect()
}

fn faults(of: &str, to: &str, kind: Option<&str>, optional: bool) -> Vec<String> {
    let dependency = json!([{ "name": to, "kind": kind, "optional": optional }]);
    let faults = check(&workspace(of, &dependency));
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn an_edge_of_the_table_passes_and_its_reverse_does_not() {
    assert!(faults("towline-openai", "towline-transport", None, false).is_empty());
    let reverse = faults("towline-transport", "towline-openai", None, false);
    assert_eq!(
        reverse,
        [
            "towline-transport: dependency on towline-openai: this edge is not in the table (docs/ARCHITECTURE.md)"
        ]
    );
}

#[test]
fn the_test_kit_is_for_tests_only() {
    assert!(faults("towline-core", "towline-testkit", Some("dev"), false).is_empty());
    assert_eq!(faults("towline", "towline-testkit", None, true).len(), 1);
    assert_eq!(
        faults("towline", "towline-testkit", Some("build"), false).len(),
        1
    );
}

#[test]
fn the_facade_takes_the_simulator_only_behind_a_feature() {
    assert!(faults("towline", "towline-sim", None, true).is_empty());
    assert!(faults("towline", "towline-sim", Some("dev"), false).is_empty());
    assert_eq!(faults("towline", "towline-sim", None, false).len(), 1);
}

#[test]
fn a_crate_that_the_table_does_not_know_is_a_fault_and_so_is_a_row_without_crate() {
    let mut packages = workspace("towline", &json!([]));
    packages[0].name = "towline-utils".to_owned();
    let faults: Vec<String> = check(&packages).iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "towline-utils: not in the table of edges (xtask/src/tidy/edges.rs): add it, with an ADR",
            "towline-core: in the table of edges, but not in the workspace",
        ]
    );
}
