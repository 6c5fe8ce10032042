use super::{Found, table};
use std::collections::{BTreeMap, BTreeSet};

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn a_case_counts_once_and_only_where_it_was_decoded() {
    let mut found = Found::default();
    found.add("one\na/1\ttrue\ttrue\na/2\tfalse\ttrue\n");
    found.add("one, split\na/1\ttrue\tfalse\n");
    found.add("one, requests\na/3\ttrue\ttrue\n");
    let groups = BTreeMap::from([
        ("a".to_owned(), ids(&["a/1", "a/2", "a/3"])),
        ("b".to_owned(), ids(&["b/1"])),
    ]);
    let table = table(&groups, &found);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[1], ["a", "3", "2", "1", "1"]);
    assert_eq!(rows[2], ["b", "1", "0", "0", "0"]);
    assert_eq!(rows[3], ["all", "4", "2", "1", "1"]);
}
