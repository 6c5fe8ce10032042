//! What goes wrong.

use super::{Suite, Verdict, hold};
use std::time::Duration;
use tower_service::Service;
use towline_core::{Error, ErrorKind, Event, Request, Response};

/// The text behind `cut the stream` and `hang up`.
const LONG: &str = "This reply is long enough to be cut off in the middle, wherever that may be: one, \
two, three, four, five, six, seven, eight, nine, ten, and so on.";

/// Statuses and what they are; the words come with the answers.
const STATUSES: &[(&str, ErrorKind, u16, &str)] = &[
    (
        "error 400",
        ErrorKind::InvalidRequest,
        400,
        "no such option",
    ),
    ("error 401", ErrorKind::Auth, 401, "wrong key"),
    ("error 429", ErrorKind::RateLimit, 429, "slow down"),
    ("error 503", ErrorKind::Overloaded, 503, "not now"),
    ("error 529", ErrorKind::Overloaded, 529, "Overloaded"),
    (
        "refuse me",
        ErrorKind::Server,
        500,
        "Chaos: request dropped",
    ),
    (
        "limit me",
        ErrorKind::RateLimit,
        429,
        "Chaos: rate limit exceeded",
    ),
];

impl<S> Suite<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone,
{
    /// Each status is an error of its kind with the words of the server, asked for either way.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn statuses_are_errors_of_their_kind(&self) -> Verdict {
        for (prompt, kind, status, words) in STATUSES {
            for error in self.failures(prompt).await? {
                let found = (error.kind(), error.status());
                hold(found == (*kind, Some(*status)), || {
                    format!("{prompt}: {error:?}")
                })?;
                let said = error
                    .message()
                    .is_some_and(|message| message.contains(words));
                hold(said, || format!("{prompt}: {error:?}"))?;
            }
        }
        Ok(())
    }

    /// The wait of the header, and leave to try again.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn a_rate_limit_has_its_wait(&self) -> Verdict {
        for (prompt, seconds) in [("error 429", 7), ("limit me", 1)] {
            for error in self.failures(prompt).await? {
                let wait = error.retry_after() == Some(Duration::from_secs(seconds));
                hold(wait && error.is_retryable(), || {
                    format!("{prompt}: {error:?}")
                })?;
            }
        }
        Ok(())
    }

    /// The call after a failed one goes well, over the same connection or another.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn a_client_is_good_after_a_failure(&self) -> Verdict {
        for prompt in ["error 503", "cut the stream", "drop me", "garble"] {
            let failed = self.collected(prompt).await.is_err();
            hold(failed, || format!("{prompt}: no error"))?;
            for answer in self.both("be slow").await? {
                hold(answer.text() == "slow but whole", || format!("{answer:?}"))?;
            }
        }
        Ok(())
    }

    /// A stream that is cut after some pieces.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn a_cut_stream_is_an_error_with_what_had_arrived(&self) -> Verdict {
        self.breaks_off("cut the stream").await
    }

    /// A connection that the server closes when a time is over.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn a_connection_that_ends_in_time_is_no_end_of_an_answer(&self) -> Verdict {
        self.breaks_off("hang up").await
    }

    /// No status, no head: the connection is gone.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn a_connection_that_closes_without_an_answer_is_an_error(&self) -> Verdict {
        for error in self.failures("drop me").await? {
            let transport = error.kind() == ErrorKind::Transport && error.status().is_none();
            hold(transport && error.is_retryable(), || format!("{error:?}"))?;
        }
        Ok(())
    }

    /// Broken JSON under a good status, also where a stream was asked for.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn garbage_under_status_200_is_no_answer(&self) -> Verdict {
        let [whole, streamed] = self.failures("garble").await?;
        hold(whole.kind() == ErrorKind::Protocol, || format!("{whole:?}"))?;
        // In a stream of lines it cannot be told from a line that was cut.
        let kinds = [ErrorKind::Protocol, ErrorKind::Truncated];
        hold(kinds.contains(&streamed.kind()), || format!("{streamed:?}"))
    }

    /// The errors of a call that fails, asked for either way.
    async fn failures(&self, prompt: &str) -> Result<[Error; 2], String> {
        let whole = self.whole(prompt).await.err();
        let streamed = self.collected(prompt).await.err();
        let errors = whole.zip(streamed);
        let (whole, streamed) = errors.ok_or_else(|| format!("{prompt}: no error"))?;
        Ok([whole, streamed])
    }

    /// The stream ends in an error that holds what had arrived, and nothing says that it was done.
    async fn breaks_off(&self, prompt: &str) -> Verdict {
        let streamed = self.streamed(prompt).await;
        let streamed = streamed.map_err(|error| error.report().to_string())?;
        let events = streamed.events;
        let finished = events.iter().any(|event| matches!(event, Event::Finish(_)));
        hold(!finished, || format!("{prompt}: a finish in {events:?}"))?;
        let text: String = events.iter().filter_map(Event::as_text).collect();
        let arrived = !text.is_empty() && text.len() < LONG.len() && LONG.starts_with(&text);
        hold(arrived, || format!("{prompt}: {text:?}"))?;
        let error = streamed.error.ok_or("no error")?;
        hold(error.kind() == ErrorKind::Truncated, || {
            format!("{error:?}")
        })?;
        let error = match self.collected(prompt).await {
            Ok(answer) => return Err(format!("{prompt}: {answer:?}")),
            Err(error) => error,
        };
        let partial = error.partial().map(|partial| partial.text().into_owned());
        let held = partial.is_some_and(|text| !text.is_empty() && LONG.starts_with(&text));
        hold(held, || format!("{prompt}: partial of {error:?}"))
    }
}
