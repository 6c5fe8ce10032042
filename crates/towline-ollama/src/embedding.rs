//! Embeddings, both ways.

use crate::{
    OllamaConfig,
    client::Whole,
    error,
    wire::embedding::{EmbedAnswer, EmbedBody, Inputs},
};
use towline_core::{EmbeddingRequest, EmbeddingResponse, Error, ErrorKind, Usage};
use towline_transport::{RequestBody, lax};

pub(crate) fn encode(
    config: &OllamaConfig,
    request: &EmbeddingRequest,
) -> Result<RequestBody, Error> {
    if request.inputs().is_empty() {
        return Err(
            Error::new(ErrorKind::InvalidRequest).with_message("there is no input to embed")
        );
    }
    let body = EmbedBody {
        model: request.model(),
        input: Inputs(request.inputs()),
        truncate: false,
        dimensions: request.dimensions(),
        keep_alive: config.keep_alive().map(|time| time.as_str()),
    };
    let json = serde_json::to_vec(&body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest)
            .with_message("the inputs cannot be written as JSON")
            .with_source(cause)
    })?;
    Ok(RequestBody::from(json))
}

/// Reads the vectors, which come in the order of the inputs.
pub(crate) fn decode(
    config: &OllamaConfig,
    answer: Whole,
    request: &EmbeddingRequest,
) -> Result<EmbeddingResponse, Error> {
    let parsed: EmbedAnswer<'_> = serde_json::from_slice(&answer.body).map_err(|cause| {
        unreadable(config, "not the JSON of embeddings").with_source(lax::fault(&cause))
    })?;
    if let Some(error) = parsed.error.filter(|error| error.get() != "null") {
        let error = error::in_band(config, Some(request.model()), error.get());
        return Err(error.with_provider(config.name().to_owned()));
    }
    let mut vectors = parsed.embeddings.unwrap_or_default();
    vectors.extend(parsed.embedding);
    check(config, &vectors, request)?;
    let input = parsed.prompt_eval_count.0;
    let usage = input.map(|tokens| Usage::unknown().with_input(tokens));
    let usage = usage.map(|usage| usage.with_raw(answer.body));
    Ok(EmbeddingResponse::new(answer.head, vectors, usage))
}

/// As many vectors as inputs, as long as was asked for.
fn check(
    config: &OllamaConfig,
    vectors: &[Vec<f32>],
    request: &EmbeddingRequest,
) -> Result<(), Error> {
    let (count, inputs) = (vectors.len(), request.inputs().len());
    if count != inputs {
        let what = format!("{count} vectors for {inputs} inputs");
        return Err(unreadable(config, &what));
    }
    let Some(wanted) = request.dimensions() else {
        return Ok(());
    };
    let other = vectors
        .iter()
        .map(Vec::len)
        .find(|length| u32::try_from(*length) != Ok(wanted));
    other.map_or(Ok(()), |length| {
        let what = format!("a vector of {length} numbers, {wanted} were asked for");
        Err(unreadable(config, &what))
    })
}

fn unreadable(config: &OllamaConfig, what: &str) -> Error {
    Error::new(ErrorKind::Protocol)
        .with_provider(config.name().to_owned())
        .with_message(format!("the answer is {what}"))
}
