//! Processor time and placement.

use crate::BoxError;
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::resource::{UsageWho, getrusage},
    sys::time::TimeValLike as _,
    unistd::Pid,
};
use std::str::FromStr;

/// On which processor a program stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where the system puts it.
    Any,
    /// The first one that it may use.
    First,
    /// The last one that it may use.
    Last,
}

/// Keeps the calling thread, and those it starts, on one processor.
///
/// # Errors
///
/// When the system does not tell which processors there are, or does not allow it.
pub fn pin(place: Place) -> Result<(), BoxError> {
    let me = Pid::from_raw(0);
    let allowed = sched_getaffinity(me)?;
    let mut usable = (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu).unwrap_or(false));
    let chosen = match place {
        Place::Any => return Ok(()),
        Place::First => usable.next(),
        Place::Last => usable.next_back(),
    };
    let mut set = CpuSet::new();
    set.set(chosen.ok_or("no processor may be used")?)?;
    sched_setaffinity(me, &set)?;
    Ok(())
}

/// Processor time of the whole process so far, user and system, in microseconds.
///
/// # Errors
///
/// When the system does not tell.
pub fn cpu_micros() -> Result<u64, BoxError> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(u64::try_from(micros)?)
}

// === impl Place ===

impl FromStr for Place {
    type Err = BoxError;

    fn from_str(name: &str) -> Result<Self, BoxError> {
        match name {
            "any" => Ok(Self::Any),
            "first" => Ok(Self::First),
            "last" => Ok(Self::Last),
            other => Err(format!("no such place: {other}").into()),
        }
    }
}
