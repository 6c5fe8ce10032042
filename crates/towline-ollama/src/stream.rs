//! A streamed answer as events.

mod decoder;

pub(crate) use self::decoder::Decoder;
