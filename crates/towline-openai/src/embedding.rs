//! Embeddings, both ways.

use crate::{
    OpenAiConfig,
    client::Whole,
    error,
    wire::embedding::{EmbeddingAnswer, EmbeddingBody, Inputs, Numbers, Vector},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use towline_core::{EmbeddingRequest, EmbeddingResponse, Error, ErrorKind};
use towline_transport::{RequestBody, lax};

pub(crate) fn encode(request: &EmbeddingRequest) -> Result<RequestBody, Error> {
    if request.inputs().is_empty() {
        return Err(
            Error::new(ErrorKind::InvalidRequest).with_message("there is no input to embed")
        );
    }
    let body = EmbeddingBody {
        model: request.model(),
        input: Inputs(request.inputs()),
        dimensions: request.dimensions(),
    };
    let json = serde_json::to_vec(&body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest)
            .with_message("the inputs cannot be written as JSON")
            .with_source(cause)
    })?;
    Ok(RequestBody::from(json))
}

/// Reads the vectors and puts them into the order of the inputs.
pub(crate) fn decode(
    config: &OpenAiConfig,
    answer: Whole,
    request: &EmbeddingRequest,
) -> Result<EmbeddingResponse, Error> {
    let parsed: EmbeddingAnswer<'_> = serde_json::from_slice(&answer.body).map_err(|cause| {
        unreadable(config, "not the JSON of embeddings").with_source(lax::fault(&cause))
    })?;
    if let Some(error) = parsed.error.filter(|error| error.get() != "null") {
        let error = error::in_band(config, error.get());
        return Err(error.with_provider(config.name().to_owned()));
    }
    let count = parsed.data.len();
    let inputs = request.inputs().len();
    if count != inputs {
        return Err(unreadable(
            config,
            &format!("{count} vectors for {inputs} inputs"),
        ));
    }
    let apart = config.flavor().traits().reasoning_apart;
    let usage = parsed.usage.0.and_then(|usage| usage.to_usage(apart));
    let vectors = ordered(parsed.data);
    let vectors = vectors
        .map(|vector| floats(config, vector, request.dimensions()))
        .collect::<Result<_, _>>()?;
    let usage = usage.map(|usage| usage.with_raw(answer.body));
    Ok(EmbeddingResponse::new(answer.head, vectors, usage))
}

/// By index; a vector without one stays where it stood.
fn ordered(vectors: Vec<Vector>) -> impl Iterator<Item = Vector> {
    let mut placed: Vec<(u64, Vector)> = (0..)
        .zip(vectors)
        .map(|(place, vector)| (vector.index.0.unwrap_or(place), vector))
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, vector)| vector)
}

/// The numbers of one vector, as many as were asked for.
fn floats(
    config: &OpenAiConfig,
    vector: Vector,
    dimensions: Option<u32>,
) -> Result<Vec<f32>, Error> {
    let floats = match vector.embedding {
        Numbers::Floats(floats) => floats,
        Numbers::Base64(text) => from_base64(&text, config.flavor().traits().byte_vectors)
            .ok_or_else(|| unreadable(config, "a vector that is not base64 of numbers"))?,
    };
    let length = u32::try_from(floats.len()).ok();
    match dimensions {
        Some(wanted) if length != Some(wanted) => Err(unreadable(
            config,
            &format!(
                "a vector of {} numbers, {wanted} were asked for",
                floats.len()
            ),
        )),
        _ => Ok(floats),
    }
}

/// Little-endian 32-bit floats, as `encoding_format: base64` has them, or signed bytes.
fn from_base64(text: &str, of_bytes: bool) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    if of_bytes {
        let numbers = bytes.into_iter().map(|byte| f32::from(byte.cast_signed()));
        return Some(numbers.collect());
    }
    let (chunks, rest) = bytes.as_chunks::<4>();
    let floats = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes));
    rest.is_empty().then(|| floats.collect())
}

fn unreadable(config: &OpenAiConfig, what: &str) -> Error {
    Error::new(ErrorKind::Protocol)
        .with_provider(config.name().to_owned())
        .with_message(format!("the answer is {what}"))
}
