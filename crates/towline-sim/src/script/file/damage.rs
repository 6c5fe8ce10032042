//! The shape of a fault in a script file.

use super::{Wrong, check_header, check_status, wrong};
use crate::fault::{Fault, Stall};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FaultFile {
    Status(StatusFile),
    Header(HeaderFile),
    StallHead(StallFile),
    StallAfterBytes(BytesStallFile),
    StallAfterEvents(EventsStallFile),
    DelayPerEventMs(u64),
    CutAfterBytes(u64),
    CutAfterEvents(usize),
    CleanEndAfterEvents(usize),
    ResetHead,
    ResetAfterBytes(u64),
    InBandError(InBandFile),
    DuplicateEvent(usize),
    SwapEvents(usize, usize),
    BadUtf8AfterEvents(usize),
    MalformedJson(usize),
    WrongContentLength(i64),
    OneByteAtATime,
    OneByteEveryMs(u64),
    CloseAfter,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusFile {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderFile {
    name: String,
    value: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StallFile {
    Ms(u64),
    Forever,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BytesStallFile {
    bytes: u64,
    stall: StallFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsStallFile {
    events: usize,
    stall: StallFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InBandFile {
    after_events: usize,
    body: Option<Value>,
    status: Option<u16>,
    event: Option<String>,
    #[serde(default)]
    goes_on: bool,
}

// === impl FaultFile ===

impl FaultFile {
    pub(super) fn into_fault(self, at: &str) -> Result<Fault, Wrong> {
        Ok(match self {
            Self::Status(status) => return status.into_fault(at),
            Self::Header(header) => {
                check_header(&format!("{at}.header"), &header.name, &header.value)?;
                Fault::Header(header.name, header.value)
            }
            Self::StallHead(stall) => Fault::StallHead(stall.into_stall()),
            Self::StallAfterBytes(at) => Fault::StallAfterBytes(at.bytes, at.stall.into_stall()),
            Self::StallAfterEvents(at) => Fault::StallAfterEvents(at.events, at.stall.into_stall()),
            Self::DelayPerEventMs(ms) => Fault::DelayPerEvent(Duration::from_millis(ms)),
            Self::CutAfterBytes(n) => Fault::CutAfterBytes(n),
            Self::CutAfterEvents(n) => Fault::CutAfterEvents(n),
            Self::CleanEndAfterEvents(n) => Fault::CleanEndAfterEvents(n),
            Self::ResetHead => Fault::ResetHead,
            Self::ResetAfterBytes(n) => Fault::ResetAfterBytes(n),
            Self::InBandError(error) => return error.into_fault(at),
            Self::DuplicateEvent(n) => Fault::DuplicateEvent(n),
            Self::SwapEvents(a, b) => Fault::SwapEvents(a, b),
            Self::BadUtf8AfterEvents(n) => Fault::BadUtf8AfterEvents(n),
            Self::MalformedJson(n) => Fault::MalformedJson(n),
            Self::WrongContentLength(delta) => Fault::WrongContentLength(delta),
            Self::OneByteAtATime => Fault::OneByteAtATime,
            Self::OneByteEveryMs(ms) => Fault::OneByteEvery(Duration::from_millis(ms)),
            Self::CloseAfter => Fault::CloseAfter,
        })
    }
}

// === impl StatusFile ===

impl StatusFile {
    fn into_fault(self, at: &str) -> Result<Fault, Wrong> {
        check_status(&format!("{at}.status.status"), self.status)?;
        for (name, value) in &self.headers {
            check_header(&format!("{at}.status.headers"), name, value)?;
        }
        Ok(Fault::Status {
            status: self.status,
            headers: self.headers.into_iter().collect(),
            body: self.body,
        })
    }
}

// === impl InBandFile ===

impl InBandFile {
    fn into_fault(self, at: &str) -> Result<Fault, Wrong> {
        let at = format!("{at}.in_band_error");
        match (self.body, self.status, self.event) {
            (Some(body), None, event) => Ok(Fault::InBandError {
                after_events: self.after_events,
                body,
                event,
                goes_on: self.goes_on,
            }),
            (None, Some(status), None) => {
                check_status(&format!("{at}.status"), status)?;
                Ok(Fault::InBandStatus {
                    after_events: self.after_events,
                    status,
                    goes_on: self.goes_on,
                })
            }
            _ => Err(wrong(&at, "takes body (with or without event), or status")),
        }
    }
}

// === impl StallFile ===

impl StallFile {
    const fn into_stall(self) -> Stall {
        match self {
            Self::Ms(ms) => Stall::For(Duration::from_millis(ms)),
            Self::Forever => Stall::Forever,
        }
    }
}
