use super::ProxyConfig;
use towline_core::{ErrorKind, Secret};

fn bypassed(list: &str, host: &str, port: u16) -> bool {
    let proxy = ProxyConfig::builder("http://proxy:3128")
        .no_proxy(list)
        .build()
        .unwrap();
    !proxy.applies_to(host, port)
}

#[test]
fn an_exception_covers_what_its_form_says() {
    let table: &[(&str, &str, u16, bool)] = &[
        ("", "example.com", 443, false),
        ("*", "example.com", 443, true),
        ("example.com", "example.com", 443, true),
        ("Example.COM", "EXAMPLE.com.", 443, true),
        ("example.com", "api.example.com", 443, true),
        ("example.com", "badexample.com", 443, false),
        ("example.com", "example.com.evil", 443, false),
        (".example.com", "api.example.com", 443, true),
        (".example.com", "example.com", 443, false),
        ("*.example.com", "api.example.com", 443, true),
        ("a.test, b.test c.test", "b.test", 443, true),
        ("a.test, b.test c.test", "c.test", 443, true),
        ("example.com:8080", "example.com", 8080, true),
        ("example.com:8080", "example.com", 443, false),
        ("10.0.0.0/8", "10.200.3.4", 443, true),
        ("10.0.0.0/8", "11.0.0.1", 443, false),
        ("10.0.0.0/8", "ten.example.com", 443, false),
        ("0.0.0.0/0", "8.8.8.8", 443, true),
        ("0.0.0.0/0", "::1", 443, false),
        ("127.0.0.1", "127.0.0.1", 443, true),
        ("127.0.0.1:80", "127.0.0.1", 443, false),
        ("127.0.0.1", "::ffff:127.0.0.1", 443, true),
        ("::1", "[::1]", 443, true),
        ("[::1]:8080", "::1", 8080, true),
        ("[::1]:8080", "::1", 443, false),
        ("fd00::/8", "fd12::1", 443, true),
        ("fd00::/8", "fe80::1", 443, false),
    ];
    for &(list, host, port, expected) in table {
        assert_eq!(
            bypassed(list, host, port),
            expected,
            "{list:?} for {host}:{port}"
        );
    }
}

#[test]
fn an_unreadable_exception_is_a_fault_that_names_it() {
    for entry in ["10.0.0.0/33", "host:port", "[::1", "net/8", "1.2.3.4/x"] {
        let error = ProxyConfig::builder("http://proxy")
            .no_proxy(entry)
            .build()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(entry), "{error}");
    }
}

#[test]
fn reads_address_and_credentials() {
    let proxy = ProxyConfig::builder("http://us%65r:p%40ss%zz@Proxy.test:3128/")
        .build()
        .unwrap();
    assert_eq!(proxy.address(), "Proxy.test:3128");
    // user:p@ss%zz
    assert_eq!(proxy.authorization().unwrap(), "Basic dXNlcjpwQHNzJXp6");
    assert!(proxy.authorization().unwrap().is_sensitive());

    let proxy = ProxyConfig::builder("proxy.test").build().unwrap();
    assert_eq!(proxy.address(), "proxy.test:80");
    assert!(proxy.authorization().is_none());

    let proxy = ProxyConfig::builder("http://a:b@[::1]:3128")
        .credentials("user", Secret::new("p@ss%zz"))
        .build()
        .unwrap();
    assert_eq!(proxy.host(), "::1");
    assert_eq!(proxy.authorization().unwrap(), "Basic dXNlcjpwQHNzJXp6");
}

#[test]
fn never_shows_the_password() {
    let builder = ProxyConfig::builder("http://user:hunter2@proxy.test:3128")
        .credentials("user", Secret::new("hunter2"));
    assert!(!format!("{builder:?}").contains("hunter2"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("hunter2"));
    for url in [
        "socks5://user:hunter2@proxy.test",
        "http://user:hunter2@proxy.test:http",
        "http://user:hunter2@",
        "http://user:hunter2@a b",
    ] {
        let error = ProxyConfig::builder(url).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.report().to_string().contains("hunter2"), "{error}");
    }
}
