//! The OpenAI chat completions dialect, and the servers that speak it, as a tower service.
