//! What a request is made of.

use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use towline_transport::compose::Json;

/// One message of the history.
#[derive(Debug, Default, Serialize)]
pub(crate) struct MessageBody<'a> {
    pub(crate) role: &'static str,
    pub(crate) content: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) thinking: Cow<'a, str>,
    /// In base64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<ToolCallBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_call_id: Option<&'a str>,
}

/// A call that the model made. Servers of before 2026 take no notice of the id.
#[derive(Debug, Serialize)]
pub(crate) struct ToolCallBody<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) id: &'a str,
    pub(crate) function: FunctionCallBody<'a>,
}

/// The function of a call.
#[derive(Debug, Serialize)]
pub(crate) struct FunctionCallBody<'a> {
    pub(crate) name: &'a str,
    /// An object.
    pub(crate) arguments: &'a RawValue,
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
}
