//! HTTP transport for model providers: hyper, rustls, a pool that returns at the end of the body, SSE and NDJSON framing.
