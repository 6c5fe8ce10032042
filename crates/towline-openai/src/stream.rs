//! A streamed answer as events.

mod calls;
mod decoder;

pub(crate) use self::decoder::Decoder;
