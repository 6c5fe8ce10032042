//! `towline chat`.

mod answer;
mod json;
mod repl;

use self::answer::Asker;
use crate::{
    args::{Args, ChatArgs},
    failure::Failure,
    output::Output,
    session,
};
use std::io::IsTerminal;
use tokio::io::AsyncReadExt;
use towline_core::{CompletionOptions, Conversation, Image, Message, Part, Role};

pub(crate) async fn run(args: &Args, chat: &ChatArgs, output: &Output) -> Result<(), Failure> {
    // What is wrong on the command line is told before anything of the settings.
    let images = images(chat)?;
    let client = session::client(args, chat.model.as_deref(), output).await?;
    let asker = Asker::new(client, options(chat), !chat.no_stream, output);
    let opening = opening(chat);
    if chat.is_interactive() {
        return repl::run(&asker, opening, images).await;
    }
    let prompt = prompt(chat, output).await?;
    let conversation = opening.with(question(&prompt, images));
    let result = if chat.json {
        asker.print_object(&conversation).await
    } else {
        asker.print_text(&conversation).await.map(drop)
    };
    result?;
    asker.close().await
}

/// All of standard input.
pub(crate) async fn stdin() -> Result<String, Failure> {
    let mut input = String::new();
    let read = tokio::io::stdin().read_to_string(&mut input).await;
    read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    Ok(input)
}

/// The words of the command line, with standard input in the place of `-`.
async fn prompt(chat: &ChatArgs, output: &Output) -> Result<String, Failure> {
    let mut prompt = String::new();
    let words = chat.prompt.iter().map(String::as_str);
    let from_stdin = chat.prompt.is_empty().then_some("-");
    if std::io::stdin().is_terminal()
        && (from_stdin.is_some() || chat.prompt.iter().any(|w| w == "-"))
    {
        output.notice("type the prompt; Ctrl-D ends it");
    }
    for word in words.chain(from_stdin) {
        let (gap, text) = match word {
            "-" => ("\n\n", stdin().await?),
            word => (
                if prompt.ends_with('\n') { "" } else { " " },
                word.to_owned(),
            ),
        };
        if !prompt.is_empty() {
            prompt.push_str(gap);
        }
        prompt.push_str(&text);
    }
    if prompt.trim().is_empty() {
        return Err(Failure::usage(
            "the prompt is empty: give it as an argument or on standard input",
        ));
    }
    Ok(prompt.trim_end_matches('\n').to_owned())
}

fn options(chat: &ChatArgs) -> CompletionOptions {
    let mut options = CompletionOptions::new();
    if let Some(temperature) = chat.temperature {
        options = options.with_temperature(temperature);
    }
    if let Some(tokens) = chat.max_tokens {
        options = options.with_max_tokens(tokens);
    }
    options
}

fn opening(chat: &ChatArgs) -> Conversation {
    chat.system
        .as_deref()
        .map(Message::system)
        .into_iter()
        .collect()
}

fn images(chat: &ChatArgs) -> Result<Vec<Image>, Failure> {
    chat.image.iter().map(|place| image(place)).collect()
}

fn image(place: &str) -> Result<Image, Failure> {
    if place.starts_with("http://") || place.starts_with("https://") {
        return Ok(Image::url(place));
    }
    let bytes = towline_config::read_named_file("--image", place)?;
    let wrong = |_| Failure::usage(format!("{place} is none of PNG, JPEG, GIF and WebP"));
    Image::from_bytes(&bytes).map_err(wrong)
}

/// What the person says, with what they show.
fn question(prompt: &str, images: impl IntoIterator<Item = Image>) -> Message {
    let mut parts = vec![Part::from(prompt)];
    parts.extend(images.into_iter().map(Part::from));
    Message::new(Role::User, parts)
}
