use super::{not_json, redirected, should_retry};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use towline_core::ErrorKind;

#[test]
fn a_body_that_is_no_json_is_told_by_what_it_is() {
    let mut headers = HeaderMap::new();
    let said = |body: &'static str, headers: &HeaderMap| {
        not_json(&Bytes::from_static(body.as_bytes()), headers)
    };
    assert_eq!(said(" \n", &headers), "the answer has an empty body");
    assert_eq!(said(" upstream gone\n", &headers), "upstream gone");
    let page = "<html><title>Bad\n  gateway</title></html>";
    assert_eq!(
        said(page, &headers),
        "the answer is a page (no content type) and not JSON: Bad gateway"
    );
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    assert_eq!(
        said("<p>", &headers),
        "the answer is a page (text/html) and not JSON: no title"
    );
}

#[test]
fn a_redirect_is_told_without_what_may_hold_a_key() {
    for (location, told) in [
        ("https://b.test/v1?key=planted#x", "https://b.test/v1;"),
        ("https://user:planted@b.test/v1", "another host;"),
        ("/there", "/there;"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_static(location));
        let error = redirected(StatusCode::FOUND, &headers, str::to_owned);
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Config, Some(302))
        );
        let message = error.message().unwrap();
        assert!(message.contains(told), "{message}");
        assert!(!message.contains("planted"), "{message}");
    }
    let nowhere = redirected(StatusCode::FOUND, &HeaderMap::new(), str::to_owned);
    assert!(nowhere.message().unwrap().contains("elsewhere"));
}

#[test]
fn the_server_may_say_whether_to_try_again() {
    for (value, said) in [
        ("true", Some(true)),
        ("false", Some(false)),
        ("maybe", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("x-should-retry", HeaderValue::from_static(value));
        assert_eq!(should_retry(&headers), said);
    }
    assert_eq!(should_retry(&HeaderMap::new()), None);
}
