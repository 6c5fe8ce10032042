//! What tests of a Towline stack share: scripted client, tower mock, provider conformance suite, corpus.
