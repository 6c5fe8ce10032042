//! The rows, and what they are made of.

/// The base of every ratio.
pub(crate) const BASE: &str = "hyper-legacy";

/// One library.
#[derive(Debug)]
pub(crate) struct Row {
    /// Name on the command line; its package is `peer-NAME`.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) about: &'static str,
    /// The crates whose versions say what was measured.
    pub(crate) crates: &'static [&'static str],
    /// Whose it is.
    pub(crate) side: Side,
}

/// Whose a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// No types, no decoding: what there is to reach.
    Bare,
    /// Towline, which has to keep the limits.
    Ours,
    /// Somebody else's.
    Rival,
}

/// Every row, in the order of the tables.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "hyper-conn",
        about: "hyper: a request sender on a kept connection, body made beforehand, reply not decoded",
        crates: &["hyper"],
        side: Side::Bare,
    },
    Row {
        name: BASE,
        about: "the base: hyper-util's pooled client, body made beforehand, reply not decoded",
        crates: &["hyper-util", "hyper"],
        side: Side::Bare,
    },
    Row {
        name: "towline-openai",
        about: "the crate towline-openai on a channel of towline-transport, called as a tower service",
        crates: &["towline-openai", "towline-transport"],
        side: Side::Ours,
    },
    Row {
        name: "towline",
        about: "towline's Client with its default stack, made from settings",
        crates: &["towline"],
        side: Side::Ours,
    },
    Row {
        name: "reqwest",
        about: "by hand: reqwest, serde_json both ways, eventsource-stream",
        crates: &["reqwest", "serde_json", "eventsource-stream"],
        side: Side::Rival,
    },
    Row {
        name: "async-openai",
        about: "async-openai, its client as it comes",
        crates: &["async-openai"],
        side: Side::Rival,
    },
    Row {
        name: "liter-llm",
        about: "liter-llm, its default client without its tower layers",
        crates: &["liter-llm"],
        side: Side::Rival,
    },
    Row {
        name: "genai",
        about: "genai, the target given in full so that nothing is looked up",
        crates: &["genai"],
        side: Side::Rival,
    },
    Row {
        name: "rig",
        about: "rig, its OpenAI client on the chat completions route",
        crates: &["rig-core"],
        side: Side::Rival,
    },
];

// === impl Row ===

impl Row {
    /// The package that holds the row.
    pub(crate) fn package(&self) -> String {
        format!("peer-{}", self.name)
    }
}
