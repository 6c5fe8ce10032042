//! The only place of the workspace that reads the environment and files of settings.

use crate::error::{ConfigError, Fault};
use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};
use towline_core::Secret;

/// The process environment, and the names whose value is not UTF-8.
pub(crate) fn environment() -> (BTreeMap<String, String>, Vec<String>) {
    let mut variables = BTreeMap::new();
    let mut unreadable = Vec::new();
    // Not `vars`: that panics where anybody's value is not UTF-8.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place in the workspace that reads the environment"
    )]
    let all = std::env::vars_os();
    for (name, value) in all {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => drop(variables.insert(name, value)),
            (Ok(name), Err(_)) => unreadable.push(name),
            (Err(_), _) => {}
        }
    }
    (variables, unreadable)
}

/// Those of `names` that are files in `folder`.
pub(crate) fn existing(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    names
        .iter()
        .map(|name| folder.join(name))
        .filter(|path| path.is_file())
        .collect()
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Another file under the same name, as after a rename.
    file: (u64, i64, i64),
}

/// The state of a file; none where it cannot be had. Links are followed.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok(),
        length: metadata.len(),
        file: identity(&metadata),
    })
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
const fn identity(_: &std::fs::Metadata) -> (u64, i64, i64) {
    (0, 0, 0)
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> Result<String, Fault> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).map_err(|_| not_text(path))
}

fn not_text(path: &Path) -> Fault {
    let problem = format!("{} is not UTF-8 text", path.display());
    Fault::new(problem, "save it as UTF-8, or name another file")
}

/// Whether a text is a path and nothing else: it begins as one. A name without a folder could as well be a
/// key, and so could one with a slash in it.
pub(crate) fn is_path(text: &str) -> bool {
    let begins = ["/", "./", "../", "~/", ".\\", "..\\", "\\\\"];
    begins.iter().any(|begin| text.starts_with(begin)) || Path::new(text).is_absolute()
}

/// Why the secret in a file cannot be had.
pub(crate) enum Unread {
    Io(std::io::Error),
    NotText,
    Empty,
}

/// The secret that a file holds, without the blanks around it.
pub(crate) fn read_secret(path: &Path) -> Result<Secret, Unread> {
    let bytes = std::fs::read(path).map_err(Unread::Io)?;
    let text = String::from_utf8(bytes).map_err(|_| Unread::NotText)?;
    match text.trim() {
        "" => Err(Unread::Empty),
        secret => Ok(Secret::new(secret)),
    }
}

/// The bytes of a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    let (reason, remedy) = trouble(path, error);
    let problem = format!("{} cannot be read, {reason}", path.display());
    Fault::new(problem, remedy)
}

/// Why a file cannot be read, and what to do about it.
fn trouble(path: &Path, error: &std::io::Error) -> (String, &'static str) {
    match error.kind() {
        ErrorKind::NotFound => (
            "there is no such file".to_owned(),
            if path.is_absolute() {
                "check the path, and that the file is there for this program"
            } else {
                "check the path; it counts from the working directory"
            },
        ),
        ErrorKind::PermissionDenied => (
            "permission is denied".to_owned(),
            "let the user that runs this program read it",
        ),
        ErrorKind::IsADirectory => ("it is a folder".to_owned(), "name a file in it"),
        _ => (
            error.to_string(),
            "check the file, and the disk that it is on",
        ),
    }
}

/// The bytes of a file that a user named on the command line with `option`, such as an image.
///
/// # Errors
///
/// One fault that names the file and the option, and says why the file cannot be read.
pub fn read_named_file(option: &str, path: impl AsRef<Path>) -> Result<Vec<u8>, ConfigError> {
    read_bytes(path.as_ref()).map_err(|fault| fault.with_origin(option).into())
}

/// The text of a file that a user named on the command line with `option`, such as a script of the
/// simulator.
///
/// # Errors
///
/// One fault that names the file and the option, and says why the file cannot be read, or that it is
/// not UTF-8.
pub fn read_named_text(option: &str, path: impl AsRef<Path>) -> Result<String, ConfigError> {
    read_text(path.as_ref()).map_err(|fault| fault.with_origin(option).into())
}

// === impl Unread ===

impl Unread {
    /// The fault of the file at `path`.
    pub(crate) fn at(&self, path: &Path) -> Fault {
        match self {
            Self::Io(error) => unreadable(path, error),
            Self::NotText => not_text(path),
            Self::Empty => Fault::new(
                format!("{} is empty", path.display()),
                "write the key into it, and nothing else",
            ),
        }
    }

    /// What is wrong, without the name of the file.
    pub(crate) fn unnamed(&self) -> &'static str {
        match self {
            Self::Empty => "the file that it names is empty",
            Self::NotText => "the file that it names is not UTF-8 text",
            Self::Io(error) => match error.kind() {
                ErrorKind::NotFound => "there is no file of the name that it holds",
                ErrorKind::PermissionDenied => "the file that it names may not be read",
                _ => "the file that it names cannot be read",
            },
        }
    }
}
