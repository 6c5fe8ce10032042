use towline_core::{
    Body, Completion, CompletionOptions, Conversation, Error, Event, Message, Request, Response,
    Secret, Text,
};

const fn shared<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
const fn sent<T: Send + std::fmt::Debug + 'static>() {}

const _: () = shared::<Request>();
const _: () = shared::<Conversation>();
const _: () = shared::<Message>();
const _: () = shared::<CompletionOptions>();
const _: () = shared::<Completion>();
const _: () = shared::<Event>();
const _: () = shared::<Secret>();
const _: () = shared::<Text>();
const _: () = sent::<Body>();
const _: () = sent::<Response>();
const _: () = sent::<Error>();

#[test]
fn a_conversation_prints_its_size_and_not_its_words() {
    let conversation = Conversation::from("private words");
    assert_eq!(
        format!("{conversation:?}"),
        "Conversation { messages: 1, .. }"
    );
}

#[test]
fn a_part_of_a_text_shares_its_memory() {
    let whole = Text::from("one two".to_owned());
    let part = whole.share(&whole[4..]);
    assert_eq!(part, "two");
    assert_eq!(part.as_ptr(), whole[4..].as_ptr());
    let foreign = String::from("three");
    assert_eq!(whole.share(&foreign), "three");
}
