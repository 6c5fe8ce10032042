//! `towline embed`.

use crate::{
    args::{Args, EmbedArgs},
    chat::stdin,
    failure::Failure,
    journey,
    output::{Indicator, Output},
    session,
    usage::UsageObject,
};
use serde::Serialize;
use tokio::time::Instant;
use towline_core::{Cost, EmbeddingRequest, Journey};

#[derive(Debug, Serialize)]
struct Embeddings<'a> {
    model: &'a str,
    provider: &'a str,
    vectors: &'a [Vec<f32>],
    usage: UsageObject,
    /// As for a chat: unknown without `towline.prices`. An estimate where `usage` has no input.
    #[serde(serialize_with = "journey::dollars")]
    cost_usd: Option<Cost>,
    latency_ms: u64,
}

pub(crate) async fn run(args: &Args, embed: &EmbedArgs, output: &Output) -> Result<(), Failure> {
    let texts = texts(embed).await?;
    let client = session::embedder(args, embed.model.as_deref(), output).await?;
    let start = Instant::now();
    let mut request = EmbeddingRequest::new(client.embedding_model().unwrap_or_default(), texts);
    if let Some(dimensions) = embed.dimensions {
        request = request.with_dimensions(dimensions);
    }
    let mut indicator = Indicator::new(output);
    let response = indicator.during(client.embed_call(request)).await?;
    indicator.wipe();
    let latency = Instant::now().saturating_duration_since(start);
    if output.json() {
        let object = Embeddings {
            model: response.head().model(),
            provider: response.head().provider(),
            vectors: response.vectors(),
            usage: UsageObject::of(response.usage()),
            cost_usd: response.head().journey().and_then(Journey::cost),
            latency_ms: u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
        };
        return output.object(&object).await;
    }
    for vector in response.vectors() {
        output.object(vector).await?;
    }
    Ok(())
}

async fn texts(embed: &EmbedArgs) -> Result<Vec<String>, Failure> {
    let texts = if embed.texts.is_empty() {
        let input = stdin().await?;
        if embed.lines {
            input.lines().map(str::to_owned).collect()
        } else {
            vec![input]
        }
    } else {
        embed.texts.clone()
    };
    if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
        return Err(Failure::usage("a text to embed is empty: leave it out"));
    }
    Ok(texts)
}
