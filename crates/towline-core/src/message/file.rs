//! Files in a message, such as a PDF.

use crate::{Error, ErrorKind, Text};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A file that the model shall read, by value, by address, or by the id under which the provider
/// keeps it.
///
/// It stands in messages of the user. Which kinds of files and which sources a provider takes, its
/// crate says; PDF by value is what most take. What a provider does not take is an error of kind
/// [`Unsupported`](ErrorKind::Unsupported) before anything is sent.
///
/// # Examples
///
/// ```
/// use towline_core::{File, Message};
///
/// # fn example(bytes: &[u8]) -> Result<(), towline_core::Error> {
/// let invoice = File::pdf(bytes)?.with_name("invoice.pdf");
/// let question = Message::user("What is the total?").with_part(invoice);
/// assert_eq!(question.parts().len(), 2);
/// # Ok(())
/// # }
/// # example(b"%PDF-1.7 ...").unwrap();
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    source: FileSource,
    media_type: Option<Text>,
    name: Option<Text>,
}

/// Where the content is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FileSource {
    /// The content itself, in standard base64.
    Base64(Text),
    /// The provider fetches it from this address.
    Url(Text),
    /// The provider has it already, under this id. Ids of one provider mean nothing to another.
    Id(Text),
}

/// How far into a file the mark of a PDF may stand.
///
/// Source: ISO 32000-1, annex H.3, implementation note 13.
const PDF_HEAD: usize = 1024;

// === impl File ===

impl File {
    /// A PDF by value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] when `bytes` are none: the mark `%PDF-` is missing.
    pub fn pdf(bytes: &[u8]) -> Result<Self, Error> {
        let head = bytes.get(..PDF_HEAD).unwrap_or(bytes);
        if !head.windows(5).any(|mark| mark == b"%PDF-") {
            return Err(Error::new(ErrorKind::InvalidRequest)
                .with_message("the file is no PDF: it does not begin with `%PDF-`"));
        }
        Ok(Self::from_bytes("application/pdf", bytes))
    }

    /// A file of kind `media_type`, such as `text/plain`, by value.
    #[must_use]
    pub fn from_bytes(media_type: impl Into<Text>, bytes: &[u8]) -> Self {
        Self::new(FileSource::Base64(STANDARD.encode(bytes).into())).with_media_type(media_type)
    }

    /// A file that the provider fetches from `url`.
    #[must_use]
    pub fn url(url: impl Into<Text>) -> Self {
        Self::new(FileSource::Url(url.into()))
    }

    /// A file that was uploaded to the provider, which gave it `id`.
    #[must_use]
    pub fn id(id: impl Into<Text>) -> Self {
        Self::new(FileSource::Id(id.into()))
    }

    /// A file from `source`, of which nothing else is known.
    #[must_use]
    pub const fn new(source: FileSource) -> Self {
        Self {
            source,
            media_type: None,
            name: None,
        }
    }

    /// Says what kind of file it is, such as `application/pdf`.
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<Text>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Names it, as the model shall see it.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where the content is.
    #[must_use]
    pub const fn source(&self) -> &FileSource {
        &self.source
    }

    /// What kind of file it is; `None` where nobody said, which only a file by address or by id can
    /// do without.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The content, where it is here and is text in UTF-8. Decoded at every call.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.source {
            FileSource::Base64(data) => {
                String::from_utf8(STANDARD.decode(data.as_bytes()).ok()?).ok()
            }
            FileSource::Url(_) | FileSource::Id(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
