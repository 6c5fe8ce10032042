//! A call to a model, and what layers need to know about it.

mod affinity;
mod context;

pub use self::context::{Context, Priority, RetrySafety};

use crate::{
    Capabilities, Capability, CompletionOptions, Conversation, Part, ReasoningEffort,
    ResponseFormat, Text, model,
};
use std::{
    fmt,
    sync::{Arc, LazyLock},
};

/// A call to a model.
///
/// # Examples
///
/// ```
/// use towline_core::{CompletionOptions, Request};
///
/// let request = Request::new("gpt-4o-mini", "Say hello.")
///     .with_options(CompletionOptions::new().with_max_tokens(20))
///     .with_stream(true);
/// assert_eq!(request.model(), "gpt-4o-mini");
/// ```
///
/// A clone is a reference count: layers keep one to ask again. Changing a clone copies what is said of
/// the call, and neither the conversation nor the options.
#[derive(Clone)]
pub struct Request {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    model: Text,
    conversation: Conversation,
    /// Absent where the request says nothing: most do not.
    options: Option<Arc<CompletionOptions>>,
    stream: bool,
    context: Context,
}

/// What layers need to know of a request of any kind, to weigh, sort and send it.
pub trait Metered: Send + 'static {
    /// The model that is asked.
    fn model(&self) -> &str {
        self.model_text()
    }

    /// The model's name, to keep.
    fn model_text(&self) -> &Text;

    /// Facts about the call.
    fn context(&self) -> &Context;

    /// Facts about the call, to change.
    fn context_mut(&mut self) -> &mut Context;

    /// Asks another model.
    fn set_model(&mut self, model: Text);

    /// Whether the answer shall come piece by piece.
    fn streams(&self) -> bool;

    /// Whether the model is expected to think before it answers, and so to be silent for long.
    fn reasons(&self) -> bool {
        false
    }

    /// What a target has to be able to do to answer this. Looks through the whole conversation.
    fn needs(&self) -> Capabilities {
        Capabilities::default()
    }

    /// The same for calls whose beginning a provider's prompt cache may know from each other. `None`
    /// where there is nothing to know. Reads the beginning of the conversation.
    fn affinity(&self) -> Option<u64> {
        None
    }

    /// Tokens of the input, as far as is known before the call is made.
    fn estimated_input(&self) -> u64;

    /// Tokens of the output that are asked for; 0 where the request says nothing.
    fn estimated_output(&self) -> u64;

    /// Tokens the call will use, input and output: what it weighs in budgets. Where the answer has no
    /// bound that is known, a guess takes its place, which is 1,000 tokens for a [`Request`].
    fn estimated_tokens(&self) -> u64 {
        let input = self.estimated_input();
        input.saturating_add(self.estimated_output())
    }
}

/// What an answer without a bound weighs: between the hundreds of tokens of a plain one and the
/// thousands of one that was thought about. By the question alone, asking again would seem to cost next
/// to nothing, and the reserve of a budget would let a storm of small calls through.
const UNBOUNDED_OUTPUT: u64 = 1_000;

static NOTHING_SAID: LazyLock<CompletionOptions> = LazyLock::new(CompletionOptions::default);

// === impl Request ===

impl Request {
    /// Asks `model` to continue `conversation`: a [`Conversation`], or text for a single question.
    #[must_use]
    pub fn new(model: impl Into<Text>, conversation: impl Into<Conversation>) -> Self {
        Self {
            inner: Arc::new(Inner {
                model: model.into(),
                conversation: conversation.into(),
                options: None,
                stream: false,
                context: Context::default(),
            }),
        }
    }

    /// Sets the options. Handing over an `Arc` shares them between calls.
    #[must_use]
    pub fn with_options(mut self, options: impl Into<Arc<CompletionOptions>>) -> Self {
        self.inner_mut().options = Some(options.into());
        self
    }

    /// Whether the answer shall come piece by piece.
    #[must_use]
    pub fn with_stream(mut self, stream: bool) -> Self {
        // What says so already is not looked at for copies.
        if stream != self.inner.stream {
            self.inner_mut().stream = stream;
        }
        self
    }

    /// Sets the facts for layers.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.inner_mut().context = context;
        self
    }

    /// Asks another model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Text>) -> Self {
        self.inner_mut().model = model.into();
        self
    }

    /// Continues another conversation.
    #[must_use]
    pub fn with_conversation(mut self, conversation: impl Into<Conversation>) -> Self {
        self.inner_mut().conversation = conversation.into();
        self
    }

    /// The model that is asked.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.inner.model
    }

    /// The model's name, to keep.
    #[must_use]
    pub fn model_text(&self) -> &Text {
        &self.inner.model
    }

    /// The conversation to continue.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.inner.conversation
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &CompletionOptions {
        self.inner.options.as_deref().unwrap_or(&NOTHING_SAID)
    }

    /// Whether the answer shall come piece by piece.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.inner.stream
    }

    /// The facts for layers.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.inner.context
    }

    /// The facts for layers, to change.
    #[must_use]
    pub fn context_mut(&mut self) -> &mut Context {
        &mut self.inner_mut().context
    }

    /// What is said of the call, to change: copied where a clone says it too.
    fn inner_mut(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.inner)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("model", &self.inner.model)
            .field("conversation", &self.inner.conversation)
            .field("options", self.options())
            .field("stream", &self.inner.stream)
            .field("context", &self.inner.context)
            .finish()
    }
}

impl Metered for Request {
    fn model_text(&self) -> &Text {
        &self.inner.model
    }

    fn context(&self) -> &Context {
        &self.inner.context
    }

    fn context_mut(&mut self) -> &mut Context {
        &mut self.inner_mut().context
    }

    fn set_model(&mut self, model: Text) {
        // What says so already is not copied.
        if model != self.inner.model {
            self.inner_mut().model = model;
        }
    }

    fn streams(&self) -> bool {
        self.inner.stream
    }

    /// By the effort that is asked for, else by the model's name.
    fn reasons(&self) -> bool {
        match self.options().reasoning() {
            Some(effort) => effort != ReasoningEffort::None,
            None => {
                self.options().reasoning_budget().is_some() || model::reasons(&self.inner.model)
            }
        }
    }

    fn needs(&self) -> Capabilities {
        let mut needs = Capabilities::default();
        if !self.options().tools().is_empty() {
            needs = needs.with(Capability::Tools);
        }
        if let Some(ResponseFormat::JsonSchema(_)) = self.options().response_format() {
            needs = needs.with(Capability::SchemaOutput);
        }
        let messages = self.inner.conversation.messages().iter();
        messages
            .flat_map(|message| message.parts())
            .fold(needs, |needs, part| match part {
                Part::Image(_) => needs.with(Capability::Vision),
                Part::File(_) => needs.with(Capability::Files),
                _ => needs,
            })
    }

    /// A hash of the model, the instructions and the first question, the same on every machine.
    fn affinity(&self) -> Option<u64> {
        affinity::affinity(&self.inner.model, &self.inner.conversation)
    }

    fn estimated_input(&self) -> u64 {
        let input = || tokens(self.inner.conversation.text_bytes());
        self.inner.context.token_estimate().unwrap_or_else(input)
    }

    fn estimated_output(&self) -> u64 {
        self.options().max_tokens().unwrap_or(0)
    }

    fn estimated_tokens(&self) -> u64 {
        let output = self.options().max_tokens().unwrap_or(UNBOUNDED_OUTPUT);
        self.estimated_input().saturating_add(output)
    }
}

/// Tokens by the rule of thumb of four bytes each, never less than one.
pub(crate) fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes / 4).unwrap_or(u64::MAX).max(1)
}
