//! What was asked for.

use crate::{
    Fault, HELP,
    rows::{BASE, ROWS, Row},
};

/// The name of all dialects together, among those of the rows.
const DIALECTS: &str = "dialects";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// Fewer requests.
    pub(crate) quick: bool,
    /// Fail on a missed hard limit.
    pub(crate) check: bool,
    /// Take the programs as they were last built.
    pub(crate) built: bool,
    /// How often each row is measured.
    pub(crate) rounds: usize,
    /// Where client and server run.
    pub(crate) placement: Placement,
    dry: bool,
    only: Option<Vec<String>>,
}

/// Where client and server run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// On one processor, in turn.
    Together,
    /// On two.
    Apart,
    /// Where the system puts them.
    Free,
}

// === impl Options ===

impl Options {
    /// Reads the words after `bench client`.
    pub(crate) fn read(given: &[String]) -> Result<Self, Fault> {
        let mut options = Self {
            quick: false,
            check: false,
            built: false,
            rounds: 0,
            placement: Placement::Together,
            dry: false,
            only: None,
        };
        let mut words = given.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| format!("{word} needs a value\n\n{HELP}"))
            };
            match word.as_str() {
                "--quick" => options.quick = true,
                "--check" => options.check = true,
                "--built" => options.built = true,
                "--dry" => options.dry = true,
                "--rounds" => options.rounds = value()?.parse()?,
                "--only" => options.only = Some(names(value()?)?),
                "--place" => options.placement = Placement::read(value()?)?,
                other => return Err(format!("no such option: {other}\n\n{HELP}").into()),
            }
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 3 } else { 11 };
        }
        Ok(options)
    }

    /// Whether `row` is measured.
    pub(crate) fn includes(&self, row: &Row) -> bool {
        let Some(only) = &self.only else { return true };
        row.name == BASE || only.iter().any(|name| name == row.name)
    }

    /// Whether the dialects are measured.
    pub(crate) fn dialects(&self) -> bool {
        let named = |only: &Vec<String>| only.iter().any(|name| name == DIALECTS);
        self.only.as_ref().is_none_or(named)
    }

    /// Only a full run is worth keeping.
    pub(crate) fn writes_document(&self) -> bool {
        !self.dry && !self.quick && self.only.is_none()
    }
}

// === impl Placement ===

impl Placement {
    fn read(name: &str) -> Result<Self, Fault> {
        match name {
            "together" => Ok(Self::Together),
            "apart" => Ok(Self::Apart),
            "free" => Ok(Self::Free),
            other => Err(format!("no such placement: {other}\n\n{HELP}").into()),
        }
    }

    /// What the server is told.
    pub(crate) fn of_server(self) -> &'static str {
        match self {
            Self::Together | Self::Apart => "last",
            Self::Free => "any",
        }
    }

    /// What a client is told.
    pub(crate) fn of_client(self) -> &'static str {
        match self {
            Self::Together => "last",
            Self::Apart => "first",
            Self::Free => "any",
        }
    }
}

fn names(list: &str) -> Result<Vec<String>, Fault> {
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        if name != DIALECTS && !ROWS.iter().any(|row| row.name == name) {
            let known: Vec<_> = ROWS.iter().map(|row| row.name).collect();
            let known = known.join(", ");
            return Err(format!("no such row: {name}; there are {known} and {DIALECTS}").into());
        }
    }
    Ok(names)
}
