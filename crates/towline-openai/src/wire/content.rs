//! The content of a message: text, or a list of parts, or nothing.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use std::{borrow::Cow, fmt};
use towline_transport::lax::{LaxList, LaxText};

/// What the model said.
#[derive(Clone, Debug, Default)]
pub(crate) enum Content<'a> {
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Parts(Vec<ContentPart<'a>>),
}

/// A part of a content list. Mistral sends thinking this way, Hugging Face text with null-filled
/// fields beside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContentPart<'a> {
    #[serde(borrow)]
    pub(crate) text: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) refusal: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) thinking: Thinking<'a>,
}

/// Thinking as text, or as a list of text parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thinking<'a>(pub(crate) Vec<Cow<'a, str>>);

// === impl Content ===

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of parts")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Content::Nothing)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Content::Nothing)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Content::Nothing)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Content::Nothing)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Content::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        let parts = LaxList::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(Content::Parts(parts.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        towline_transport::lax::skip_map(map).map(|()| Content::Nothing)
    }
}

// === impl Thinking ===

impl<'de: 'a, 'a> Deserialize<'de> for Thinking<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pieces = match Content::deserialize(deserializer)? {
            Content::Nothing => Vec::new(),
            Content::Text(text) => vec![text],
            Content::Parts(parts) => parts.into_iter().map(|part| part.text.0).collect(),
        };
        Ok(Self(pieces))
    }
}
