//! What a request is made of.

use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use towline_transport::compose::Json;

/// One message of the history.
#[derive(Debug, Default, Serialize)]
pub(crate) struct MessageBody<'a> {
    pub(crate) role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_call_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<ContentBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasoning_details: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<ToolCallBody<'a>>,
}

/// The content of a message.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ContentBody<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<PartBody<'a>>),
}

/// A part of the content.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum PartBody<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrlBody<'a> },
    File { file: FileBody<'a> },
    DocumentUrl { document_url: Cow<'a, str> },
}

/// An image, by address or as a `data:` URL.
#[derive(Debug, Serialize)]
pub(crate) struct ImageUrlBody<'a> {
    pub(crate) url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'static str>,
}

/// A file: its content as a `data:` URL with a name, or its id.
#[derive(Debug, Default, Serialize)]
pub(crate) struct FileBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filename: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_data: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_id: Option<&'a str>,
}

/// A call that the model made.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "function")]
pub(crate) struct ToolCallBody<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) function: FunctionCallBody<'a>,
}

/// The function of a call.
#[derive(Debug, Serialize)]
pub(crate) struct FunctionCallBody<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a str,
}

/// A tool that the model may call.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "function")]
pub(crate) struct ToolBody<'a> {
    pub(crate) function: FunctionBody<'a>,
}

/// The function of a tool.
#[derive(Debug, Serialize)]
pub(crate) struct FunctionBody<'a> {
    pub(crate) name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) description: &'a str,
    pub(crate) parameters: Json<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict: Option<bool>,
}

/// Names the tool that has to be called.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "function")]
pub(crate) struct ToolChoiceBody<'a> {
    pub(crate) function: NameBody<'a>,
}

/// A name.
#[derive(Debug, Serialize)]
pub(crate) struct NameBody<'a> {
    pub(crate) name: &'a str,
}

/// The form of the answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FormatBody<'a> {
    Text,
    JsonObject,
    JsonSchema { json_schema: SchemaBody<'a> },
}

/// The schema of the answer.
#[derive(Debug, Serialize)]
pub(crate) struct SchemaBody<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: Json<'a>,
    pub(crate) strict: bool,
}
