//! A key in a file that changes while the program runs.

use crate::{env, llm, write};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};
use towline_core::Credential;

/// The settings of a provider whose key is in `folder`, and what was told about the file.
fn rotating(folder: &Path) -> (Credential, Arc<Mutex<Vec<String>>>) {
    let path = write(folder, "key", "first-key\n").display().to_string();
    let provider = llm(env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_API_KEY_FILE", path.as_str()),
    ]));
    let told = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&told);
    let credential = provider.credential_noting(move |notice| {
        log.lock().unwrap().push(notice.to_owned());
    });
    (credential, told)
}

fn key(credential: &Credential) -> String {
    let _version = credential.version();
    credential.secret().unwrap().expose().to_owned()
}

#[test]
fn a_changed_file_is_seen_at_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let (credential, told) = rotating(folder.path());
    let first = credential.version();
    assert_eq!(
        (credential.version(), key(&credential)),
        (first, "first-key".to_owned())
    );
    write(folder.path(), "key", "  second-key-in-place \n");
    let second = credential.version();
    assert_ne!(first, second);
    assert_eq!(key(&credential), "second-key-in-place");

    // The same length, under another file, as a rename leaves it.
    let new = write(folder.path(), "new", "  secund-key-in-place \n");
    fs::rename(new, folder.path().join("key")).unwrap();
    assert_ne!(credential.version(), second);
    assert_eq!(key(&credential), "secund-key-in-place");
    assert!(told.lock().unwrap().is_empty());
}

#[test]
fn a_token_in_a_file_rotates_as_a_key_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "token", "first-token\n");
    let provider = llm(env(&[
        ("LLM_MODEL", "azure/dep"),
        ("AZURE_API_BASE", "https://r.test"),
        ("AZURE_OPENAI_AD_TOKEN_FILE", path.to_str().unwrap()),
    ]));
    assert!(provider.key_is_token());
    let credential = provider.credential();
    assert_eq!(key(&credential), "first-token");
    write(folder.path(), "token", "the-second-token\n");
    assert_eq!(key(&credential), "the-second-token");
}

#[cfg(unix)]
#[test]
fn a_mounted_secret_that_is_swapped_by_its_link_is_seen() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let (credential, _) = rotating(folder.path());
    let (link, at) = (folder.path().join("link"), folder.path().join("key"));
    assert_eq!(key(&credential), "first-key");
    symlink(write(folder.path(), "data-2", "other-key"), &link).unwrap();
    fs::rename(&link, &at).unwrap();
    assert_eq!(key(&credential), "other-key");
}

#[test]
fn a_file_that_was_written_again_with_the_same_key_is_no_new_key() {
    let folder = tempfile::tempdir().unwrap();
    let (credential, _) = rotating(folder.path());
    let version = credential.version();
    write(folder.path(), "key", "first-key");
    assert_eq!(credential.version(), version);
}

#[test]
fn a_file_that_is_empty_or_gone_leaves_the_last_key_and_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let (credential, told) = rotating(folder.path());
    let version = credential.version();
    write(folder.path(), "key", " \n");
    for _ in 0..3 {
        assert_eq!(
            (credential.version(), key(&credential)),
            (version, "first-key".to_owned())
        );
    }
    fs::remove_file(folder.path().join("key")).unwrap();
    for _ in 0..3 {
        assert_eq!(
            (credential.version(), key(&credential)),
            (version, "first-key".to_owned())
        );
    }
    let said = std::mem::take(&mut *told.lock().unwrap());
    let [empty, gone] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert!(
        empty.contains("is empty; the key that was read from it before stays in use"),
        "{empty}"
    );
    assert!(gone.contains("there is no such file"), "{gone}");
    assert_eq!(credential.trouble().as_ref(), Some(gone));

    write(folder.path(), "key", "third-key");
    assert_eq!(key(&credential), "third-key");
    assert_eq!(credential.trouble(), None);
    // What went wrong and was mended is news when it goes wrong again.
    write(folder.path(), "key", "");
    assert_eq!(key(&credential), "third-key");
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[test]
fn nothing_shows_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let (credential, told) = rotating(folder.path());
    fs::write(folder.path().join("key"), b"planted-\xff-key").unwrap();
    assert_eq!(key(&credential), "first-key");
    let text = format!(
        "{credential:?} {:?} {:?}",
        credential.trouble(),
        told.lock().unwrap()
    );
    assert!(text.contains("not UTF-8"), "{text}");
    assert!(
        !text.contains("planted") && !text.contains("first-key"),
        "{text}"
    );
}

#[test]
fn a_key_of_a_variable_stays_as_it_is() {
    let provider = llm(env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_API_KEY", "sk-test"),
    ]));
    assert!(!provider.credential().can_change());
    assert_eq!(key(&provider.credential()), "sk-test");
    let own = llm(env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_BASE_URL", "http://localhost:8080/v1"),
    ]));
    assert!(own.credential().is_none());
}
