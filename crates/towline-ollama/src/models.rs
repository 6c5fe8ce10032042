//! The list of models, and the window of one.

use crate::{
    OllamaConfig,
    client::Whole,
    error,
    wire::model::{ModelBody, ModelList, ModelWire, ShowAnswer},
};
use bytes::Bytes;
use serde_json::Value;
use towline_core::{Error, ErrorKind, ModelInfo};
use towline_transport::{RequestBody, lax};

pub(crate) fn decode(config: &OllamaConfig, body: &Bytes) -> Result<Vec<ModelInfo>, Error> {
    let list: ModelList<'_> = serde_json::from_slice(body)
        .map_err(|cause| unreadable(config, "a list of models").with_source(lax::fault(&cause)))?;
    let names = list.models.0.into_iter().map(name);
    let named = names.filter(|name| !name.is_empty());
    Ok(named.map(ModelInfo::new).collect())
}

fn name(model: ModelWire<'_>) -> String {
    let name = if model.model.is_empty() {
        model.name
    } else {
        model.model
    };
    name.0.into_owned()
}

/// A question about `model`.
pub(crate) fn ask(model: &str, stream: Option<bool>) -> Result<RequestBody, Error> {
    let body = ModelBody { model, stream };
    let json = serde_json::to_vec(&body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest)
            .with_message("the name of the model cannot be written as JSON")
            .with_source(cause)
    })?;
    Ok(RequestBody::from(json))
}

/// The window that `/api/show` tells.
pub(crate) fn window(
    config: &OllamaConfig,
    model: &str,
    answer: &Whole,
) -> Result<Option<u64>, Error> {
    let show: ShowAnswer<'_> = serde_json::from_slice(&answer.body).map_err(|cause| {
        unreadable(config, "a description of a model").with_source(lax::fault(&cause))
    })?;
    if let Some(error) = show.error.filter(|error| error.get() != "null") {
        let error = error::in_band(config, Some(model), error.get());
        return Err(error.with_provider(config.name().to_owned()));
    }
    Ok(set(&show.parameters.0).or_else(|| trained(show.model_info.as_ref()?)))
}

/// The window that was set for the model: `num_ctx` among the parameters.
fn set(parameters: &str) -> Option<u64> {
    let pairs = parameters.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(char::is_whitespace)?;
        Some((name, value.trim()))
    });
    let mut set = pairs.filter(|(name, _)| *name == "num_ctx");
    set.find_map(|(_, value)| value.parse().ok())
}

/// The window that the model was made for. Encoders of images may have one of their own, so that of
/// the architecture goes first.
fn trained(info: &serde_json::Map<String, Value>) -> Option<u64> {
    let architecture = info.get("general.architecture").and_then(Value::as_str);
    let own = architecture.and_then(|name| info.get(&format!("{name}.context_length")));
    let mut windows = info
        .iter()
        .filter(|(name, _)| name.ends_with(".context_length"))
        .map(|(_, value)| value);
    own.or_else(|| windows.next())?.as_u64()
}

fn unreadable(config: &OllamaConfig, what: &str) -> Error {
    Error::new(ErrorKind::Protocol)
        .with_provider(config.name().to_owned())
        .with_message(format!("the answer is not {what}"))
}

#[cfg(test)]
mod tests {
    use super::{set, trained};
    use serde_json::json;

    #[test]
    fn a_window_that_was_set_is_read_from_its_line() {
        let parameters = "stop      \"<|end|>\"\nnum_ctx                        16384\r\ntop_k 20";
        assert_eq!(set(parameters), Some(16384));
        assert_eq!(set("num_ctx_like 5\nnum_ctx"), None);
        assert_eq!(set(""), None);
    }

    #[test]
    fn the_window_of_the_architecture_goes_before_others() {
        let info = json!({
            "clip.vision.context_length": 77,
            "general.architecture": "qwen3",
            "qwen3.context_length": 40960,
        });
        assert_eq!(trained(info.as_object().unwrap()), Some(40960));
        let other = json!({"general.architecture": "x", "y.context_length": 7});
        assert_eq!(trained(other.as_object().unwrap()), Some(7));
        assert_eq!(trained(json!({"a": 1}).as_object().unwrap()), None);
    }
}
