//! A conversation on the terminal.

use super::{answer::Asker, question};
use crate::{
    failure::{Failure, in_words},
    signal,
};
use rustyline::{DefaultEditor, error::ReadlineError};
use towline_core::{Conversation, Image};

const HELP: &str = "/clear forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C ends an answer";

/// Asks what is typed until the person leaves. What fails is told, and the conversation goes on
/// without it.
pub(super) async fn run(
    asker: &Asker<'_>,
    opening: Conversation,
    mut images: Vec<Image>,
) -> Result<(), Failure> {
    asker.output().notice(HELP);
    let mut conversation = opening.clone();
    let mut editor = DefaultEditor::new().map_err(|error| unusable(&error))?;
    loop {
        let line;
        asker.output().prompting(true);
        (editor, line) = read(editor).await?;
        asker.output().prompting(false);
        let line = match line {
            Ok(line) => line,
            // Ctrl-C at the prompt throws the line away.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return asker.close().await,
            Err(error) => return Err(unusable(&error)),
        };
        match line.trim() {
            "" => {}
            "/exit" | "/quit" => return asker.close().await,
            "/help" => asker.output().notice(HELP),
            "/clear" => conversation = opening.clone(),
            prompt => {
                let asked = conversation.clone().with(question(prompt, images.clone()));
                if let Some(answered) = turn(asker, asked).await? {
                    conversation = answered;
                    images.clear();
                }
            }
        }
    }
}

/// One question and its answer. `None` when there is none to keep.
async fn turn(
    asker: &Asker<'_>,
    conversation: Conversation,
) -> Result<Option<Conversation>, Failure> {
    let result = tokio::select! {
        biased;
        result = asker.print_text(&conversation) => result,
        () = signal::interrupted() => {
            asker.output().end_line().await;
            asker.output().notice("cancelled");
            return Ok(None);
        }
    };
    match result {
        // An answer without content cannot stand in a conversation.
        Ok(completion) if completion.is_empty() => Ok(None),
        Ok(completion) if completion.tool_calls().next().is_some() => Ok(None),
        Ok(completion) => Ok(Some(conversation.with(completion.into_message()))),
        Err(Failure::Call(error)) => {
            in_words(&error, asker.output());
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Reads a line on a thread of its own: the editor waits for the terminal.
async fn read(
    mut editor: DefaultEditor,
) -> Result<(DefaultEditor, rustyline::Result<String>), Failure> {
    let reading = tokio::task::spawn_blocking(move || {
        let line = editor.readline("> ");
        if let Ok(line) = &line {
            // A line that is not remembered is no reason to fail.
            let _added = editor.add_history_entry(line.as_str());
        }
        (editor, line)
    });
    reading
        .await
        .map_err(|error| Failure::usage(format!("the terminal cannot be read: {error}")))
}

fn unusable(error: &ReadlineError) -> Failure {
    Failure::usage(format!("the terminal cannot be used: {error}"))
}
