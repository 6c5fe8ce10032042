//! The state of the terminal, which is left as it was found.
//!
//! The line editor switches echo and line mode off while it reads, and switches them on when a line
//! has come. A signal that ends the program does not wait for a line.

#[cfg(unix)]
use nix::{
    sys::termios::{SetArg, Termios, tcgetattr, tcsetattr},
    unistd::{getpgrp, tcgetpgrp},
};

/// How the terminal was when a conversation began on it.
#[derive(Debug)]
pub(crate) struct Terminal {
    #[cfg(unix)]
    found: Option<Termios>,
}

// === impl Terminal ===

#[cfg(unix)]
impl Terminal {
    /// Only where a conversation is held: else the terminal may be shared with the other end of a
    /// pipe, which changes it too.
    pub(crate) fn remember(is_conversation: bool) -> Self {
        let found = is_conversation.then(|| tcgetattr(std::io::stdin()).ok());
        Self {
            found: found.flatten(),
        }
    }

    /// Makes the terminal what it was, unless it has gone or belongs to another program by now:
    /// the system would stop this one for trying.
    pub(crate) fn restore(&self) {
        let stdin = std::io::stdin();
        let is_lent = tcgetpgrp(&stdin).is_ok_and(|foreground| foreground != getpgrp());
        if let (Some(found), false) = (&self.found, is_lent) {
            // At once: an output that is held would never be drained.
            let _restored = tcsetattr(&stdin, SetArg::TCSANOW, found);
        }
    }
}

#[cfg(not(unix))]
impl Terminal {
    pub(crate) const fn remember(_is_conversation: bool) -> Self {
        Self {}
    }

    pub(crate) const fn restore(&self) {}
}
