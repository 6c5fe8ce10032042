//! Turns a plan and its faults into the steps that the server performs.

#[cfg(test)]
mod tests;

use super::{Fault, Stall};
use crate::plan::{Framing, Payload, Plan};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::{collections::VecDeque, time::Duration};

/// An answer as it will happen on the wire.
#[derive(Debug)]
pub(crate) struct Performance {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) before_head: Vec<Stall>,
    pub(crate) reset_head: bool,
    /// Whether single bytes are written, and the wait after each.
    pub(crate) one_byte: Option<Duration>,
    pub(crate) close_after: bool,
    pub(crate) length_error: Option<i64>,
    pub(crate) streamed: bool,
    /// The `content-length`, for an answer that is no stream.
    pub(crate) length: Option<u64>,
    pub(crate) steps: VecDeque<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Body bytes; `ends_event` tells whether an event is complete with them.
    Data {
        bytes: Bytes,
        ends_event: bool,
    },
    Pause(Stall),
    /// Waits until everything before it is on the socket.
    Flush,
    Cut,
    Reset,
}

/// An error that is told inside an answer.
#[derive(Clone, Copy, Debug)]
struct InBand<'a> {
    name: Option<&'a str>,
    body: &'a Value,
    goes_on: bool,
}

/// Applies `faults` to `plan`, in their order. [`Fault::Status`] and [`Fault::InBandStatus`] have
/// been dealt with by then: they need the dialect.
pub(crate) fn arrange(mut plan: Plan, faults: &[Fault]) -> Performance {
    for fault in faults {
        edit(&mut plan.payload, &plan.framing, fault);
    }
    let streamed = plan.is_stream();
    let whole = match &plan.payload {
        Payload::Whole(bytes) => Some(bytes.len()),
        Payload::Events { .. } => None,
    };
    let mut steps = steps(plan.payload);
    let mut clean_end = false;
    for fault in faults {
        place(&mut steps, fault);
        clean_end |= matches!(fault, Fault::CleanEndAfterEvents(_));
    }
    let length = whole.map(|len| if clean_end { data_len(&steps) } else { len });
    let mut before_head = Vec::new();
    if plan.think > Duration::ZERO {
        before_head.push(Stall::For(plan.think));
    }
    before_head.extend(faults.iter().filter_map(|fault| match fault {
        Fault::StallHead(stall) => Some(stall.clone()),
        _ => None,
    }));
    Performance {
        status: plan.status,
        headers: plan.headers,
        before_head,
        reset_head: faults.iter().any(|f| matches!(f, Fault::ResetHead)),
        one_byte: faults.iter().find_map(|fault| match fault {
            Fault::OneByteAtATime => Some(Duration::ZERO),
            Fault::OneByteEvery(wait) => Some(*wait),
            _ => None,
        }),
        close_after: faults.iter().any(|f| matches!(f, Fault::CloseAfter)),
        length_error: faults.iter().find_map(|fault| match fault {
            Fault::WrongContentLength(delta) => Some(*delta),
            _ => None,
        }),
        streamed,
        length: length.and_then(|len| u64::try_from(len).ok()),
        steps: steps.into(),
    }
}

/// The faults that change what is sent.
fn edit(payload: &mut Payload, framing: &Framing, fault: &Fault) {
    match fault {
        Fault::DuplicateEvent(n) => {
            if let Payload::Events { items, .. } = payload
                && let Some(item) = items.get(*n).cloned()
            {
                items.insert(*n, item);
            }
        }
        Fault::SwapEvents(a, b) => {
            if let Payload::Events { items, .. } = payload
                && (*a).max(*b) < items.len()
            {
                items.swap(*a, *b);
            }
        }
        Fault::BadUtf8AfterEvents(n) => change_event(payload, *n, spoil_utf8),
        Fault::MalformedJson(n) => change_event(payload, *n, break_json),
        Fault::InBandError {
            after_events,
            body,
            event,
            goes_on,
        } => {
            let error = InBand {
                name: event.as_deref(),
                body,
                goes_on: *goes_on,
            };
            put_error(payload, *after_events, framing, error);
        }
        _ => {}
    }
}

fn change_event(payload: &mut Payload, n: usize, change: fn(&Bytes) -> Bytes) {
    match payload {
        Payload::Whole(bytes) if n == 0 => *bytes = change(bytes),
        Payload::Whole(_) => {}
        Payload::Events { items, .. } => {
            if let Some(item) = items.get_mut(n) {
                *item = change(item);
            }
        }
    }
}

/// `0xC3 0x28` opens a two-byte character and does not finish it.
fn spoil_utf8(bytes: &Bytes) -> Bytes {
    let mut spoiled = BytesMut::from(bytes.slice(..bytes.len() / 2));
    spoiled.extend_from_slice(&[0xC3, 0x28]);
    spoiled.extend_from_slice(&bytes.slice(bytes.len() / 2..));
    spoiled.freeze()
}

