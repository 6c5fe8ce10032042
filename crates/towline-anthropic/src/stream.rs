//! A streamed answer as events.

mod blocks;
mod decoder;

pub(crate) use self::decoder::Decoder;
