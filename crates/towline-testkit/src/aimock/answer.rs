//! What goes well.

use super::{Suite, Verdict, hold};
use serde_json::{Value, json};
use tower_service::Service;
use towline_core::{
    Completion, Conversation, Error, Event, FinishReason, Message, Part, Request, Response,
};

/// The text behind `say hello`.
const HELLO: &str = "Hello there, a reply of some length with ünïcode — and 日本語.";

impl<S> Suite<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone,
{
    /// Text, model, finish and usage; and a stream comes in pieces.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn a_whole_and_a_streamed_answer_say_the_same(&self) -> Verdict {
        for answer in self.both("say hello").await? {
            hold(answer.text() == HELLO, || format!("text: {answer:?}"))?;
            let stopped = *answer.finish_reason() == FinishReason::Stop;
            hold(stopped, || format!("finish: {answer:?}"))?;
            hold(answer.model() == self.mock.model, || {
                format!("model: {answer:?}")
            })?;
            let usage = answer.usage().map(|usage| (usage.input(), usage.output()));
            let expected = Some((Some(11), Some(22)));
            hold(!self.mock.usage || usage == expected, || {
                format!("usage: {answer:?}")
            })?;
        }
        let streamed = self.streamed("say hello").await;
        let streamed = streamed.map_err(|error| error.report().to_string())?;
        let pieces = streamed.events.iter().filter_map(Event::as_text);
        hold(pieces.count() > 5, || format!("{:?}", streamed.events))?;
        let finish = streamed.events.last();
        hold(finish == Some(&Event::Finish(FinishReason::Stop)), || {
            format!("last event: {finish:?}")
        })
    }

    /// Two calls in fragments, and the conversation goes on with their results.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn calls_in_parallel_arrive_whole_and_their_results_go_back(&self) -> Verdict {
        for answer in self.both("call both").await? {
            let paris = json!({"city": "Paris", "days": [1, 2, 3]});
            self.calls(
                &answer,
                &[("call_a", paris), ("call_b", json!({"city": "Oslo"}))],
            )?;
            let ids: Vec<_> = answer
                .tool_calls()
                .map(|call| call.id().to_owned())
                .collect();
            let mut conversation = Conversation::from("call both").with(answer.into_message());
            let results = ids.iter().map(|id| Message::tool(id.as_str(), "9 degrees"));
            conversation.extend(results);
            for answer in self.both(conversation).await? {
                hold(answer.text() == "Both are known now.", || {
                    format!("{answer:?}")
                })?;
            }
        }
        Ok(())
    }

    /// What the model says before it calls stands before the call.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn text_and_calls_of_one_turn_keep_their_order(&self) -> Verdict {
        for answer in self.both("first talk, then act").await? {
            hold(answer.text() == "Let me look.", || format!("{answer:?}"))?;
            self.calls(&answer, &[("call_c", json!({"city": "Rome"}))])?;
            let said = answer.parts().iter();
            let said = said.filter(|part| !matches!(part, Part::Reasoning(_)));
            let calls: Vec<_> = said.map(Part::as_tool_call).collect();
            let ordered = matches!(calls.as_slice(), [None, Some(_)]);
            hold(ordered, || format!("{answer:?}"))?;
        }
        Ok(())
    }

    /// Reasoning and text are two things, in both ways.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn reasoning_is_told_from_text(&self) -> Verdict {
        for answer in self.both("think first").await? {
            hold(answer.text() == "42", || format!("{answer:?}"))?;
            let thought = answer.reasoning() == "Let me think about that.";
            hold(thought || !self.mock.reasoning, || format!("{answer:?}"))?;
        }
        Ok(())
    }

    /// Pauses before and between the pieces change nothing.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub async fn a_slow_answer_is_waited_for(&self) -> Verdict {
        for answer in self.both("be slow").await? {
            hold(answer.text() == "slow but whole", || format!("{answer:?}"))?;
        }
        Ok(())
    }

    /// Whether the answer ends in these calls of `weather`.
    fn calls(&self, answer: &Completion, expected: &[(&str, Value)]) -> Verdict {
        let wrong = || format!("calls: {answer:?}");
        hold(*answer.finish_reason() == FinishReason::ToolCalls, wrong)?;
        let found: Vec<_> = answer.tool_calls().collect();
        hold(found.len() == expected.len(), wrong)?;
        for (call, (id, arguments)) in found.iter().zip(expected) {
            hold(call.name() == "weather", wrong)?;
            hold(
                call.parse_arguments()
                    .is_ok_and(|found| found == *arguments),
                wrong,
            )?;
            let same_id = call.id() == *id;
            hold(
                same_id || !self.mock.call_ids && !call.id().is_empty(),
                wrong,
            )?;
        }
        Ok(())
    }
}
