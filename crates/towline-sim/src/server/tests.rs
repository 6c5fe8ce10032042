use super::prepare;
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn small_writes_leave_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    prepare(&socket);
    assert!(socket.nodelay().unwrap());
}
