//! What is alike, and what is not.

use super::affinity;
use crate::{Conversation, Message};
use std::collections::HashSet;

fn opening(system: &str, question: &str) -> Conversation {
    Conversation::new()
        .with(Message::system(system))
        .with(Message::user(question))
}

#[test]
fn a_conversation_that_goes_on_stays_alike() {
    let begun = opening("Be brief.", "What is the capital of France?");
    let first = affinity("model", &begun);
    let on = begun
        .with(Message::assistant("Paris."))
        .with(Message::user("And of Spain?"));
    assert_eq!(affinity("model", &on), first);
    assert!(first.is_some());
}

#[test]
fn another_model_instruction_or_question_is_not_alike() {
    let base = opening("a", "b");
    let hashes = [
        affinity("m", &base),
        affinity("n", &base),
        affinity("m", &opening("ab", "")),
        affinity("m", &opening("", "ab")),
        affinity("m", &opening("a", "c")),
        affinity("m", &opening("a\0", "b")),
        affinity("m", &Conversation::from("b")),
        affinity("m", &Conversation::from("ab")),
    ];
    let distinct: HashSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn no_two_of_many_questions_fall_together() {
    let hashes: HashSet<_> = (0..10_000_u32)
        .map(|number| affinity("m", &opening("Be brief.", &format!("question {number}"))))
        .collect();
    assert_eq!(hashes.len(), 10_000);
}

#[test]
fn the_hash_is_the_same_everywhere() {
    // It was this on the day it was written; deployments keep their conversations over an upgrade.
    let known = affinity("gpt-4o-mini", &opening("Be brief.", "Hello?"));
    assert_eq!(known, Some(0x8635_59df_f4dd_8d47));
}

#[test]
fn an_empty_conversation_is_like_no_other() {
    assert_eq!(affinity("m", &Conversation::new()), None);
}
