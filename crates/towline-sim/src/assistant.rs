//! The default assistant: what it says when no rule says it.

pub(crate) mod sample;

use crate::reply::{TokenUsage, ToolCall, Turn};
use serde_json::{Value, json};

/// How much of the question is repeated in the answer, in characters.
const ECHO: usize = 200;

/// A question to the model, in no dialect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    /// The text of the last user message.
    pub(crate) question: String,
    /// User messages in the conversation.
    pub(crate) user_turns: usize,
    /// Images in the last user message.
    pub(crate) images: usize,
    /// The results at the end of the conversation, if it ends in results.
    pub(crate) tool_results: Vec<ToolResult>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) choice: Choice,
    pub(crate) parallel: bool,
    pub(crate) format: Format,
    pub(crate) effort: Option<String>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) stop: Vec<String>,
    /// Tokens of the whole request.
    pub(crate) input_tokens: u64,
    pub(crate) cached_tokens: u64,
    /// Tokens that this request puts into the cache.
    pub(crate) written_tokens: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

#[derive(Clone, Debug)]
pub(crate) struct ToolResult {
    pub(crate) name: Option<String>,
    pub(crate) text: String,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Choice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
    Schema(Value),
}

/// Answers `prompt`.
pub(crate) fn answer(prompt: &Prompt) -> Turn {
    let mut turn = Turn {
        reasoning: reasoning(prompt),
        ..Turn::default()
    };
    turn.calls = tool_calls(prompt);
    if turn.calls.is_empty() {
        turn.text = match &prompt.format {
            Format::Schema(schema) => sample::of(schema).to_string(),
            Format::Json => json!({"simulated": true, "answer": spoken(prompt)}).to_string(),
            Format::Text => spoken(prompt),
        };
    }
    turn
}

/// Cuts the text at a stop sequence or the token limit, and fills in the usage.
pub(crate) fn settle(mut turn: Turn, prompt: &Prompt) -> Turn {
    let stops = prompt.stop.iter().filter(|stop| !stop.is_empty());
    let found = stops.filter_map(|stop| Some((turn.text.find(stop)?, stop)));
    if let Some((at, stop)) = found.min() {
        turn.text.truncate(at);
        turn.stopped_at = Some(stop.clone());
    }
    let thought = reasoning_tokens(&turn, prompt);
    if let Some(limit) = prompt.max_tokens {
        let chars = limit.saturating_sub(thought).saturating_mul(4);
        let chars = usize::try_from(chars).unwrap_or(usize::MAX);
        if let Some((at, _)) = turn.text.char_indices().nth(chars) {
            turn.text.truncate(at);
            turn.finish.get_or_insert_with(|| "length".to_owned());
            turn.stopped_at = None;
        }
    }
    if turn.usage.is_none() {
        let called = turn
            .calls
            .iter()
            .map(|c| tokens(&c.name) + tokens(&c.arguments));
        let said = tokens(&turn.text) + tokens(turn.refusal.as_deref().unwrap_or_default());
        let output = said + called.sum::<u64>() + thought;
        turn.usage = Some(TokenUsage {
            input: prompt.input_tokens,
            output: output.max(1),
            cached: prompt.cached_tokens.min(prompt.input_tokens),
            written: prompt.written_tokens,
            reasoning: thought,
        });
    }
    turn
}

/// The estimate that all counts use: four characters to a token.
pub(crate) fn tokens(text: &str) -> u64 {
    u64::try_from(text.chars().count().div_ceil(4)).unwrap_or(u64::MAX)
}

fn spoken(prompt: &Prompt) -> String {
    if !prompt.tool_results.is_empty() {
        return retold(&prompt.tool_results);
    }
    let mut said = String::from("This answer is simulated: no model was asked.");
    let question = shortened(&prompt.question);
    if !question.is_empty() {
        said.push_str(&format!(" You wrote: \"{question}\"."));
    }
    match prompt.images {
        0 => {}
        1 => said.push_str(" You attached 1 image, which nobody looked at."),
        n => said.push_str(&format!(
            " You attached {n} images, which nobody looked at."
        )),
    }
    if prompt.user_turns > 1 {
        let turns = prompt.user_turns;
        said.push_str(&format!(
            " It is message {turns} from you in this conversation."
        ));
    }
    said.push_str(
        " Question and answer travelled over real HTTP on this machine. To ask a real model, \
         configure a provider.",
    );
    said
}

fn retold(results: &[ToolResult]) -> String {
    let lines = results.iter().map(|result| {
        let name = result.name.as_deref().unwrap_or("tool");
        format!("The tool {name} returned: {}", result.text)
    });
    format!(
        "{}\n(Simulated answer.)",
        lines.collect::<Vec<_>>().join("\n")
    )
}

/// The question on one line, cut where it gets long.
fn shortened(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(ECHO) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

fn reasoning(prompt: &Prompt) -> Option<String> {
    let effort = prompt
        .effort
        .as_deref()
        .filter(|effort| *effort != "none")?;
    let asked = shortened(&prompt.question);
    Some(format!(
        "The question is: \"{asked}\". No model is running, so I think with {effort} effort about \
         nothing and answer from a template."
    ))
}

/// Hidden thought grows with the effort.
fn reasoning_tokens(turn: &Turn, prompt: &Prompt) -> u64 {
    let shown = turn.reasoning.as_deref().map_or(0, tokens);
    match prompt.effort.as_deref() {
        Some("medium") => shown * 2,
        Some("high") => shown * 4,
        Some("xhigh") => shown * 8,
        _ => shown,
    }
}

fn tool_calls(prompt: &Prompt) -> Vec<ToolCall> {
    let call = |tool: &Tool| ToolCall::new(&tool.name, sample::arguments(&tool.schema).to_string());
    let after_result = !prompt.tool_results.is_empty();
    let mut wanted: Vec<&Tool> = match &prompt.choice {
        Choice::None => Vec::new(),
        Choice::Named(name) => prompt.tools.iter().filter(|t| t.name == *name).collect(),
        Choice::Auto | Choice::Required if after_result => Vec::new(),
        Choice::Auto | Choice::Required => asked_for(&prompt.question, &prompt.tools),
    };
    if wanted.is_empty() && prompt.choice == Choice::Required && !after_result {
        wanted.extend(prompt.tools.first());
    }
    if !prompt.parallel {
        wanted.truncate(1);
    }
    wanted.into_iter().map(call).collect()
}

/// The tools that the question tells the model to use, in the order it names them.
fn asked_for<'a>(question: &str, tools: &'a [Tool]) -> Vec<&'a Tool> {
    let lower = question.to_lowercase();
    let told = ["use the tool", "use tool", "call the tool", "call tool"];
    let Some(start) = told.iter().filter_map(|told| lower.find(told)).min() else {
        return Vec::new();
    };
    let rest = lower.get(start..).unwrap_or_default();
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let words: Vec<&str> = rest.split(|c| !is_part(c)).collect();
    let place = |tool: &Tool| words.iter().position(|w| *w == tool.name.to_lowercase());
    let mut named: Vec<(usize, &Tool)> = (tools.iter())
        .filter_map(|tool| Some((place(tool)?, tool)))
        .collect();
    named.sort_by_key(|(place, _)| *place);
    named.into_iter().map(|(_, tool)| tool).collect()
}
