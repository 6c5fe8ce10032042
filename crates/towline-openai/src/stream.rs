//! A streamed answer as events.

mod calls;
mod decoder;
mod template;

pub(crate) use self::decoder::Decoder;
