#[cfg(not(loom))]
mod model;
mod threads;
