//! Files as documents.

use super::data_url;
use crate::wire::request::{BlockBody, DocumentBody};
use std::borrow::Cow;
use towline_core::{Error, ErrorKind, File, FileSource};

const PDF: &str = "application/pdf";
const PLAIN: &str = "text/plain";

/// The API takes PDF by value and by address, plain text by value, and what was uploaded before.
///
/// Source: <https://docs.anthropic.com/en/docs/build-with-claude/pdf-support> and the schema of the
/// Messages API, read in November 2026.
pub(super) fn body(file: &File) -> Result<BlockBody<'_>, Error> {
    let source = match file.source() {
        FileSource::Base64(data) => by_value(file, data)?,
        FileSource::Url(url) => match data_url(url) {
            Some((PDF, data)) => pdf(data),
            Some((kind, _)) => return Err(unsupported(kind)),
            None => DocumentBody::Url { url },
        },
        FileSource::Id(file_id) => DocumentBody::File { file_id },
        _ => return Err(unsupported("this source")),
    };
    let title = file.name();
    Ok(BlockBody::Document { source, title })
}

fn by_value<'a>(file: &'a File, data: &'a str) -> Result<DocumentBody<'a>, Error> {
    match file.media_type() {
        Some(PDF) => Ok(pdf(data)),
        Some(PLAIN) => {
            let text = file.text().ok_or_else(|| {
                Error::new(ErrorKind::InvalidRequest)
                    .with_message("the conversation holds a file of plain text that is no UTF-8")
            })?;
            Ok(DocumentBody::Text {
                media_type: PLAIN,
                data: Cow::Owned(text),
            })
        }
        other => Err(unsupported(other.unwrap_or("no known kind"))),
    }
}

const fn pdf(data: &str) -> DocumentBody<'_> {
    DocumentBody::Base64 {
        media_type: PDF,
        data,
    }
}

fn unsupported(kind: &str) -> Error {
    Error::new(ErrorKind::Unsupported).with_message(format!(
        "the conversation holds a file of {kind}, and Anthropic takes `{PDF}` and `{PLAIN}`; send its text, or make it a PDF"
    ))
}
