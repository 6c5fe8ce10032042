//! Recorded exchanges of real providers, to hold a decoder to the real wire.
//!
//! The recordings are not part of this crate and never become part of it. [`Corpus::open`] finds
//! them where `TOWLINE_CORPUS` points to, and else in `../shared/wire/corpus` beside the workspace.
//! Where they are absent it says so on stderr; where the variable points to nothing it panics.
//!
//! # Layout
//!
//! | path | holds |
//! |---|---|
//! | `PROVIDER/CASE.json` | one exchange: [`Case`] |
//! | `_expected/PROVIDER/CASE.json` | what the provider's own SDK made of the same answer: [`Expected`] |
//! | `_documented_errors/CASE.json` | an answer composed from documentation: [`Documented`] |
//! | `_response_only/FAMILY/CASE.json` | an answer without request, status and headers: [`Loose`] |
//!
//! # What a test does with it
//!
//! A [`Canned`] service gives a decoder the recorded answer in frames of the test's choice
//! ([`Splits`]), without a socket; a [`serve::Server`] sends the same over loopback. [`reframe`]
//! rewrites a stream in every framing that the standard allows. [`compare`](fn@compare) holds the
//! result against the [`Expected`] one, and a [`Suite`] counts, so that a loader that skips what it
//! does not know cannot pass.

mod case;
mod compare;
mod expected;
mod feed;
pub mod reframe;
pub mod serve;
mod splits;
mod suite;
pub mod watch;

pub use self::{
    case::{Answer, Case, Documented, Loose, Recorded},
    compare::{Difference, compare, compare_error},
    expected::{Expected, ExpectedAnswer, ExpectedCall, ExpectedError},
    feed::{Canned, Frames},
    splits::Splits,
    suite::Suite,
};

use crate::setting::{say, setting};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// Where the recordings lie unless `TOWLINE_CORPUS` says otherwise, seen from the workspace.
const DEFAULT: &str = "../shared/wire/corpus";

/// A folder of recorded exchanges. See the [module docs](self).
#[derive(Clone, Debug)]
pub struct Corpus {
    root: PathBuf,
}

/// Why a file of the corpus could not be read. A test panics with it.
#[derive(Debug)]
pub struct Unreadable {
    path: PathBuf,
    reason: String,
}

// === impl Corpus ===

impl Corpus {
    /// The corpus, or `None` where there is none, which is said on the real stderr: a test that ran
    /// nothing must not look like one that passed.
    ///
    /// # Panics
    ///
    /// When `TOWLINE_CORPUS` is set and holds no corpus.
    #[must_use]
    pub fn open() -> Option<Self> {
        let set = setting("TOWLINE_CORPUS");
        let path = set.as_deref().unwrap_or(DEFAULT);
        let root = workspace_root().join(path);
        if root.join("_expected").is_dir() {
            return Some(Self { root });
        }
        let shown = root.display();
        assert!(
            set.is_none(),
            "TOWLINE_CORPUS holds no corpus: {shown} has no folder `_expected`"
        );
        say(&format!("WIRE CORPUS ABSENT ({shown}): 0 cases ran"));
        None
    }

    /// The corpus in `root`.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every exchange, sorted by id.
    ///
    /// # Errors
    ///
    /// When a file is missing or is not as expected.
    pub fn cases(&self) -> Result<Vec<Case>, Unreadable> {
        let mut cases = Vec::new();
        for folder in folders(&self.root)? {
            for path in files(&folder)? {
                let expected = self
                    .root
                    .join("_expected")
                    .join(relative(&self.root, &path));
                let expected = expected.is_file().then_some(expected);
                cases.push(Case::load(&path, expected.as_deref())?);
            }
        }
        Ok(cases)
    }

    /// Every documented answer, sorted by id.
    ///
    /// # Errors
    ///
    /// When a file is missing or is not as expected.
    pub fn documented(&self) -> Result<Vec<Documented>, Unreadable> {
        let paths = files(&self.root.join("_documented_errors"))?;
        paths.iter().map(|path| Documented::load(path)).collect()
    }

    /// Every answer without request, sorted by family and name.
    ///
    /// # Errors
    ///
    /// When a file is missing or is not as expected.
    pub fn loose(&self) -> Result<Vec<Loose>, Unreadable> {
        let mut loose = Vec::new();
        for folder in folders(&self.root.join("_response_only"))? {
            let family = name(&folder);
            for path in files(&folder)? {
                loose.push(Loose::load(&family, &path)?);
            }
        }
        Ok(loose)
    }
}

// === impl Unreadable ===

impl Unreadable {
    fn new(path: &Path, reason: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "corpus file {}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for Unreadable {}

/// The folder of the lock file above the package whose tests run; cargo starts tests in the latter.
fn workspace_root() -> PathBuf {
    let start = std::env::current_dir().unwrap_or_default();
    let root = start
        .ancestors()
        .find(|path| path.join("Cargo.lock").is_file());
    root.unwrap_or(&start).to_owned()
}

/// The folders in `root` that hold exchanges, sorted.
fn folders(root: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let mut folders = entries(root)?;
    folders.retain(|path| path.is_dir() && !name(path).starts_with('_'));
    Ok(folders)
}

/// The files in `folder`, sorted. All of them are cases.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let mut files = entries(folder)?;
    files.retain(|path| path.is_file());
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let unreadable = |error| Unreadable::new(folder, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn relative<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
