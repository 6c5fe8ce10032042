use super::Journal;
use crate::journal::{Facts, Outcome};
use http::{HeaderMap, Method};
use std::sync::Arc;

fn facts(id: u64, body: &'static str) -> Facts {
    Facts {
        id,
        connection: 1,
        method: Method::POST,
        path: "/".to_owned(),
        query: None,
        headers: HeaderMap::new(),
        body: body.into(),
    }
}

#[test]
fn drops_the_oldest_when_the_bodies_are_too_large_together() {
    let journal = Arc::new(Journal::new(10, 8));
    let ids = |journal: &Journal| {
        journal
            .exchanges()
            .iter()
            .map(|e| e.id())
            .collect::<Vec<_>>()
    };
    for body in ["1234", "5678", "9"] {
        let _ended = journal.open(|id| facts(id, body));
    }
    assert_eq!(ids(&journal), [2, 3]);
    let _ended = journal.open(|id| facts(id, "123456789"));
    assert!(ids(&journal).is_empty(), "larger than all");
    assert_eq!(journal.stats().requests(), 4);
}

#[test]
fn the_first_word_on_the_outcome_counts() {
    let journal = Arc::new(Journal::new(10, 8));
    let (_facts, ticket) = journal.open(|id| facts(id, ""));
    ticket.end(Outcome::Broken);
    ticket.end(Outcome::Complete);
    drop(ticket);
    assert_eq!(
        journal.exchanges().first().map(super::Exchange::outcome),
        Some(Outcome::Broken)
    );
    assert_eq!(journal.stats().live_requests(), 0);
}
