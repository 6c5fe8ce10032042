//! A conversation that one provider began goes on with another, for every pair of them.

mod body;
mod server;

use self::{
    body::{Item, expected, numbered, read},
    server::{Answer, Server},
};
use proptest::{collection::vec, prelude::*, sample::select};
use towline_core::{
    Conversation, Error, ErrorKind, File, Message, Part, Request, Role, ToolResult, ToolSpec,
};

/// Who answers: a provider, by the API through which it is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Chat,
    Responses,
    Anthropic,
    Ollama,
    Azure,
}

const KINDS: [Kind; 5] = [
    Kind::Chat,
    Kind::Responses,
    Kind::Anthropic,
    Kind::Ollama,
    Kind::Azure,
];

/// A question with what it led to: calls of tools, as often as the model wants, and an answer.
#[derive(Clone, Debug)]
struct Round {
    question: String,
    /// A file beside the question.
    file: Option<Vec<u8>>,
    calls: Vec<CallRound>,
    end: Answer,
}

/// An answer with calls, and how their results come back.
#[derive(Clone, Debug)]
struct CallRound {
    answer: Answer,
    /// All results in one message, and not one in each.
    together: bool,
    /// The last call's result first.
    backwards: bool,
    failed: bool,
}

fn words() -> impl Strategy<Value = String> {
    "[a-z]{1,6}[ -~é\n]{0,12}"
}

fn calling() -> impl Strategy<Value = CallRound> {
    let answer = (
        proptest::option::of(words()),
        proptest::option::of(words()),
        vec(any::<i32>(), 1..4),
        any::<u8>(),
    );
    let answer = answer.prop_map(|(thought, text, calls, id_style)| Answer {
        thought,
        text,
        refused: false,
        calls,
        id_style,
    });
    (answer, any::<[bool; 3]>()).prop_map(|(answer, [together, backwards, failed])| CallRound {
        answer,
        together,
        backwards,
        failed,
    })
}

fn ending() -> impl Strategy<Value = Answer> {
    (proptest::option::of(words()), words(), any::<bool>()).prop_map(|(thought, text, refused)| {
        Answer {
            thought,
            text: Some(text),
            refused,
            calls: Vec::new(),
            id_style: 0,
        }
    })
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let file = proptest::option::weighted(0.2, vec(any::<u8>(), 0..20));
    let round = (words(), file, vec(calling(), 0..3), ending());
    let round = round.prop_map(|(question, file, calls, end)| Round {
        question,
        file,
        calls,
        end,
    });
    vec(round, 1..4)
}

fn results(calling: &CallRound, message: &Message) -> Vec<Message> {
    let mut results: Vec<ToolResult> = message
        .tool_calls()
        .map(|call| {
            let content = format!("result of {}", call.arguments());
            if calling.failed {
                ToolResult::error(call.id(), content)
            } else {
                ToolResult::new(call.id(), content)
            }
        })
        .collect();
    if calling.backwards {
        results.reverse();
    }
    if calling.together {
        let parts = results.into_iter().map(Part::from).collect();
        return vec![Message::new(Role::Tool, parts)];
    }
    results.into_iter().map(Message::from).collect()
}

/// A program that talks to one provider first and to another later.
struct Talk {
    conversation: Conversation,
    /// Who answers from the start, and who goes on.
    pair: [Kind; 2],
    /// How many answers the first one gives.
    switch: usize,
    answers: usize,
}

impl Talk {
    fn kind(&self) -> Kind {
        self.pair[usize::from(self.answers >= self.switch)]
    }

    /// Asks whoever is in turn, holds what was sent to the rules, and keeps the answer.
    async fn ask(&mut self, answer: &Answer) -> Result<Message, TestCaseError> {
        let kind = self.kind();
        if kind == Kind::Ollama && has_file(&self.conversation) {
            self.give_up_files(answer).await?;
        }
        let server = Server::new(kind, answer, self.answers);
        self.answers += 1;
        let (completion, sent) = server
            .ask(request(kind, &self.conversation))
            .await
            .map_err(|error| fail(kind, &error))?;
        check(kind, &self.conversation, &sent)?;
        let message = completion.into_message();
        self.conversation.push(message.clone());
        Ok(message)
    }

    /// Who takes no files says so before anything is sent, and goes on once they are taken out.
    async fn give_up_files(&mut self, answer: &Answer) -> Result<(), TestCaseError> {
        let kind = self.kind();
        let server = Server::new(kind, answer, self.answers);
        let refused = server.ask(request(kind, &self.conversation)).await;
        let error = refused.map(drop).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.report());
        let messages = self.conversation.messages().iter();
        self.conversation = messages.map(without_files).collect();
        Ok(())
    }

    async fn round(&mut self, round: &Round) -> Result<(), TestCaseError> {
        let question = Message::user(round.question.clone());
        self.conversation.push(match &round.file {
            Some(bytes) => question.with_part(File::from_bytes("application/pdf", bytes)),
            None => question,
        });
        for calling in &round.calls {
            let message = self.ask(&calling.answer).await?;
            prop_assert_eq!(message.tool_calls().count(), calling.answer.calls.len());
            self.conversation.extend(results(calling, &message));
        }
        self.ask(&round.end).await.map(drop)
    }
}

