use super::{chat, made_up_name, responses};
use crate::Flavor;
use serde_json::{Value, json};
use towline_core::{ErrorKind, File, FileSource, Role};

fn pdf() -> File {
    File::pdf(b"%PDF-").unwrap().with_name("bill.pdf")
}

fn sent(flavor: &str, file: &File) -> Result<Value, ErrorKind> {
    let flavor = Flavor::by_name(flavor).unwrap();
    let part = chat(flavor, Role::User, file).map_err(|error| error.kind())?;
    Ok(serde_json::to_value(part).unwrap())
}

fn by_responses(file: &File) -> Value {
    serde_json::to_value(responses(Flavor::OPENAI, Role::User, file).unwrap()).unwrap()
}

const DATA: &str = "data:application/pdf;base64,JVBERi0=";

#[test]
fn content_goes_as_a_data_url_with_a_name() {
    let whole = json!({"filename": "bill.pdf", "file_data": DATA});
    for flavor in ["openai", "azure", "openai-compatible", "openrouter"] {
        let expected = json!({"type": "file", "file": whole});
        assert_eq!(sent(flavor, &pdf()), Ok(expected), "{flavor}");
    }
    assert_eq!(by_responses(&pdf()), whole);
    let inline = File::url(DATA).with_name("bill.pdf");
    assert_eq!(by_responses(&inline), whole);
    assert_eq!(sent("openai", &inline).unwrap()["file"], whole);
    let expected = json!({"type": "document_url", "document_url": DATA});
    assert_eq!(sent("mistral", &pdf()), Ok(expected));
}

#[test]
fn an_address_goes_where_it_is_fetched() {
    let file = File::url("https://example.com/a.pdf").with_name("a.pdf");
    assert_eq!(sent("openai", &file), Err(ErrorKind::Unsupported));
    let url = "https://example.com/a.pdf";
    assert_eq!(sent("openrouter", &file).unwrap()["file"]["file_data"], url);
    assert_eq!(sent("mistral", &file).unwrap()["document_url"], url);
    assert_eq!(by_responses(&file), json!({"file_url": url}));
}

#[test]
fn an_id_goes_to_the_server_that_gave_it() {
    let file = File::id("file-1");
    let expected = json!({"type": "file", "file": {"file_id": "file-1"}});
    assert_eq!(sent("openai", &file), Ok(expected));
    assert_eq!(by_responses(&file), json!({"file_id": "file-1"}));
    for flavor in ["openrouter", "mistral"] {
        assert_eq!(sent(flavor, &file), Err(ErrorKind::Unsupported), "{flavor}");
    }
}

#[test]
fn a_server_that_takes_no_files_is_sent_none() {
    for flavor in ["deepseek", "groq", "llamacpp", "vllm"] {
        assert_eq!(
            sent(flavor, &pdf()),
            Err(ErrorKind::Unsupported),
            "{flavor}"
        );
    }
    let groq = Flavor::by_name("groq").unwrap();
    let error = responses(groq, Role::User, &pdf()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().unwrap().contains("`groq`"), "{error}");
}

#[test]
fn a_file_of_no_kind_or_in_the_wrong_place_is_an_error() {
    let nameless = File::new(FileSource::Base64("AAAA".into()));
    assert_eq!(sent("openai", &nameless), Err(ErrorKind::InvalidRequest));
    let error = chat(Flavor::OPENAI, Role::System, &pdf()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[test]
fn a_file_without_a_name_gets_one_that_says_its_kind() {
    for (media_type, name) in [
        (Some("application/pdf"), "document.pdf"),
        (None, "document.pdf"),
        (Some("text/plain"), "document.txt"),
        (Some("text/csv"), "document.csv"),
        (Some("application/ld+json"), "document.json"),
    ] {
        assert_eq!(made_up_name(media_type), name);
    }
}
