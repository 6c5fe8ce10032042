use std::{future::pending, sync::Arc};
use towline_core::task;

#[tokio::test]
async fn dropping_the_handle_ends_the_task() {
    let token = Arc::new(());
    let held = Arc::clone(&token);
    let handle = task::spawn(async move {
        let _held = held;
        pending::<()>().await;
    });
    tokio::task::yield_now().await;
    drop(handle);
    while Arc::strong_count(&token) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_task_gives_its_output_or_nothing() {
    assert_eq!(task::spawn(async { 7 }).await, Some(7));
    let stopped = task::spawn(pending::<()>());
    stopped.abort();
    assert_eq!(stopped.await, None);
}