fn has_file(conversation: &Conversation) -> bool {
    let mut parts = conversation.messages().iter().flat_map(Message::parts);
    parts.any(|part| matches!(part, Part::File(_)))
}

fn without_files(message: &Message) -> Message {
    let parts = message.parts().iter();
    let others = parts.filter(|part| !matches!(part, Part::File(_)));
    Message::new(message.role(), others.cloned().collect())
}

fn request(kind: Kind, conversation: &Conversation) -> Request {
    let schema = serde_json::json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let options = towline_core::CompletionOptions::new().with_tools([
        ToolSpec::new("weather", "The weather.", &schema),
        ToolSpec::new("time", "The time.", &schema),
    ]);
    Request::new(kind.model(), conversation.clone()).with_options(options)
}

fn fail(kind: Kind, error: &Error) -> TestCaseError {
    TestCaseError::fail(format!("{kind:?}: {}", error.report()))
}

/// Holds the body that went to `kind` to what the conversation says.
fn check(kind: Kind, conversation: &Conversation, sent: &[u8]) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(sent);
    let body = serde_json::from_slice(sent)
        .map_err(|error| TestCaseError::fail(format!("{kind:?}: {error} in {text}")))?;
    let items = read(kind, &body)
        .map_err(|problem| TestCaseError::fail(format!("{kind:?}: {problem} in {text}")))?;
    for id in items.iter().filter_map(Item::id) {
        prop_assert!(kind.takes(id), "{:?} does not take the id {}", kind, id);
    }
    for other in KINDS {
        let mark = other.mark();
        let foreign = other != kind && text.contains(&mark);
        prop_assert!(!foreign, "{kind:?} is sent what {other:?} thought: {text}");
    }
    prop_assert_eq!(
        numbered(items),
        numbered(expected(kind, conversation)),
        "{:?}: {}",
        kind,
        text
    );
    Ok(())
}

impl Kind {
    const fn model(self) -> &'static str {
        match self {
            Self::Chat | Self::Azure => "gpt-4o",
            Self::Responses => "gpt-5",
            Self::Anthropic => "claude-sonnet-4-5",
            Self::Ollama => "qwen3",
        }
    }

    /// What all its reasoning begins with.
    fn mark(self) -> String {
        format!("thought of {self:?} ")
    }

    /// Whether an id of a tool call has the form that the API wants.
    fn takes(self, id: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        match self {
            Self::Chat | Self::Azure => (1..=40).contains(&id.len()),
            Self::Responses => (1..=64).contains(&id.len()),
            Self::Anthropic => !id.is_empty() && id.bytes().all(plain),
            Self::Ollama => !id.is_empty(),
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_conversation_goes_on_with_another_provider(
        pair in [select(&KINDS[..]), select(&KINDS[..])],
        rounds in rounds(),
        system in proptest::option::of(words()),
        switch in 0_usize..6,
    ) {
        block_on(async {
            let mut talk = Talk {
                conversation: system.map(Message::system).into_iter().collect(),
                pair,
                switch,
                answers: 0,
            };
            for round in &rounds {
                talk.round(round).await?;
            }
            // And once more, whole, to each of the two.
            talk.conversation.push(Message::user("the last question"));
            for (switch, end) in [(usize::MAX, &rounds[0].end), (0, &rounds[0].end)] {
                let mut again = Talk {
                    conversation: talk.conversation.clone(),
                    switch,
                    ..talk
                };
                again.ask(end).await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}

/// The pairs of the property above are drawn; here each has its turn.
#[test]
fn every_pair_can_hand_over_in_the_middle_of_a_tool_round() {
    let answer = |text: Option<&str>, calls: &[i32], id_style| Answer {
        thought: Some("deep".to_owned()),
        text: text.map(str::to_owned),
        refused: false,
        calls: calls.to_vec(),
        id_style,
    };
    for pair in KINDS.iter().flat_map(|a| KINDS.map(|b| [*a, b])) {
        for id_style in 0..3 {
            let calling = CallRound {
                answer: answer(None, &[1, 2, 3], id_style),
                together: id_style == 0,
                backwards: id_style == 1,
                failed: false,
            };
            let round = Round {
                question: "what now?".to_owned(),
                file: (id_style == 2).then(|| b"%PDF-1.7".to_vec()),
                calls: vec![calling.clone(), calling],
                end: answer(Some("done"), &[], id_style),
            };
            block_on(async {
                let mut talk = Talk {
                    conversation: Conversation::new(),
                    pair,
                    switch: 1,
                    answers: 0,
                };
                for _ in 0..2 {
                    talk.round(&round).await.unwrap();
                }
            });
        }
    }
}
