//! What the items of an output mean.

use super::wire::{Item, ItemPart};
use towline_core::{Part, Reasoning, Text, ToolCall};

/// The parts of the contract that an item stands for.
pub(super) fn parts(buffer: &Text, provider: &'static str, item: &Item<'_>, out: &mut Vec<Part>) {
    match &*item.kind.0 {
        "message" => out.extend(item.content.0.iter().filter_map(|part| said(buffer, part))),
        "function_call" => out.push(Part::ToolCall(call(buffer, item))),
        "reasoning" => out.push(Part::Reasoning(reasoning(provider, item))),
        // Tools that the provider runs itself: their results show in the message.
        _ => {}
    }
}

fn said(buffer: &Text, part: &ItemPart<'_>) -> Option<Part> {
    if !part.refusal.is_empty() {
        return Some(Part::Refusal(buffer.share(&part.refusal.0)));
    }
    (!part.text.is_empty()).then(|| Part::Text(buffer.share(&part.text.0)))
}

fn call(buffer: &Text, item: &Item<'_>) -> ToolCall {
    ToolCall::new(
        buffer.share(call_id(item)),
        buffer.share(&item.name.0),
        buffer.share(&item.arguments.0),
    )
}

/// The id to answer by. Servers that leave `call_id` out mean the id of the item.
pub(super) fn call_id<'a>(item: &'a Item<'_>) -> &'a str {
    if item.call_id.is_empty() {
        &item.id.0
    } else {
        &item.call_id.0
    }
}

fn reasoning(provider: &'static str, item: &Item<'_>) -> Reasoning {
    let mut reasoning =
        Reasoning::new(reasoning_text(item)).with_provider(Text::from_static(provider));
    if !item.id.is_empty() {
        reasoning = reasoning.with_id(&*item.id.0);
    }
    if !item.encrypted_content.is_empty() {
        reasoning = reasoning.with_encrypted(&*item.encrypted_content.0);
    }
    reasoning
}

/// The text itself where the server shows it, else its summary.
pub(super) fn reasoning_text(item: &Item<'_>) -> String {
    let join = |parts: &[ItemPart<'_>]| {
        let texts: Vec<&str> = parts.iter().map(|part| &*part.text.0).collect();
        texts.join("\n\n")
    };
    let content = join(&item.content.0);
    if content.is_empty() {
        join(&item.summary.0)
    } else {
        content
    }
}
