//! HTTP on loopback: a small server of files and pages.
//!
//! ```text
//! connection → hyper (bounds on headers and time) → host check → site → file or page → headers
//! ```
//!
//! What it guards against: another machine (it listens on loopback alone), another site's script in
//! the same browser (names other than loopback's are refused, so that a rebound DNS name reads
//! nothing, and answers may not be embedded elsewhere), a path that leaves its folder, by dots, by
//! escapes or by links, and connections that send nothing.

mod path;
mod reload;
mod reply;
mod server;
mod site;

pub(crate) use reload::Reload;
pub(crate) use reply::HTML;
pub(crate) use server::{Server, ServerError};
pub(crate) use site::Site;
