//! Files of the contract as parts of the wire.

use super::message::misplaced;
use crate::{
    Flavor,
    flavor::Files,
    wire::request::{FileBody, PartBody},
};
use std::borrow::Cow;
use towline_core::{Error, ErrorKind, File, FileSource, Role};

/// A file as a part of a chat message.
///
/// Source: <https://platform.openai.com/docs/guides/pdf-files>,
/// <https://openrouter.ai/docs/features/multimodal/pdfs>,
/// <https://docs.mistral.ai/capabilities/document_ai>, read in November 2026, and recorded exchanges.
pub(crate) fn chat(flavor: Flavor, role: Role, file: &File) -> Result<PartBody<'_>, Error> {
    check_role(role)?;
    let files = flavor.traits().files;
    match (files, file.source()) {
        (Files::Never, _) => Err(refuse(flavor, "a file", "it takes none; send its text")),
        (Files::DocumentUrl, FileSource::Url(url)) => Ok(document(Cow::Borrowed(url))),
        (Files::DocumentUrl, FileSource::Base64(data)) => Ok(document(data_url(file, data)?)),
        (Files::Part | Files::PartOrUrl, FileSource::Base64(data)) => {
            Ok(part(by_value(file, data_url(file, data)?)))
        }
        // A `data:` URL is no address, but the content itself.
        (Files::Part, FileSource::Url(url)) if url.starts_with("data:") => {
            Ok(part(by_value(file, Cow::Borrowed(url))))
        }
        (Files::PartOrUrl, FileSource::Url(url)) => Ok(part(by_value(file, Cow::Borrowed(url)))),
        (Files::Part, FileSource::Url(_)) => Err(refuse(
            flavor,
            "a file by address",
            "this API fetches none; send its bytes, or ask through the Responses API",
        )),
        (Files::Part, FileSource::Id(id)) => Ok(part(by_id(id))),
        (_, FileSource::Id(_)) => Err(refuse(
            flavor,
            "a file by its id",
            "it keeps no files; send its bytes or its address",
        )),
        _ => Err(refuse(
            flavor,
            "a file",
            "it comes from a source unknown here",
        )),
    }
}

/// A file as a part of an item of the Responses API.
///
/// Source: <https://platform.openai.com/docs/guides/pdf-files>, read in November 2026, and recorded
/// exchanges.
#[cfg(feature = "responses")]
pub(crate) fn responses(flavor: Flavor, role: Role, file: &File) -> Result<FileBody<'_>, Error> {
    check_role(role)?;
    if flavor.traits().files == Files::Never {
        return Err(refuse(flavor, "a file", "it takes none; send its text"));
    }
    match file.source() {
        FileSource::Base64(data) => Ok(by_value(file, data_url(file, data)?)),
        FileSource::Url(url) if url.starts_with("data:") => Ok(by_value(file, Cow::Borrowed(url))),
        // A name beside an address is refused.
        FileSource::Url(url) => Ok(FileBody {
            file_url: Some(url),
            ..FileBody::default()
        }),
        FileSource::Id(id) => Ok(by_id(id)),
        _ => Err(refuse(
            flavor,
            "a file",
            "it comes from a source unknown here",
        )),
    }
}

fn check_role(role: Role) -> Result<(), Error> {
    if role == Role::User {
        return Ok(());
    }
    Err(misplaced("a file", "only in user messages"))
}

const fn part(file: FileBody<'_>) -> PartBody<'_> {
    PartBody::File { file }
}

const fn document(document_url: Cow<'_, str>) -> PartBody<'_> {
    PartBody::DocumentUrl { document_url }
}

/// Content goes with a name, which the API wants.
fn by_value<'a>(file: &'a File, data: Cow<'a, str>) -> FileBody<'a> {
    let name = file.name().map(Cow::Borrowed);
    FileBody {
        filename: Some(name.unwrap_or_else(|| made_up_name(file.media_type()))),
        file_data: Some(data),
        ..FileBody::default()
    }
}

fn by_id(id: &str) -> FileBody<'_> {
    FileBody {
        file_id: Some(id),
        ..FileBody::default()
    }
}

/// A name that says the kind, by which the server knows how to read it.
fn made_up_name(media_type: Option<&str>) -> Cow<'static, str> {
    let end = match media_type {
        None | Some("application/pdf") => "pdf",
        Some("text/plain") => "txt",
        Some("text/markdown") => "md",
        Some(other) => {
            let subtype = other.rsplit(['/', '+', '.']).next().unwrap_or(other);
            return Cow::Owned(format!("document.{subtype}"));
        }
    };
    Cow::Owned(format!("document.{end}"))
}

fn data_url<'a>(file: &File, data: &str) -> Result<Cow<'a, str>, Error> {
    let media_type = file.media_type().ok_or_else(|| {
        Error::new(ErrorKind::InvalidRequest).with_message(
            "the conversation holds a file by value that does not say its kind; `File::with_media_type` does",
        )
    })?;
    Ok(Cow::Owned(format!("data:{media_type};base64,{data}")))
}

fn refuse(flavor: Flavor, what: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported).with_message(format!(
        "the conversation holds {what}, which cannot be sent to `{}`: {why}",
        flavor.name()
    ))
}

#[cfg(test)]
#[cfg(feature = "responses")]
mod tests;
