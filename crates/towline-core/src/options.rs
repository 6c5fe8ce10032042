//! How the model shall answer.

use crate::{Text, ToolChoice, ToolSpec};
use serde_json::{Map, Value};

/// Options of a completion. What is not set is left to the provider: nothing is sent for it.
///
/// # Examples
///
/// ```
/// use towline_core::CompletionOptions;
///
/// let options = CompletionOptions::new()
///     .with_temperature(0.2)
///     .with_max_tokens(500)
///     .with_stop(["\n\n"]);
/// assert_eq!(options.max_tokens(), Some(500));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionOptions {
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u64>,
    presence_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    seed: Option<i64>,
    stop: Vec<Text>,
    tools: Vec<ToolSpec>,
    tool_choice: Option<ToolChoice>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<ResponseFormat>,
    reasoning: Option<ReasoningEffort>,
    reasoning_budget: Option<u64>,
    user: Option<Text>,
    lenient: bool,
    extra: Vec<(Text, Map<String, Value>)>,
}

/// The form of the answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Free text, the default of every provider.
    Text,
    /// Some JSON object.
    Json,
    /// JSON that follows a schema.
    JsonSchema(JsonSchema),
}

/// A JSON schema for the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonSchema {
    name: Text,
    schema: Text,
    strict: bool,
}

/// How hard a reasoning model shall think.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReasoningEffort {
    /// Not at all, where the model can switch it off.
    None,
    /// As little as the model can.
    Minimal,
    /// A little; 2,048 tokens where a provider wants a budget.
    Low,
    /// Some; 8,192 tokens where a provider wants a budget.
    Medium,
    /// Much; 32,768 tokens where a provider wants a budget.
    High,
}

// === impl CompletionOptions ===

impl CompletionOptions {
    /// Nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sampling temperature. Most providers take 0 to 2, Anthropic 0 to 1.
    #[must_use]
    pub const fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Nucleus sampling: the share of probability to draw from, above 0 and up to 1.
    #[must_use]
    pub const fn with_top_p(mut self, top_p: f64) -> Self {
        self.top_p = Some(top_p);
        self
    }

    /// The most output tokens to generate, reasoning included.
    #[must_use]
    pub const fn with_max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Penalty for tokens that already appeared, −2 to 2.
    #[must_use]
    pub const fn with_presence_penalty(mut self, penalty: f64) -> Self {
        self.presence_penalty = Some(penalty);
        self
    }

    /// Penalty for tokens by how often they appeared, −2 to 2.
    #[must_use]
    pub const fn with_frequency_penalty(mut self, penalty: f64) -> Self {
        self.frequency_penalty = Some(penalty);
        self
    }

    /// Asks for repeatable sampling, as far as the provider can.
    #[must_use]
    pub const fn with_seed(mut self, seed: i64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Texts that end the answer; they are not part of it.
    #[must_use]
    pub fn with_stop<T: Into<Text>>(mut self, stop: impl IntoIterator<Item = T>) -> Self {
        self.stop = stop.into_iter().map(Into::into).collect();
        self
    }

    /// Tools that the model may call.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = ToolSpec>) -> Self {
        self.tools = tools.into_iter().collect();
        self
    }

    /// Whether and which tool has to be called. Means nothing without tools, and is not sent then.
    #[must_use]
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Whether the model may call several tools in one turn. Means nothing without tools, and is not
    /// sent then.
    #[must_use]
    pub const fn with_parallel_tool_calls(mut self, parallel: bool) -> Self {
        self.parallel_tool_calls = Some(parallel);
        self
    }

    /// The form of the answer.
    #[must_use]
    pub fn with_response_format(mut self, format: ResponseFormat) -> Self {
        self.response_format = Some(format);
        self
    }

    /// How hard a reasoning model shall think.
    #[must_use]
    pub const fn with_reasoning(mut self, effort: ReasoningEffort) -> Self {
        self.reasoning = Some(effort);
        self
    }

    /// The most tokens to spend on reasoning, where a provider takes a number; it outranks the
    /// effort there.
    #[must_use]
    pub const fn with_reasoning_budget(mut self, tokens: u64) -> Self {
        self.reasoning_budget = Some(tokens);
        self
    }

    /// An opaque id of the end user, for the provider's abuse detection.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<Text>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Lets a provider leave out what it cannot do, and report it in
    /// [`Head::dropped`](crate::Head::dropped). By default such an option is an error before
    /// anything is sent.
    #[must_use]
    pub const fn with_lenient(mut self, lenient: bool) -> Self {
        self.lenient = lenient;
        self
    }

