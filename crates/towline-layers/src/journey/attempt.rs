//! What each call to a provider did and used.

use crate::ask::Ask;
use pin_project_lite::pin_project;
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{
    Answer, AttemptId, Ending, Error, Event, Journey, Metered, Moment, Outcome, Prices, Text,
    Usage, Watch,
};

/// Writes down each attempt. The [module docs](super) say where it goes.
#[derive(Clone, Debug)]
pub struct AttemptLayer {
    shared: Arc<Shared>,
}

/// The service that [`AttemptLayer`] makes.
#[derive(Clone, Debug)]
pub struct Attempt<S> {
    inner: S,
    shared: Arc<Shared>,
}

/// Who is asked, and what he charges.
#[derive(Clone, Debug)]
struct Shared {
    provider: Text,
    /// By model.
    prices: BTreeMap<String, Arc<Prices>>,
}

pin_project! {
    /// The future that [`Attempt`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the attempt, which is written down as dropped.
    #[derive(Debug)]
    pub struct AttemptFuture<F> {
        #[pin]
        call: F,
        entry: Option<Entry>,
    }
}

/// The line of an attempt in the record. Whatever happens it is closed once.
#[derive(Debug)]
struct Entry {
    journey: Journey,
    id: AttemptId,
    open: bool,
    begun: bool,
    /// Whether the answer was there at once.
    whole: bool,
    /// Tokens of the input, as estimated.
    input: u64,
    /// Bytes that were delivered.
    bytes: u64,
    /// Of the model that is asked, where they are known.
    prices: Option<Arc<Prices>>,
}

// === impl AttemptLayer ===

impl AttemptLayer {
    /// Writes attempts down under the name of `provider`.
    #[must_use]
    pub fn new(provider: impl Into<Text>) -> Self {
        Self {
            shared: Arc::new(Shared {
                provider: provider.into(),
                prices: BTreeMap::new(),
            }),
        }
    }

    /// Writes down what an attempt at `model`, as the request names it here, costs. Default: not known, which
    /// makes the cost of the whole call unknown ([`Journey::cost`]). Where the provider does not say what it
    /// used, or not of all of it, the cost is an estimate, as the tokens are.
    #[must_use]
    pub fn with_prices(mut self, model: impl Into<String>, prices: Prices) -> Self {
        let shared = Arc::make_mut(&mut self.shared);
        shared.prices.insert(model.into(), Arc::new(prices));
        self
    }
}

impl<S> Layer<S> for AttemptLayer {
    type Service = Attempt<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Attempt {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

// === impl Attempt ===

impl<S, Req> Service<Req> for Attempt<S>
where
    S: Service<Req, Error = Error>,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = AttemptFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        AttemptFuture {
            entry: Entry::of(&self.shared, &request, &Moment::new()),
            call: self.inner.call(request),
        }
    }
}

impl<S, Req> Ask<Req> for Attempt<S>
where
    S: Ask<Req, Answer: Answer>,
    Req: Metered,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        request: Req,
        moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let entry = Entry::of(&self.shared, &request, &moment);
            let result = self.inner.ask_at(request, moment).await;
            match entry {
                Some(entry) => entry.follow(result),
                None => result,
            }
        }
    }
}

// === impl AttemptFuture ===

impl<F, A> Future for AttemptFuture<F>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.call.poll(cx));
        Poll::Ready(match this.entry.take() {
            Some(entry) => entry.follow(result),
            None => result,
        })
    }
}

// === impl Entry ===

impl Entry {
    /// A new line, where the call is written down.
    fn of<Req: Metered>(shared: &Shared, request: &Req, moment: &Moment) -> Option<Self> {
        let journey = request.context().journey()?.clone();
        let hedge = request.context().is_hedge();
        let model = request.model_text().clone();
        let prices = shared.prices.get(model.as_str()).cloned();
        let id = journey.begin_attempt(shared.provider.clone(), model, hedge, moment.now());
        Some(Self {
            journey,
            id,
            open: true,
            begun: false,
            whole: false,
            input: request.estimated_input(),
            bytes: 0,
            prices,
        })
    }

    /// An error closes it; an answer is followed to its end.
    fn follow<A: Answer>(mut self, result: Result<A, Error>) -> Result<A, Error> {
        match result {
            Ok(mut answer) => {
                self.whole = answer.is_whole();
                self.bytes = answer.content_bytes();
                answer.watch(self);
                Ok(answer)
            }
            Err(error) => {
                self.fail(&error);
                Err(error)
            }
        }
    }

    #[cold]
    fn fail(mut self, error: &Error) {
        self.close(Outcome::Failed(error.kind()), None, &Moment::new());
    }

    fn begin(&mut self, moment: &Moment) {
        if !self.begun {
            self.begun = true;
            self.journey.first_token(self.id, moment.now());
        }
    }

    fn close(&mut self, outcome: Outcome, usage: Option<&Usage>, moment: &Moment) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        let now = moment.now();
        match outcome {
            Outcome::Whole if self.whole => self.journey.whole_attempt(self.id, usage, now),
            _ => self.journey.end_attempt(self.id, outcome, usage, now),
        }
        self.settle(outcome, usage);
    }

    /// Writes down what was used where the provider did not tell all of it, and what it costs. What was told of
    /// an answer that is not whole is of its beginning.
    fn settle(&self, outcome: Outcome, usage: Option<&Usage>) {
        match usage {
            Some(all) if outcome == Outcome::Whole && all.total().is_some() => self.price(all),
            told => self.estimate(told),
        }
    }

    #[cold]
    fn estimate(&self, told: Option<&Usage>) {
        let guess = self.guess(told);
        if let Some(tokens) = guess.total() {
            self.journey.estimate(self.id, tokens);
        }
        self.price(&guess);
    }

    fn price(&self, used: &Usage) {
        let prices = self.prices.as_ref();
        if let Some(cost) = prices.and_then(|prices| prices.cost(used)) {
            self.journey.price(self.id, cost);
        }
    }

    /// What was probably used: of the input what was said, else what was estimated before the call; of the
    /// output what was said, and at least what came.
    fn guess(&self, usage: Option<&Usage>) -> Usage {
        let said = usage.cloned().unwrap_or_default();
        // Some say none at first and the real number at the end.
        let input = said.input().filter(|tokens| *tokens > 0);
        let input = input.unwrap_or(self.input);
        // Four bytes a token, as everywhere where nobody has counted.
        let output = said.output().unwrap_or(0).max(self.bytes / 4);
        said.with_input(input).with_output(output)
    }
}

impl Watch for Entry {
    fn on_event(&mut self, event: &Event, moment: &Moment) -> Result<(), Error> {
        if event.is_content() {
            self.begin(moment);
            self.bytes = self.bytes.saturating_add(size(event));
        }
        Ok(())
    }

    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, moment: &Moment) {
        let outcome = match ending {
            Ending::Whole(_) => Outcome::Whole,
            Ending::Failed(error) => Outcome::Failed(error.kind()),
            _ => Outcome::Dropped,
        };
        self.close(outcome, usage, moment);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.close(Outcome::Dropped, None, &Moment::new());
    }
}

/// Bytes of content in `event`.
fn size(event: &Event) -> u64 {
    let bytes = match event {
        Event::Text(text) | Event::Refusal(text) => text.len(),
        Event::Reasoning(delta) => delta.text().len(),
        Event::ToolCall(delta) => delta.arguments().len(),
        _ => 0,
    };
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
