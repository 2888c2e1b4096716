//! The native host of Littoral: ingest from files, build, search, evaluate.
#![deny(unsafe_code)]
