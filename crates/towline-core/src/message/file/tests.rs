use super::{File, FileSource};
use crate::ErrorKind;

#[test]
fn a_pdf_is_told_by_its_mark_which_may_stand_behind_some_bytes() {
    let file = File::pdf(b"\xEF\xBB\xBF%PDF-1.4\n").unwrap();
    assert_eq!(file.media_type(), Some("application/pdf"));
    assert_eq!(
        file.source(),
        &FileSource::Base64("77u/JVBERi0xLjQK".into())
    );
    for bytes in [&b""[..], b"%PDF", &[b' '; 2000], b"PK\x03\x04"] {
        let error = File::pdf(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    let late = [&[b' '; 1020][..], b"%PDF-1.4"].concat();
    assert!(File::pdf(&late).is_err());
}

#[test]
fn text_comes_back_only_where_it_is_here_and_is_text() {
    let notes = File::from_bytes("text/plain", "Grüße".as_bytes());
    assert_eq!(notes.text().as_deref(), Some("Grüße"));
    assert_eq!(File::from_bytes("text/plain", b"\xFF").text(), None);
    assert_eq!(File::url("https://example.com/a.txt").text(), None);
    assert_eq!(File::id("file-1").text(), None);
}
