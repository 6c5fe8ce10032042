//! One layer alone, around a service that knows nothing of Towline's requests.
//!
//! The limiter wants to know of a request what [`Metered`] says, and of an answer what [`Answer`] says.
//! Here both are types of the program: documents to be ranked, and their scores.
//! `cargo run -p towline-layers --features limit --example one_layer`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    num::NonZeroU64,
    task::{self, Poll},
};
use tokio::time::Instant;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use towline_core::{
    Answer, Context, Ending, Error, FinishReason, Head, Metered, Moment, Text, Watch,
};
use towline_layers::limit::{Dimension, LimitConfig, LimitLayer, Quota, Quotas, Rules};

/// Documents, to be put in order by how well they fit the question.
#[derive(Debug)]
struct Rank {
    model: Text,
    question: String,
    documents: Vec<String>,
    context: Context,
}

/// How well each fits.
#[derive(Debug)]
struct Scores {
    head: Head,
    scores: Vec<usize>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // Two requests at once, then one each second.
    let number = |number| NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN);
    let quota = Quota::per_second(number(1)).with_burst(number(2));
    let quotas = Quotas::unlimited().with(Dimension::Requests, quota);
    let limit = LimitLayer::new(LimitConfig::new("ranker"), Rules::new(quotas));
    let ranker = ServiceBuilder::new().layer(limit).service(service_fn(rank));

    let start = Instant::now();
    for number in 1..=4 {
        let request = Rank {
            model: "ranker-1".into(),
            question: "boats".to_owned(),
            documents: vec!["boats and ships".to_owned(), "trains".to_owned()],
            context: Context::default(),
        };
        let answer = ranker.clone().oneshot(request).await?;
        let after = Instant::now().saturating_duration_since(start);
        println!("{number}: {:?} after {} s", answer.scores, after.as_secs());
    }
    Ok(())
}

/// Stands for the service that is to be protected.
async fn rank(request: Rank) -> Result<Scores, Error> {
    let fits = |document: &String| document.matches(&request.question).count();
    Ok(Scores {
        scores: request.documents.iter().map(fits).collect(),
        head: Head::new("ranker", request.model.clone()),
    })
}

impl Metered for Rank {
    fn model_text(&self) -> &Text {
        &self.model
    }

    fn context(&self) -> &Context {
        &self.context
    }

    fn context_mut(&mut self) -> &mut Context {
        &mut self.context
    }

    fn set_model(&mut self, model: Text) {
        self.model = model;
    }

    fn streams(&self) -> bool {
        false
    }

    /// About four bytes each.
    fn estimated_input(&self) -> u64 {
        let bytes: usize = self.documents.iter().map(String::len).sum();
        u64::try_from(bytes / 4).unwrap_or(u64::MAX)
    }

    fn estimated_output(&self) -> u64 {
        0
    }
}

impl Answer for Scores {
    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn is_whole(&self) -> bool {
        true
    }

    /// All of it is there, so whoever follows it sees the end now.
    fn watch(&mut self, mut watch: impl Watch + 'static) {
        self.show_end(&mut watch);
    }

    fn show_end(&self, watch: &mut impl Watch) -> bool {
        watch.on_end(Ending::Whole(&FinishReason::Stop), None, &Moment::new());
        true
    }

    fn poll_begin(&mut self, _cx: &mut task::Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}
