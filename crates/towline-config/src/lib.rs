//! Typed settings for Towline from command line, environment and files: the only reader of either.
