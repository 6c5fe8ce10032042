//! Asks, and prints the answer.

use super::json::Answer;
use crate::{
    failure::Failure,
    journey,
    output::{Indicator, Output},
    usage::UsageObject,
};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use towline::{Accumulator, Client};
use towline_core::{
    Completion, CompletionOptions, Conversation, Error, Event, FinishReason, Head, RateLimit,
    Request, Seam,
};

/// Asks one client with the same options, and prints what it answers.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    client: Client,
    options: Arc<CompletionOptions>,
    stream: bool,
    output: &'a Output,
}

/// An answer with the facts around it.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) completion: Completion,
    pub(super) head: Head,
    pub(super) latency: Duration,
    pub(super) first: Option<Duration>,
    pub(super) seams: Vec<Mended>,
}

/// Where an answer broke off, and who went on with it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mended {
    provider: String,
    model: String,
    /// How many characters of the text came before.
    after: usize,
}

/// What has been printed of an answer.
#[derive(Debug, Default)]
struct Printed {
    any: bool,
    mid_line: bool,
}

/// What the clients put in the place of a reason that the provider did not give.
const NO_REASON: &str = "unknown";

// === impl Asker ===

impl<'a> Asker<'a> {
    pub(super) fn new(
        client: Client,
        options: CompletionOptions,
        stream: bool,
        output: &'a Output,
    ) -> Self {
        Self {
            client,
            options: Arc::new(options),
            stream,
            output,
        }
    }

    pub(super) const fn output(&self) -> &Output {
        self.output
    }

    /// Asks, and prints the text as it arrives. The completion is given back.
    pub(super) async fn print_text(
        &self,
        conversation: &Conversation,
    ) -> Result<Completion, Failure> {
        let mut printed = Printed::default();
        let result = self.ask(conversation, &mut printed).await;
        if let Err(Failure::Call(error)) = &result {
            self.print_partial(error, &mut printed).await?;
        }
        if printed.mid_line {
            self.output.text("\n").await?;
        }
        let answered = result?;
        self.remark(&answered.completion);
        self.remark_end(&answered.completion);
        self.print_facts(&answered);
        Ok(answered.completion)
    }

    /// Asks, and prints the answer as one JSON object.
    pub(super) async fn print_object(&self, conversation: &Conversation) -> Result<(), Failure> {
        let answered = self.ask(conversation, &mut Printed::default()).await?;
        self.remark_end(&answered.completion);
        self.print_facts(&answered);
        self.output.object(&Answer::of(&answered)).await
    }

    pub(super) async fn close(&self) -> Result<(), Failure> {
        Ok(self.client.close().await?)
    }

    async fn ask(
        &self,
        conversation: &Conversation,
        printed: &mut Printed,
    ) -> Result<Answered, Failure> {
        let start = Instant::now();
        let since = || Instant::now().saturating_duration_since(start);
        let request = Request::new("", conversation).with_options(Arc::clone(&self.options));
        let mut indicator = Indicator::new(self.output);
        let call = self.client.call(request.with_stream(self.stream));
        let (head, mut body) = indicator.during(call).await?.into_parts();
        let mut whole = Accumulator::new(&head);
        let (mut first, mut after, mut seams) = (None, 0, Vec::new());
        while let Some(event) = indicator.during(body.next()).await {
            let event = event?;
            if event.is_content() && self.stream {
                first.get_or_insert_with(since);
            }
            if let Event::Text(text) = &event {
                after += text.chars().count();
            }
            match &event {
                Event::Text(text) | Event::Refusal(text) => {
                    indicator.wipe();
                    self.print_piece(text, printed).await?;
                }
                Event::Seam(seam) => {
                    indicator.wipe();
                    seams.push(Mended::of(seam, after));
                    self.print_seam(seam).await;
                }
                Event::Reasoning(_) => indicator.label("thinking"),
                _ => {}
            }
            whole.push(event);
        }
        Ok(Answered {
            completion: whole.finish()?,
            head,
            latency: since(),
            first,
            seams,
        })
    }

    /// Says that somebody else goes on.
    async fn print_seam(&self, seam: &Seam) {
        if self.output.json() {
            return;
        }
        self.output.end_line().await;
        let (provider, model) = (seam.provider(), seam.model());
        self.output
            .notice(&format!("answer goes on from {provider} ({model})"));
    }

    async fn print_piece(&self, text: &str, printed: &mut Printed) -> Result<(), Failure> {
        if self.output.json() || text.is_empty() {
            return Ok(());
        }
        printed.any = true;
        printed.mid_line = !text.ends_with('\n');
        self.output.text(text).await
    }

