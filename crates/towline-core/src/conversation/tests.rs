use super::{Conversation, WireDialect};
use crate::{Error, ErrorKind, File, Message, Part, Role, ToolCall, ToolResult};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

const DIALECT: WireDialect = WireDialect::new("test", 0);

fn numbered(n: usize) -> Message {
    Message::user(n.to_string())
}

/// The JSON that a run of `wire` gives, and how many messages it had to encode.
fn wire(conversation: &Conversation, dialect: WireDialect) -> (String, usize) {
    let mut encoded = 0;
    let form = conversation
        .wire(dialect, |message, out| {
            encoded += 1;
            out.extend_from_slice(message.text().as_bytes());
            Ok(())
        })
        .unwrap();
    let bytes = form.segments().concat();
    assert_eq!(bytes.len(), form.len());
    assert!(form.segments().len() <= 12);
    (String::from_utf8(bytes).unwrap(), encoded)
}

fn plain(conversation: &Conversation) -> String {
    let texts = conversation
        .messages()
        .iter()
        .map(|m| m.text().into_owned());
    texts.collect::<Vec<_>>().join(",")
}

#[test]
fn appending_leaves_other_clones_alone() {
    let one = Conversation::from("1");
    let two = one.clone().with(numbered(2));
    let other = one.clone().with(numbered(3));
    assert_eq!(
        [plain(&one), plain(&two), plain(&other)],
        ["1", "1,2", "1,3"]
    );
}

#[test]
fn a_message_is_encoded_once_per_dialect() {
    let mut conversation = Conversation::from("0");
    assert_eq!(wire(&conversation, DIALECT), ("0".into(), 1));
    conversation.push(numbered(1));
    assert_eq!(wire(&conversation, DIALECT), ("0,1".into(), 1));
    assert_eq!(wire(&conversation.clone(), DIALECT).1, 0);
    let other = WireDialect::new("test", 1);
    assert_eq!(wire(&conversation, other), ("0,1".into(), 2));
}

#[test]
fn branches_of_one_conversation_do_not_mix() {
    let trunk = Conversation::from("0");
    let left = trunk.clone().with(numbered(1)).with(numbered(9));
    assert_eq!(wire(&left, DIALECT).0, "0,1,9");
    let right = trunk.clone().with(numbered(2)).with(numbered(9));
    assert_eq!(wire(&right, DIALECT).0, "0,2,9");
    assert_eq!(wire(&trunk, DIALECT).0, "0");
}

#[test]
fn a_message_that_is_left_out_leaves_no_comma() {
    let odd = |conversation: &Conversation| {
        let form = conversation.wire(DIALECT, |message, out| {
            let text = message.text();
            if text.ends_with(['1', '3', '5', '7', '9']) {
                out.extend_from_slice(text.as_bytes());
            }
            Ok(())
        });
        String::from_utf8(form.unwrap().segments().concat()).unwrap()
    };
    let mut conversation = Conversation::from("0");
    assert_eq!(odd(&conversation), "");
    conversation.push(numbered(1));
    assert_eq!(odd(&conversation), "1");
    conversation.push(numbered(2));
    assert_eq!(odd(&conversation), "1");
    conversation.extend([numbered(3), numbered(4), numbered(5)]);
    assert_eq!(odd(&conversation), "1,3,5");
}

#[test]
fn a_failed_encoding_leaves_nothing_behind() {
    let conversation = Conversation::from("0").with(numbered(1));
    let failed = conversation.wire(DIALECT, |_, out| {
        out.push(b'x');
        Err(Error::new(ErrorKind::Unsupported))
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(wire(&conversation, DIALECT).0, "0,1");
}

proptest! {
    /// Whatever the order of appends, forks and encodings, the wire form is that of the messages.
    #[test]
    fn the_wire_form_is_always_that_of_the_messages(
        steps in prop::collection::vec((any::<u8>(), 0_usize..1000, any::<bool>()), 1..60)
    ) {
        let mut all = vec![Conversation::from("0")];
        for (pick, n, encode) in steps {
            let from = &all[usize::from(pick) % all.len()];
            let next = from.clone().with(numbered(n));
            if encode {
                prop_assert_eq!(wire(&next, DIALECT).0, plain(&next));
            }
            all.push(next);
        }
        for conversation in &all {
            prop_assert_eq!(wire(conversation, DIALECT).0, plain(conversation));
        }
    }

    /// Long conversations keep few segments, so that one `writev` takes them.
    #[test]
    fn turns_of_any_size_stay_in_few_segments(sizes in prop::collection::vec(1_usize..4000, 1..80)) {
        let mut conversation = Conversation::new();
        for size in sizes {
            conversation.push(Message::user("x".repeat(size)));
            let (json, encoded) = wire(&conversation, DIALECT);
            prop_assert_eq!(json, plain(&conversation));
            prop_assert!(encoded == 1);
        }
    }
}

fn call(id: &'static str) -> Part {
    Part::ToolCall(ToolCall::new(id, "f", "{}"))
}

#[test]
fn a_tool_turn_is_valid_when_every_call_is_answered() {
    let conversation = Conversation::from("hi")
        .with(Message::new(Role::Assistant, vec![call("a"), call("b")]))
        .with(Message::tool("b", "2"))
        .with(Message::from(ToolResult::error("a", "no such city")))
        .with(Message::assistant("done"));
    assert!(conversation.validate().is_ok());
    assert!(Conversation::new().validate().is_ok());
}

#[test]
fn all_violations_are_reported_at_once() {
    let conversation = Conversation::from("hi")
        .with(Message::system("late"))
        .with(Message::user("  "))
        .with(Message::new(Role::Assistant, vec![call("a"), call("b")]))
        .with(Message::tool("c", "3"))
        .with(Message::tool("a", "1"));
    let error = conversation.validate().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let message = error.message().unwrap();
    for part in [
        "message 1 is a system message",
        "message 2 (user) has no content",
        "message 4 answers the tool call `c`",
        "the tool call `b` is not answered",
    ] {
        assert!(message.contains(part), "{part} is missing in {message}");
    }
}

#[test]
fn a_file_is_content_and_stands_with_the_user() {
    let file = || Part::File(File::url("https://example.com/a.pdf"));
    let asked = Conversation::from(Message::new(Role::User, vec![file()]));
    assert!(asked.validate().is_ok());
    let said = asked.with(Message::new(Role::Assistant, vec![file()]));
    let error = said.validate().unwrap_err();
    assert!(
        error
            .message()
            .unwrap()
            .contains("message 1 (assistant) holds a file"),
        "{error}"
    );
}
