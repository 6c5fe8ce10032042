//! Images in a message.

use crate::{Error, ErrorKind, Text};
use base64::{Engine, engine::general_purpose::STANDARD};

/// An image, by address or by value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Image {
    source: ImageSource,
    detail: Option<ImageDetail>,
}

/// Where the pixels are.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ImageSource {
    /// The provider fetches it.
    Url(Text),
    /// The image itself.
    Base64 {
        /// Such as `image/png`.
        media_type: Text,
        /// The bytes in standard base64.
        data: Text,
    },
}

/// How closely the model shall look, where a provider lets one choose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ImageDetail {
    /// Cheap and coarse.
    Low,
    /// Dear and fine.
    High,
    /// The provider decides.
    Auto,
}

// === impl Image ===

impl Image {
    /// An image that the provider fetches from `url`.
    #[must_use]
    pub fn url(url: impl Into<Text>) -> Self {
        Self {
            source: ImageSource::Url(url.into()),
            detail: None,
        }
    }

    /// An image by value. The kind is read from its first bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] when it is none of PNG, JPEG, GIF and WebP, the four that
    /// providers take.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let media_type = sniff(bytes).ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest)
                .with_message("the image is none of PNG, JPEG, GIF and WebP")
        })?;
        Ok(Self {
            source: ImageSource::Base64 {
                media_type: Text::from_static(media_type),
                data: STANDARD.encode(bytes).into(),
            },
            detail: None,
        })
    }

    /// Asks for a closer or coarser look.
    #[must_use]
    pub const fn with_detail(mut self, detail: ImageDetail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Where the pixels are.
    #[must_use]
    pub const fn source(&self) -> &ImageSource {
        &self.source
    }

    /// How closely the model shall look; `None` is the provider's default.
    #[must_use]
    pub const fn detail(&self) -> Option<ImageDetail> {
        self.detail
    }
}

// === impl ImageDetail ===

impl ImageDetail {
    /// The word for it on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
            Self::Auto => "auto",
        }
    }
}

/// The media type by the magic number.
fn sniff(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}