    /// What an answer that broke off had brought, unless it was printed as it came.
    async fn print_partial(&self, error: &Error, printed: &mut Printed) -> Result<(), Failure> {
        match error.partial() {
            Some(partial) if !printed.any => self.print_piece(&partial.text(), printed).await,
            _ => Ok(()),
        }
    }

    /// Says on standard error what the text alone does not show.
    fn remark(&self, completion: &Completion) {
        let output = self.output;
        for call in completion.tool_calls() {
            let (name, arguments) = (call.name(), call.arguments());
            output.notice(&format!(
                "the model asks for the tool {name} with {arguments}; `chat` runs no tools"
            ));
        }
        let refused = !completion.refusal().is_empty();
        match completion.finish_reason() {
            FinishReason::Refusal => output.notice("the model declined to answer"),
            FinishReason::Stop if refused => output.notice("the model declined to answer"),
            FinishReason::Length => {
                output.notice("the answer was cut at the limit of output tokens (--max-tokens)");
            }
            FinishReason::ContentFilter => {
                output.notice("the answer was cut by the provider's content filter");
            }
            FinishReason::Pause => output.notice("the provider paused the answer before its end"),
            FinishReason::Stop if completion.is_empty() => output.notice("the answer is empty"),
            _ => {}
        }
    }

    /// Says on standard error that nobody knows whether the answer is whole.
    fn remark_end(&self, completion: &Completion) {
        let FinishReason::Other(word) = completion.finish_reason() else {
            return;
        };
        let why = if word.as_str() == NO_REASON {
            "the provider gave no reason why the answer ended (finish_reason)".to_owned()
        } else {
            format!("the provider gave an unknown reason why the answer ended, `{word}`")
        };
        self.output
            .notice(&format!("{why}: the answer may not be whole"));
    }

    /// The facts around an answer, with `-v`.
    fn print_facts(&self, answered: &Answered) {
        if self.output.verbose() == 0 {
            return;
        }
        let Answered {
            completion, head, ..
        } = answered;
        journey::print(head.journey(), self.output);
        let mut facts = vec![
            format!("provider {}", completion.provider()),
            format!("model {}", completion.model()),
            format!("finish {}", completion.finish_reason()),
        ];
        facts.extend(head.request_id().map(|id| format!("request {id}")));
        facts.push(match answered.first {
            Some(first) => format!(
                "{} ms, first after {} ms",
                answered.latency.as_millis(),
                first.as_millis()
            ),
            None => format!("{} ms", answered.latency.as_millis()),
        });
        if head.attempts() > 1 {
            facts.push(format!("{} attempts", head.attempts()));
        }
        if let Some(usage) = completion.usage() {
            facts.push(format!("tokens {}", UsageObject::of(Some(usage))));
        }
        facts.extend(journey::cost(head.journey()).map(|cost| format!("cost {cost}")));
        self.output.notice(&facts.join(" · "));
        if let Some(limits) = limits(head) {
            self.output.notice(&format!("limits: {limits}"));
        }
        if self.output.verbose() > 1 {
            print_headers(head, self.output);
        }
    }
}

// === impl Mended ===

impl Mended {
    fn of(seam: &Seam, after: usize) -> Self {
        Self {
            provider: seam.provider().to_string(),
            model: seam.model().to_string(),
            after,
        }
    }
}

/// What the provider says about its limits, where it says something.
fn limits(head: &Head) -> Option<String> {
    let limits = head.rate_limits();
    let rows = [
        ("requests", limits.requests),
        ("tokens", limits.tokens),
        ("input tokens", limits.input_tokens),
        ("output tokens", limits.output_tokens),
    ];
    let rows: Vec<String> = rows
        .iter()
        .filter_map(|(name, limit)| row(name, *limit))
        .collect();
    (!rows.is_empty()).then(|| rows.join(", "))
}

fn row(name: &str, limit: RateLimit) -> Option<String> {
    let remaining = limit.remaining?;
    let of = limit
        .limit
        .map(|limit| format!(" of {limit}"))
        .unwrap_or_default();
    let reset = limit
        .reset
        .map(|wait| format!(" (full in {wait:?})"))
        .unwrap_or_default();
    Some(format!("{remaining}{of} {name} left{reset}"))
}

/// The headers of the answer that are about the call. No other: one may hold a cookie.
fn print_headers(head: &Head, output: &Output) {
    const SHOWN: [&str; 9] = [
        "cf-ray",
        "content-type",
        "date",
        "openai-processing-ms",
        "openai-version",
        "request-id",
        "retry-after",
        "server",
        "x-request-id",
    ];
    for (name, value) in head.headers() {
        let shown = SHOWN.contains(&name.as_str()) || name.as_str().contains("ratelimit");
        if let (true, Ok(value)) = (shown, value.to_str()) {
            output.notice(&format!("{name}: {value}"));
        }
    }
}
