use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tower::ServiceExt as _;
use towline_testkit::corpus::{
    Answer, Canned, Splits,
    serve::{Server, Transfer},
};
use towline_transport::{Channel, RequestBody};

fn answer() -> Answer {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Answer::ok(HeaderMap::from_iter([kind]), "Grüße\r\n0\r\n")
}

fn request() -> http::Request<RequestBody> {
    let body = RequestBody::from(b"ask".to_vec());
    http::Request::post("/v1/any").body(body).unwrap()
}

#[tokio::test]
async fn an_answer_arrives_the_same_by_every_transfer() {
    let server = Server::start().await.unwrap();
    let channel = Channel::builder(server.base_url()).build().unwrap();
    for transfer in [Transfer::Length, Transfer::Chunked, Transfer::ChunkPerByte] {
        server.set(&answer(), transfer);
        let response = channel.clone().oneshot(request()).await.unwrap();
        assert_eq!(response.status(), 200, "{transfer:?}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain");
        let body = response.into_body().collect(1000).await.unwrap();
        assert_eq!(body, answer().body, "{transfer:?}");
    }
    server.set(&answer().with_body(Bytes::new()), Transfer::Chunked);
    let response = channel.clone().oneshot(request()).await.unwrap();
    assert!(response.into_body().collect(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_canned_answer_needs_no_socket_and_remembers_the_request() {
    let answer = answer();
    let canned = Canned::new(&answer).recording();
    for frames in Splits::of(&answer.body) {
        let response = canned
            .with_frames(frames.clone())
            .oneshot(request())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let mut body = Box::pin(response.into_body());
        let mut found = Vec::new();
        while let Some(frame) =
            std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await
        {
            found.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(found, frames);
    }
    let sent = canned.sent();
    assert_eq!(sent.len(), Splits::of(&answer.body).count());
    assert!(sent.iter().all(|request| request.body() == "ask"));
}
