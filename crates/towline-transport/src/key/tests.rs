use super::KeyHeader;
use http::{HeaderMap, HeaderName};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use towline_core::{Credential, CredentialSource, Secret};

/// A key that a test changes.
#[derive(Default)]
struct Changing {
    key: Mutex<(u64, &'static str)>,
    asked: AtomicUsize,
}

impl CredentialSource for Changing {
    fn version(&self) -> u64 {
        self.key.lock().unwrap().0
    }

    fn secret(&self) -> Secret {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Secret::new(self.key.lock().unwrap().1)
    }

    fn trouble(&self) -> Option<String> {
        (self.version() == 9).then(|| "the vault is shut".to_owned())
    }
}

fn changing(key: &'static str) -> (Arc<Changing>, KeyHeader) {
    let source = Arc::new(Changing::default());
    *source.key.lock().unwrap() = (1, key);
    let header = KeyHeader::bearer(Credential::from_source(Arc::clone(&source))).unwrap();
    (source, header)
}

fn written(header: &KeyHeader) -> HeaderMap {
    let mut headers = HeaderMap::new();
    header.write(&mut headers);
    headers
}

#[test]
fn a_changed_key_is_in_the_next_request_and_prepared_once() {
    let (source, header) = changing("first-key");
    assert_eq!(written(&header)["authorization"], "Bearer first-key");
    *source.key.lock().unwrap() = (2, "second-key");
    for _ in 0..3 {
        let headers = written(&header);
        assert_eq!(headers["authorization"], "Bearer second-key");
        assert!(headers["authorization"].is_sensitive());
    }
    assert_eq!(source.asked.load(Ordering::Relaxed), 2);
    // Both are hidden: a call with the first may still be answered.
    let hidden = header.secrets();
    assert_eq!(
        hidden,
        [Secret::new("second-key"), Secret::new("first-key")]
    );
}

#[test]
fn a_key_that_cannot_be_sent_is_passed_over_and_told() {
    let (source, header) = changing("first-key");
    *source.key.lock().unwrap() = (2, "planted\nkey");
    assert_eq!(written(&header)["authorization"], "Bearer first-key");
    let trouble = header.trouble().unwrap();
    assert!(trouble.contains("line break") && trouble.contains("stays in use"));
    assert!(!trouble.contains("planted"), "{trouble}");
    *source.key.lock().unwrap() = (3, "third-key");
    assert_eq!(written(&header)["authorization"], "Bearer third-key");
    assert_eq!(header.trouble(), None);
    *source.key.lock().unwrap() = (9, "third-key");
    assert_eq!(header.trouble().as_deref(), Some("the vault is shut"));
}

#[test]
fn a_plain_header_has_no_scheme_and_no_credential_is_no_header() {
    let name = HeaderName::from_static("api-key");
    let header = KeyHeader::plain(name.clone(), Secret::new("planted-key")).unwrap();
    assert_eq!(written(&header)["api-key"], "planted-key");
    assert!(!format!("{header:?} {:?}", written(&header)).contains("planted"));
    assert!(!header.can_change());
    let none = KeyHeader::plain(name, Credential::none()).unwrap();
    assert!(written(&none).is_empty());
}

#[test]
fn a_first_key_that_cannot_be_sent_is_an_error_that_does_not_show_it() {
    let error = KeyHeader::bearer(Secret::new("planted\nkey")).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("the API key") && !text.contains("planted"),
        "{text}"
    );
}
