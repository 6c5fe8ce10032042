//! Conversations in which every result answers a call.

use super::{name, text};
use proptest::{
    arbitrary::any,
    collection::vec,
    option, prop_oneof,
    sample::select,
    strategy::{Just, Strategy},
};
use serde_json::{Value, json};
use towline_core::{
    CacheHint, Conversation, File, Image, ImageDetail, Message, Part, Reasoning, Role, ToolCall,
    ToolResult,
};

/// The first bytes of a picture.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A turn of the model, and what follows it.
#[derive(Clone, Debug)]
struct Turn {
    thoughts: Vec<Reasoning>,
    said: Option<Part>,
    calls: Vec<Call>,
    next: Message,
}

/// A call and its result.
#[derive(Clone, Debug)]
struct Call {
    tool: String,
    arguments: Value,
    result: String,
    failed: bool,
}

pub(super) fn conversation() -> impl Strategy<Value = Conversation> {
    // Ids as one provider or another makes them.
    let long = "chatcmpl-tool-0123456789abcdef0123456789abcdef-0123456789abcdef0123456789abcdef-";
    let ids = select(vec!["call_", "toolu_01", "call|a:", "fc-", "#", long]);
    let parts = (
        vec(system(), 0..3),
        user(),
        vec(turn(), 0..4),
        ids,
        any::<bool>(),
    );
    parts.prop_map(|(system, first, turns, ids, ends_with_results)| {
        let mut conversation: Conversation = system.into_iter().collect();
        conversation.push(first);
        let count = turns.len();
        let mut made = 0;
        for (at, turn) in turns.into_iter().enumerate() {
            let last = at + 1 == count && ends_with_results && !turn.calls.is_empty();
            let ids: Vec<String> = turn.calls.iter().map(|_| number(ids, &mut made)).collect();
            turn.say(&ids, last, &mut conversation);
        }
        conversation
    })
}

fn number(prefix: &str, made: &mut usize) -> String {
    *made += 1;
    format!("{prefix}{made}")
}

fn system() -> impl Strategy<Value = Message> {
    marked(text().prop_map(Message::system))
}

fn user() -> impl Strategy<Value = Message> {
    let parts = vec(
        prop_oneof![8 => text().prop_map(Part::from), 1 => image(), 1 => file()],
        1..4,
    );
    let named = (parts, option::weighted(0.1, name())).prop_map(|(mut parts, name)| {
        // A question that says nothing is none.
        parts.push(Part::from("And?"));
        let message = Message::new(Role::User, parts);
        match name {
            Some(name) => message.with_name(name),
            None => message,
        }
    });
    marked(named)
}

/// Sometimes with a mark for the cache.
fn marked(message: impl Strategy<Value = Message>) -> impl Strategy<Value = Message> {
    let hint = option::weighted(0.1, select(vec![CacheHint::Short, CacheHint::Long]));
    (message, hint).prop_map(|(message, hint)| match hint {
        Some(hint) => message.with_cache_hint(hint),
        None => message,
    })
}

fn image() -> impl Strategy<Value = Part> {
    let detail = select(vec![ImageDetail::Low, ImageDetail::High, ImageDetail::Auto]);
    let image = prop_oneof![
        2 => Just(Image::from_bytes(PNG).ok()),
        1 => Just(Some(Image::url("https://example.com/a.png"))),
        1 => Just(Some(Image::url("data:image/gif;base64,R0lGODlh"))),
    ];
    let image = image.prop_filter_map("a picture that is none", |image| image);
    (image, option::of(detail)).prop_map(|(image, detail)| {
        Part::Image(match detail {
            Some(detail) => image.with_detail(detail),
            None => image,
        })
    })
}

fn file() -> impl Strategy<Value = Part> {
    let file = prop_oneof![
        2 => Just(File::pdf(b"%PDF-1.7\n%%EOF").ok()),
        1 => text().prop_map(|text| Some(File::from_bytes("text/plain", text.as_bytes()))),
        1 => Just(Some(File::url("https://example.com/a.pdf"))),
        1 => Just(Some(File::id("file-011CNha8iCJcU1wXNR6q4V8w"))),
    ];
    let file = file.prop_filter_map("a file that is none", |file| file);
    (file, option::weighted(0.5, "[a-z]{1,12}\\.pdf")).prop_map(|(file, name)| {
        Part::File(match name {
            Some(name) => file.with_name(name),
            None => file,
        })
    })
}

fn turn() -> impl Strategy<Value = Turn> {
    let said = prop_oneof![
        8 => text().prop_map(|text| Some(Part::from(text))),
        1 => text().prop_map(|text| Some(Part::Refusal(text.into()))),
        2 => Just(None),
    ];
    let parts = (vec(thought(), 0..3), said, vec(call(), 0..4), user());
    parts.prop_map(|(thoughts, said, calls, next)| Turn {
        thoughts,
        said,
        calls,
        next,
    })
}

/// A thought of any provider, whole or in parts.
fn thought() -> impl Strategy<Value = Reasoning> {
    let providers = ["anthropic", "openai", "azure", "ollama", "deepseek"];
    let parts = (
        text(),
        option::weighted(0.8, select(providers.to_vec())),
        option::of("rs_[a-f0-9]{8}"),
        option::of("[a-zA-Z0-9+/]{8}"),
        option::of("[a-zA-Z0-9+/]{12}"),
    );
    parts.prop_map(|(text, provider, id, signature, encrypted)| {
        let mut thought = Reasoning::new(text);
        if let Some(provider) = provider {
            thought = thought.with_provider(provider);
        }
        if let Some(id) = id {
            thought = thought.with_id(id);
        }
        if let Some(signature) = signature {
            thought = thought.with_signature(signature);
        }
        if let Some(encrypted) = encrypted {
            thought = thought.with_encrypted(encrypted);
        }
        thought
    })
}

fn call() -> impl Strategy<Value = Call> {
    let arguments = prop_oneof![
        Just(json!({})),
        text().prop_map(|text| json!({"city": text, "deep": [{"a": null, "b": -1.5e-3}]})),
    ];
    let parts = (name(), arguments, text(), any::<bool>());
    parts.prop_map(|(tool, arguments, result, failed)| Call {
        tool,
        arguments,
        result,
        failed,
    })
}

// === impl Turn ===

impl Turn {
    /// Adds the turn, the results of its calls, and the user's next turn unless it is the `last`.
    fn say(self, ids: &[String], last: bool, conversation: &mut Conversation) {
        let mut parts: Vec<Part> = self.thoughts.into_iter().map(Part::from).collect();
        parts.extend(self.said);
        let calls = self.calls.iter().zip(ids);
        parts.extend(calls.map(|(call, id)| {
            let arguments = call.arguments.to_string();
            Part::from(ToolCall::new(id.as_str(), call.tool.as_str(), arguments))
        }));
        conversation.push(Message::new(Role::Assistant, parts));
        for (call, id) in self.calls.into_iter().zip(ids) {
            conversation.push(Message::from(if call.failed {
                ToolResult::error(id.as_str(), call.result)
            } else {
                ToolResult::new(id.as_str(), call.result)
            }));
        }
        if !last {
            conversation.push(self.next);
        }
    }
}
