//! The list of models.

use crate::{
    OpenAiConfig,
    wire::model::{ModelList, ModelWire},
};
use bytes::Bytes;
use towline_core::{Error, ErrorKind, ModelInfo};
use towline_transport::lax;

pub(crate) fn decode(config: &OpenAiConfig, body: &Bytes) -> Result<Vec<ModelInfo>, Error> {
    let list: ModelList<'_> = serde_json::from_slice(body).map_err(|cause| {
        Error::new(ErrorKind::Protocol)
            .with_provider(config.name().to_owned())
            .with_message("the answer is not a list of models")
            .with_source(lax::fault(&cause))
    })?;
    let models = match list {
        ModelList::Bare(models) => models,
        ModelList::Wrapped(list) => list.data.0,
    };
    let named = models.into_iter().filter(|model| !model.id.is_empty());
    Ok(named.map(info).collect())
}

fn info(model: ModelWire<'_>) -> ModelInfo {
    let meta = model.meta.0.unwrap_or_default();
    let window = [
        model.context_length,
        model.context_window,
        model.max_context_length,
        model.max_model_len,
        meta.n_ctx,
        meta.n_ctx_train,
    ];
    let owner = model.owned_by.0.into_owned();
    ModelInfo::new(model.id.0.into_owned())
        .with_owner((!owner.is_empty()).then(|| owner.into()))
        .with_context_window(window.into_iter().find_map(|count| count.0))
}
