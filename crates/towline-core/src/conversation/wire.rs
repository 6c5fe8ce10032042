//! The JSON of a conversation's messages, kept per dialect.
//!
//! A conversation only grows, so what was encoded stays valid: each conversation keeps segments of
//! JSON that cover its first `covered` messages, and a longer one that grew out of it starts from
//! them. Segments are merged like the digits of a binary counter, so that there are only a few and
//! each byte is copied O(log n) times over the life of a conversation.

use crate::{Error, Message};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names a way to write messages: the dialect, and the variant of it that changes their JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WireDialect {
    name: &'static str,
    variant: u32,
}

/// Messages as JSON: the segments, one after the other, are `m1,m2,m3` without brackets.
#[derive(Clone, Debug)]
pub struct WireForm {
    segments: Arc<[Bytes]>,
}

#[derive(Debug, Default)]
pub(super) struct WireCache {
    entries: Mutex<Vec<Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    dialect: WireDialect,
    covered: usize,
    form: WireForm,
}

/// More segments than this are merged: one write to a socket takes at most 16 buffers, and the
/// request has a beginning and an end of its own.
const MAX_SEGMENTS: usize = 12;

// === impl WireDialect ===

impl WireDialect {
    /// The dialect `name` in the form `variant`.
    #[must_use]
    pub const fn new(name: &'static str, variant: u32) -> Self {
        Self { name, variant }
    }
}

// === impl WireForm ===

impl WireForm {
    /// The pieces, in order. A clone of one is a reference count.
    #[must_use]
    pub fn segments(&self) -> &[Bytes] {
        &self.segments
    }

    /// Bytes in all segments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(Bytes::len).sum()
    }

    /// Whether there are no messages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// This form with `tail` after it.
    fn append(&self, tail: Vec<u8>) -> Self {
        let mut segments = self.segments.to_vec();
        segments.push(Bytes::from(tail));
        while let [.., before, last] = segments.as_slice() {
            if before.len() > last.len() * 2 && segments.len() <= MAX_SEGMENTS {
                break;
            }
            let merged = Bytes::from([before.as_ref(), last.as_ref()].concat());
            segments.truncate(segments.len() - 2);
            segments.push(merged);
        }
        Self {
            segments: segments.into(),
        }
    }
}

// === impl WireCache ===

impl WireCache {
    pub(super) fn form<F>(
        &self,
        dialect: WireDialect,
        messages: &[Message],
        encode: F,
    ) -> Result<WireForm, Error>
    where
        F: FnMut(&Message, &mut Vec<u8>) -> Result<(), Error>,
    {
        let (covered, form) = self.find(dialect);
        let rest = messages.get(covered..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(form);
        }
        // Encoded without the lock: another clone may do the same, and either result is right.
        let tail = encode_all(rest, !form.is_empty(), encode)?;
        let form = if tail.is_empty() {
            form
        } else {
            form.append(tail)
        };
        self.store(Entry {
            dialect,
            covered: messages.len(),
            form: form.clone(),
        });
        Ok(form)
    }

    fn find(&self, dialect: WireDialect) -> (usize, WireForm) {
        let entries = self.lock();
        let entry = entries.iter().find(|entry| entry.dialect == dialect);
        entry.map_or_else(
            || {
                (
                    0,
                    WireForm {
                        segments: [].into(),
                    },
                )
            },
            |entry| (entry.covered, entry.form.clone()),
        )
    }

    fn store(&self, entry: Entry) {
        let mut entries = self.lock();
        match entries.iter_mut().find(|old| old.dialect == entry.dialect) {
            Some(old) if old.covered < entry.covered => *old = entry,
            Some(_) => {}
            None => entries.push(entry),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // Entries are replaced whole, so a panic elsewhere leaves none half written.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for WireCache {
    fn clone(&self) -> Self {
        Self {
            entries: Mutex::new(self.lock().clone()),
        }
    }
}

/// The JSON of `messages`, each after a comma but the first of the conversation. A message of which
/// the dialect has nothing to say leaves no comma either.
fn encode_all<F>(messages: &[Message], continued: bool, mut encode: F) -> Result<Vec<u8>, Error>
where
    F: FnMut(&Message, &mut Vec<u8>) -> Result<(), Error>,
{
    let mut out = Vec::with_capacity(messages.len() * 128);
    for message in messages {
        let before = out.len();
        if continued || before > 0 {
            out.push(b',');
        }
        let start = out.len();
        encode(message, &mut out)?;
        if out.len() == start {
            out.truncate(before);
        }
    }
    Ok(out)
}