    /// Adds `field` to the body for `provider` as it stands, for what these options do not know.
    /// It outranks the option of the same wire name. Other providers do not see it.
    #[must_use]
    pub fn with_extra(
        mut self,
        provider: impl Into<Text>,
        field: impl Into<String>,
        value: Value,
    ) -> Self {
        let provider = provider.into();
        // In the order of their names, so that options that say the same are equal.
        let place = self.extra.binary_search_by(|(name, _)| name.cmp(&provider));
        match place.map(|index| self.extra.get_mut(index)) {
            Ok(Some((_, fields))) => {
                fields.insert(field.into(), value);
            }
            Ok(None) => {}
            Err(index) => {
                let fields = Map::from_iter([(field.into(), value)]);
                self.extra.insert(index, (provider, fields));
            }
        }
        self
    }

    /// Sampling temperature.
    #[must_use]
    pub const fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// Nucleus sampling.
    #[must_use]
    pub const fn top_p(&self) -> Option<f64> {
        self.top_p
    }

    /// The most output tokens.
    #[must_use]
    pub const fn max_tokens(&self) -> Option<u64> {
        self.max_tokens
    }

    /// Presence penalty.
    #[must_use]
    pub const fn presence_penalty(&self) -> Option<f64> {
        self.presence_penalty
    }

    /// Frequency penalty.
    #[must_use]
    pub const fn frequency_penalty(&self) -> Option<f64> {
        self.frequency_penalty
    }

    /// Seed of the sampling.
    #[must_use]
    pub const fn seed(&self) -> Option<i64> {
        self.seed
    }

    /// Texts that end the answer.
    #[must_use]
    pub fn stop(&self) -> &[Text] {
        &self.stop
    }

    /// Tools that the model may call.
    #[must_use]
    pub fn tools(&self) -> &[ToolSpec] {
        &self.tools
    }

    /// Whether and which tool has to be called.
    #[must_use]
    pub const fn tool_choice(&self) -> Option<&ToolChoice> {
        self.tool_choice.as_ref()
    }

    /// Whether the model may call several tools in one turn.
    #[must_use]
    pub const fn parallel_tool_calls(&self) -> Option<bool> {
        self.parallel_tool_calls
    }

    /// The form of the answer.
    #[must_use]
    pub const fn response_format(&self) -> Option<&ResponseFormat> {
        self.response_format.as_ref()
    }

    /// How hard a reasoning model shall think.
    #[must_use]
    pub const fn reasoning(&self) -> Option<ReasoningEffort> {
        self.reasoning
    }

    /// The most tokens to spend on reasoning: the set budget, or that of the effort.
    #[must_use]
    pub fn reasoning_budget(&self) -> Option<u64> {
        let by_effort = self.reasoning.map(ReasoningEffort::budget);
        self.reasoning_budget.or(by_effort)
    }

    /// The most tokens to spend on reasoning, where a number was set; efforts do not count.
    #[must_use]
    pub const fn set_reasoning_budget(&self) -> Option<u64> {
        self.reasoning_budget
    }

    /// The id of the end user.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether a provider may leave out what it cannot do.
    #[must_use]
    pub const fn lenient(&self) -> bool {
        self.lenient
    }

    /// The raw fields for `provider`.
    #[must_use]
    pub fn extra(&self, provider: &str) -> Option<&Map<String, Value>> {
        let mut extra = self.extra.iter();
        extra
            .find(|(name, _)| name == provider)
            .map(|(_, fields)| fields)
    }
}

// === impl JsonSchema ===

impl JsonSchema {
    /// The schema `schema`, called `name`, held strictly.
    #[must_use]
    pub fn new(name: impl Into<Text>, schema: &Value) -> Self {
        Self {
            name: name.into(),
            schema: schema.to_string().into(),
            strict: true,
        }
    }

    /// Whether the provider shall hold the model to the schema exactly. The default is true.
    #[must_use]
    pub const fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema as JSON text.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Whether the provider shall hold the model to the schema exactly.
    #[must_use]
    pub const fn strict(&self) -> bool {
        self.strict
    }
}

// === impl ReasoningEffort ===

impl ReasoningEffort {
    /// The word for it on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The budget in tokens that stands for it where a provider wants a number.
    #[must_use]
    pub const fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 1024,
            Self::Low => 2048,
            Self::Medium => 8192,
            Self::High => 32768,
        }
    }
}
