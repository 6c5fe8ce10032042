//! The encrypted content of a reasoning item: the simulator knows its own, and takes no other.

use crate::seed;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Encrypted content made from `number`.
pub(super) fn write(number: u64) -> String {
    STANDARD.encode(format!("towline-sim {number:016x} {:016x}", proof(number)))
}

/// Whether this was written by [`write`].
pub(super) fn is_genuine(content: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(content) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let number = text.split(' ').nth(1);
    let number = number.and_then(|number| u64::from_str_radix(number, 16).ok());
    number.is_some_and(|number| write(number) == content)
}

fn proof(number: u64) -> u64 {
    seed::hash(5, &number.to_be_bytes())
}
