//! Tools that a model may call.

use crate::{Error, ErrorKind, Text};
use serde_json::Value;

/// A tool as the model sees it: a name, what it is for, and the JSON schema of its arguments.
///
/// The schema is turned into text once, here, so that the same tool always has the same bytes on
/// the wire, which provider prompt caches depend on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolSpec {
    name: Text,
    description: Text,
    parameters: Text,
    strict: Option<bool>,
}

/// Whether and which tool the model has to call.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one tool, of the model's choice.
    Required,
    /// The tool of this name.
    Tool(Text),
}

/// One call that the model wants made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolCall {
    id: Text,
    name: Text,
    arguments: Text,
}

/// What a tool call gave, to be sent back to the model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolResult {
    call_id: Text,
    content: Text,
    is_error: bool,
}

// === impl ToolSpec ===

impl ToolSpec {
    /// A tool `name`, described for the model, whose arguments follow the JSON schema `parameters`.
    #[must_use]
    pub fn new(name: impl Into<Text>, description: impl Into<Text>, parameters: &Value) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters: parameters.to_string().into(),
            strict: None,
        }
    }

    /// Asks the provider to hold the model to the schema exactly, where it can.
    #[must_use]
    pub const fn with_strict(mut self, strict: bool) -> Self {
        self.strict = Some(strict);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the model is told about the tool.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The JSON schema of the arguments, as JSON text.
    #[must_use]
    pub fn parameters(&self) -> &str {
        &self.parameters
    }

    /// Whether the provider shall hold the model to the schema; `None` is the provider's default.
    #[must_use]
    pub const fn strict(&self) -> Option<bool> {
        self.strict
    }
}

// === impl ToolCall ===

impl ToolCall {
    /// The call `id` of the tool `name` with `arguments` as JSON text.
    #[must_use]
    pub fn new(id: impl Into<Text>, name: impl Into<Text>, arguments: impl Into<Text>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }

    /// The id that the result has to carry.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of the tool.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments as the model wrote them: JSON text, or part of it when the answer was cut.
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The arguments, parsed. A tool without arguments gives an empty object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ToolGeneration`] when the model wrote no valid JSON, or was cut off.
    pub fn parse_arguments(&self) -> Result<Value, Error> {
        if self.arguments.trim().is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_str(&self.arguments).map_err(|cause| {
            Error::new(ErrorKind::ToolGeneration)
                .with_message(format!(
                    "the arguments of the call to tool `{}` are not valid JSON",
                    self.name
                ))
                .with_source(cause)
        })
    }
}

// === impl ToolResult ===

impl ToolResult {
    /// The output of the call `call_id`.
    #[must_use]
    pub fn new(call_id: impl Into<Text>, content: impl Into<Text>) -> Self {
        Self {
            call_id: call_id.into(),
            content: content.into(),
            is_error: false,
        }
    }

    /// The call `call_id` failed, and `message` tells the model how.
    #[must_use]
    pub fn error(call_id: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self {
            is_error: true,
            ..Self::new(call_id, message)
        }
    }

    /// The id of the call this answers.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// What the model is told.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Whether the call failed.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        self.is_error
    }
}
