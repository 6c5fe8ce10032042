//! What every provider asks of a conversation.

use crate::{Error, ErrorKind, Message, Part, Role};

/// All violations at once, as one error.
pub(super) fn validate(messages: &[Message]) -> Result<(), Error> {
    let mut faults = Vec::new();
    check_system(messages, &mut faults);
    check_content(messages, &mut faults);
    check_tool_turns(messages, &mut faults);
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the conversation is not valid: {}",
        faults.join("; ")
    )))
}

fn check_system(messages: &[Message], faults: &mut Vec<String>) {
    for (index, _) in indexed(messages, Role::System).filter(|(index, _)| *index > 0) {
        faults.push(format!(
            "message {index} is a system message, and only the first message may be one"
        ));
    }
}

fn check_content(messages: &[Message], faults: &mut Vec<String>) {
    for (index, message) in messages.iter().enumerate() {
        if message.parts().iter().all(is_blank) {
            faults.push(format!(
                "message {index} ({}) has no content",
                message.role().as_str()
            ));
        }
        if message.role() != Role::User && message.parts().iter().any(is_file) {
            faults.push(format!(
                "message {index} ({}) holds a file, which only a user message may do",
                message.role().as_str()
            ));
        }
        for call in message.tool_calls() {
            if message.role() != Role::Assistant {
                faults.push(format!(
                    "message {index} ({}) holds the tool call `{}`, which only an assistant may make",
                    message.role().as_str(),
                    call.id()
                ));
            }
        }
    }
}

/// Every call is answered before the next turn, and every answer belongs to a call before it.
fn check_tool_turns(messages: &[Message], faults: &mut Vec<String>) {
    let mut open: Vec<&str> = Vec::new();
    let mut asked: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message.role() != Role::Tool {
            report_open(&mut open, faults);
        }
        if message.role() == Role::Assistant {
            asked = message.tool_calls().map(|call| call.id()).collect();
            open.clone_from(&asked);
        }
        for result in message.tool_results() {
            open.retain(|id| *id != result.call_id());
            if !asked.contains(&result.call_id()) {
                faults.push(format!(
                    "message {index} answers the tool call `{}`, which the assistant turn before it did not make",
                    result.call_id()
                ));
            }
        }
    }
    report_open(&mut open, faults);
}

fn report_open(open: &mut Vec<&str>, faults: &mut Vec<String>) {
    for id in open.drain(..) {
        faults.push(format!("the tool call `{id}` is not answered"));
    }
}

fn indexed(messages: &[Message], role: Role) -> impl Iterator<Item = (usize, &Message)> {
    let all = messages.iter().enumerate();
    all.filter(move |(_, message)| message.role() == role)
}

const fn is_file(part: &Part) -> bool {
    matches!(part, Part::File(_))
}

fn is_blank(part: &Part) -> bool {
    match part {
        Part::Text(text) | Part::Refusal(text) => text.trim().is_empty(),
        Part::Reasoning(_) => true,
        Part::Image(_) | Part::File(_) | Part::ToolCall(_) | Part::ToolResult(_) => false,
    }
}
