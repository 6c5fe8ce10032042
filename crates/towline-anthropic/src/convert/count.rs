//! The answer to the question how many tokens a prompt has.

use crate::{AnthropicConfig, error};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use towline_core::{Error, ErrorKind};
use towline_transport::lax::{self, LaxCount};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Count<'a> {
    input_tokens: LaxCount,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

pub(crate) fn decode(config: &AnthropicConfig, body: &Bytes) -> Result<u64, Error> {
    let unreadable = || {
        Error::new(ErrorKind::Protocol)
            .with_message("the answer is not the JSON of a count of tokens")
    };
    let count: Count<'_> = serde_json::from_slice(body)
        .map_err(|cause| unreadable().with_source(lax::fault(&cause)))?;
    if let Some(error) = count.error.filter(|error| error.get() != "null") {
        return Err(error::in_band(config, error.get()));
    }
    count.input_tokens.0.ok_or_else(unreadable)
}