/// Takes the last byte away that is not part of the framing.
fn break_json(bytes: &Bytes) -> Bytes {
    let content = bytes.trim_ascii_end().len();
    let mut broken = BytesMut::from(bytes.slice(..content.saturating_sub(1)));
    broken.extend_from_slice(&bytes.slice(content..));
    broken.freeze()
}

fn put_error(payload: &mut Payload, after: usize, framing: &Framing, error: InBand<'_>) {
    match payload {
        Payload::Whole(bytes) => *bytes = framing.whole(error.body),
        Payload::Events { items, .. } => {
            let at = after.min(items.len());
            let rest = items.split_off(at);
            items.extend(framing.events(error.name, error.body, at));
            if error.goes_on {
                items.extend(rest);
            }
        }
    }
}

fn steps(payload: Payload) -> Vec<Step> {
    let (items, pace) = match payload {
        Payload::Whole(bytes) => (vec![bytes], Duration::ZERO),
        Payload::Events { items, pace } => (items, pace),
    };
    let mut steps = Vec::with_capacity(items.len());
    for bytes in items.into_iter().filter(|bytes| !bytes.is_empty()) {
        if pace > Duration::ZERO {
            steps.push(Step::Pause(Stall::For(pace)));
        }
        steps.push(Step::Data {
            bytes,
            ends_event: true,
        });
    }
    steps
}

/// The faults that happen at a place in the body.
fn place(steps: &mut Vec<Step>, fault: &Fault) {
    match fault {
        Fault::StallAfterBytes(n, stall) => {
            let at = after_bytes(steps, *n);
            steps.insert(at, Step::Pause(stall.clone()));
        }
        Fault::StallAfterEvents(n, stall) => {
            let at = after_events(steps, *n);
            steps.insert(at, Step::Pause(stall.clone()));
        }
        Fault::DelayPerEvent(delay) => delay_events(steps, *delay),
        Fault::CutAfterBytes(n) => {
            let at = after_bytes(steps, *n);
            end(steps, at, Step::Cut);
        }
        Fault::CutAfterEvents(n) => {
            let at = after_events(steps, *n);
            end(steps, at, Step::Cut);
        }
        Fault::ResetAfterBytes(n) => {
            let at = after_bytes(steps, *n);
            end(steps, at, Step::Reset);
        }
        Fault::CleanEndAfterEvents(n) => {
            let at = after_events(steps, *n);
            steps.truncate(at);
        }
        _ => {}
    }
}

fn end(steps: &mut Vec<Step>, at: usize, how: Step) {
    steps.truncate(at);
    steps.extend([Step::Flush, how]);
}

fn delay_events(steps: &mut Vec<Step>, delay: Duration) {
    let mut starts_event = true;
    let mut delayed = Vec::with_capacity(steps.len() * 2);
    for step in steps.drain(..) {
        if let Step::Data { ends_event, .. } = &step {
            if starts_event {
                delayed.push(Step::Pause(Stall::For(delay)));
            }
            starts_event = *ends_event;
        }
        delayed.push(step);
    }
    *steps = delayed;
}

/// The place right after the `n`th event, or behind the last one.
fn after_events(steps: &[Step], n: usize) -> usize {
    if n == 0 {
        return 0;
    }
    let ends = steps.iter().enumerate().filter(|(_, step)| {
        matches!(
            step,
            Step::Data {
                ends_event: true,
                ..
            }
        )
    });
    ends.map(|(index, _)| index + 1)
        .nth(n - 1)
        .unwrap_or(steps.len())
}

/// The place right after `n` body bytes, or behind the last one. Splits a step that spans it.
fn after_bytes(steps: &mut Vec<Step>, n: u64) -> usize {
    let mut left = usize::try_from(n).unwrap_or(usize::MAX);
    for index in 0..steps.len() {
        if left == 0 {
            return index;
        }
        let Some(Step::Data { bytes, ends_event }) = steps.get_mut(index) else {
            continue;
        };
        if left < bytes.len() {
            let rest = bytes.split_off(left);
            let rest = Step::Data {
                bytes: rest,
                ends_event: std::mem::replace(ends_event, false),
            };
            steps.insert(index + 1, rest);
            return index + 1;
        }
        left -= bytes.len();
    }
    steps.len()
}

fn data_len(steps: &[Step]) -> usize {
    let lens = steps.iter().map(|step| match step {
        Step::Data { bytes, .. } => bytes.len(),
        Step::Pause(_) | Step::Flush | Step::Cut | Step::Reset => 0,
    });
    lens.sum()
}
