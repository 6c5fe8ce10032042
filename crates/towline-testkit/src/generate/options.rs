//! Options of every kind.

use super::{name, schema, text};
use proptest::{
    arbitrary::any,
    collection::vec,
    option, prop_oneof,
    sample::select,
    strategy::{Just, Strategy},
};
use towline_core::{
    CompletionOptions, JsonSchema, ReasoningEffort, ResponseFormat, ToolChoice, ToolSpec,
};

/// Tools, which of them to call, and whether several at once.
#[derive(Clone, Debug)]
struct Tools {
    tools: Vec<ToolSpec>,
    choice: Option<ToolChoice>,
    parallel: Option<bool>,
}

pub(super) fn options() -> impl Strategy<Value = CompletionOptions> {
    let options = (sampling(), tools()).prop_map(|(options, tools)| tools.add(options));
    let options = (options, limits()).prop_map(|(options, (max_tokens, stop, user, lenient))| {
        let options = with(options, max_tokens, CompletionOptions::with_max_tokens);
        let options = with(options, stop, CompletionOptions::with_stop);
        let options = with(options, user, CompletionOptions::with_user);
        options.with_lenient(lenient)
    });
    (options, answer()).prop_map(|(options, (format, effort, budget))| {
        let options = with(options, format, CompletionOptions::with_response_format);
        let options = with(options, effort, CompletionOptions::with_reasoning);
        with(options, budget, CompletionOptions::with_reasoning_budget)
    })
}

/// Within the limits that all providers share.
fn sampling() -> impl Strategy<Value = CompletionOptions> {
    let values = (
        option::weighted(0.3, 0.0..=1.0_f64),
        option::weighted(0.3, 0.01..=1.0_f64),
        option::weighted(0.2, -2.0..=2.0_f64),
        option::weighted(0.2, -2.0..=2.0_f64),
        option::weighted(0.2, any::<i64>()),
    );
    values.prop_map(|(temperature, top_p, presence, frequency, seed)| {
        let options = CompletionOptions::new();
        let options = with(options, temperature, CompletionOptions::with_temperature);
        let options = with(options, top_p, CompletionOptions::with_top_p);
        let options = with(options, presence, CompletionOptions::with_presence_penalty);
        let options = with(
            options,
            frequency,
            CompletionOptions::with_frequency_penalty,
        );
        with(options, seed, CompletionOptions::with_seed)
    })
}

/// The most tokens, words to stop at, the end user, and whether to be lenient.
fn limits() -> impl Strategy<Value = (Option<u64>, Option<Vec<String>>, Option<String>, bool)> {
    (
        option::weighted(0.5, 1..100_000_u64),
        option::weighted(0.3, vec("[a-zA-Z#\n ]{0,7}[a-z]", 0..=4)),
        option::weighted(0.3, "[a-zA-Z0-9@._-]{1,30}"),
        // Mostly lenient: what a provider cannot do is then left out, and the rest is sent.
        prop_oneof![4 => Just(true), 1 => Just(false)],
    )
}

fn tools() -> impl Strategy<Value = Tools> {
    let values = (
        vec(tool(), 0..4),
        option::weighted(0.4, 0..4_usize),
        option::weighted(0.3, any::<bool>()),
    );
    values.prop_map(|(mut tools, choice, parallel)| {
        tools.sort_by(|a, b| a.name().cmp(b.name()));
        tools.dedup_by(|a, b| a.name() == b.name());
        let choice = choice
            .zip(tools.first())
            .map(|(choice, first)| match choice {
                0 => ToolChoice::Auto,
                1 => ToolChoice::None,
                2 => ToolChoice::Required,
                _ => ToolChoice::Tool(first.name().into()),
            });
        Tools {
            tools,
            choice,
            parallel,
        }
    })
}

fn tool() -> impl Strategy<Value = ToolSpec> {
    let parts = (name(), text(), schema(), option::of(any::<bool>()));
    parts.prop_map(|(name, description, schema, strict)| {
        let tool = ToolSpec::new(name, description, &schema);
        match strict {
            Some(strict) => tool.with_strict(strict),
            None => tool,
        }
    })
}

/// The form of the answer, and how much to think about it.
fn answer() -> impl Strategy<Value = (Option<ResponseFormat>, Option<ReasoningEffort>, Option<u64>)>
{
    use ReasoningEffort::{High, Low, Medium, Minimal, None};
    let json_schema = (name(), schema(), any::<bool>()).prop_map(|(name, schema, strict)| {
        ResponseFormat::JsonSchema(JsonSchema::new(name, &schema).with_strict(strict))
    });
    let format = prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::Json),
        json_schema,
    ];
    (
        option::weighted(0.4, format),
        option::weighted(0.3, select(vec![None, Minimal, Low, Medium, High])),
        option::weighted(0.15, 1024..30_000_u64),
    )
}

fn with<T>(
    options: CompletionOptions,
    value: Option<T>,
    change: impl FnOnce(CompletionOptions, T) -> CompletionOptions,
) -> CompletionOptions {
    match value {
        Some(value) => change(options, value),
        None => options,
    }
}

// === impl Tools ===

impl Tools {
    fn add(self, options: CompletionOptions) -> CompletionOptions {
        let options = options.with_tools(self.tools);
        let options = with(options, self.choice, CompletionOptions::with_tool_choice);
        with(
            options,
            self.parallel,
            CompletionOptions::with_parallel_tool_calls,
        )
    }
}
