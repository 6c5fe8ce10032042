use super::Origin;
use towline_core::ErrorKind;

#[test]
fn takes_a_base_url_apart() {
    let origin = Origin::parse("https://API.Example.com/v1/").unwrap();
    assert!(origin.is_https());
    assert_eq!((origin.host(), origin.port()), ("api.example.com", 443));
    assert_eq!(origin.base_path(), "/v1");
    assert_eq!(origin.text(), "https://api.example.com");
    assert_eq!(origin.host_header(), "api.example.com");
    assert_eq!(origin.authority(), "api.example.com");
}

#[test]
fn keeps_a_port_that_is_not_the_schemes_own() {
    let origin = Origin::parse("http://localhost:8080").unwrap();
    assert_eq!((origin.host(), origin.port()), ("localhost", 8080));
    assert_eq!(origin.base_path(), "");
    assert_eq!(origin.host_header(), "localhost:8080");
    let origin = Origin::parse("http://localhost:80/").unwrap();
    assert_eq!(origin.host_header(), "localhost");
}

#[test]
fn takes_the_brackets_off_an_ipv6_address() {
    let origin = Origin::parse("http://[::1]:9000/a/b//").unwrap();
    assert_eq!((origin.host(), origin.port()), ("::1", 9000));
    assert_eq!(origin.host_header(), "[::1]:9000");
    assert_eq!(origin.base_path(), "/a/b");
    assert_eq!(Origin::parse("http://[::1]").unwrap().port(), 80);
}

#[test]
fn says_what_is_wrong_and_never_repeats_credentials() {
    for (url, word) in [
        ("api.example.com/v1", "scheme"),
        ("ftp://example.com", "ftp"),
        ("https://user:hunter2@example.com/v1", "credentials"),
        ("https://example.com/v1?key=hunter2", "query"),
        ("https://example.com/v1#hunter2", "fragment"),
        ("https://example.com:0/v1", "port"),
        ("https://example.com:99999/v1", "port"),
        ("https://exa mple.com", "not a URL"),
        ("", "scheme"),
        ("/v1", "scheme"),
    ] {
        let error = Origin::parse(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{url}");
        let text = error.report().to_string();
        assert!(text.contains(word), "{url}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
