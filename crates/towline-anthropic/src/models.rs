//! The list of models.

use crate::{AnthropicConfig, error, wire::model::ModelList};
use bytes::Bytes;
use http::Uri;
use std::fmt::Write as _;
use towline_core::{Error, ErrorKind, ModelInfo};
use towline_transport::lax;

/// One page of the list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) models: Vec<ModelInfo>,
    /// The model after which the next page begins.
    pub(crate) next: Option<String>,
}

/// Models asked for at once: the most that the API gives.
const LIMIT: u16 = 1000;

/// Where the page after the model `after` is.
pub(crate) fn page_uri(config: &AnthropicConfig, after: Option<&str>) -> Result<Uri, Error> {
    let mut uri = format!("{}?limit={LIMIT}", config.models());
    if let Some(after) = after {
        uri.push_str("&after_id=");
        push_encoded(&mut uri, after);
    }
    uri.parse()
        .map_err(|cause| unreadable(config, "gives no usable next page").with_source(cause))
}

/// Appends `text` so that it can stand in a query.
fn push_encoded(uri: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _infallible = write!(uri, "%{byte:02X}");
        }
    }
}

pub(crate) fn decode(config: &AnthropicConfig, body: &Bytes) -> Result<Page, Error> {
    let list: ModelList<'_> = serde_json::from_slice(body)
        .map_err(|cause| unreadable(config, "is not one").with_source(lax::fault(&cause)))?;
    if let Some(error) = list.error.filter(|error| error.get() != "null") {
        let error = error::in_band(config, error.get());
        return Err(error.with_provider(config.name().to_owned()));
    }
    let last = list.last_id.0.into_owned();
    let models = list.data.0.into_iter();
    let models = models.filter(|model| !model.id.is_empty()).map(|model| {
        ModelInfo::new(model.id.0.into_owned()).with_context_window(model.max_input_tokens.0)
    });
    Ok(Page {
        models: models.collect(),
        next: (list.has_more == Some(true) && !last.is_empty()).then_some(last),
    })
}

fn unreadable(config: &AnthropicConfig, what: &str) -> Error {
    Error::new(ErrorKind::Protocol)
        .with_provider(config.name().to_owned())
        .with_message(format!("what should be a list of models {what}"))
}
