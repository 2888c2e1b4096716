//! The native host of Littoral: ingest from files, build, search, evaluate.
#![deny(unsafe_code)]

pub mod build;
mod bundle;
pub mod cells;
pub mod cli;
pub mod config;
pub mod documentation;
pub mod embed;
pub mod eval;
pub mod expand;
mod graph;
pub mod host;
mod http;
pub mod ingest;
pub mod llm;
mod mcp;
mod merge;
pub mod models;
pub mod pipeline;
pub mod rerank;
pub mod sandbox;
pub mod serve;
pub mod source;
pub mod store;
pub mod tune;
pub mod update;
mod web;

pub use littoral_guest::context;
