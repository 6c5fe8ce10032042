//! A production runtime for large language models, built on tower.
