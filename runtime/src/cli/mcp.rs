//! `littoral mcp`

use super::Outcome;
use super::output::Failure;
use super::serve::{PlaceName, open};
use crate::mcp;
use crate::sandbox::Limits;
use std::io;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folders of the indexes; each is named as its folder
    #[arg(required = true)]
    indexes: Vec<PathBuf>,
    /// Where engines run: each index in a sandbox, or as part of the program
    #[arg(long, value_enum, default_value = "sandbox")]
    host: PlaceName,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let place = arguments.host.into();
    let tenants = open(
        &arguments.indexes,
        super::STORE_CACHE,
        place,
        Limits::default(),
        1,
        None,
    )?;
    let done = mcp::run(&tenants, io::stdin().lock(), io::stdout().lock());
    match done {
        Ok(()) => Ok(Outcome::Done),
        // A client that has gone away has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        Err(error) => Err(Failure::new(
            "mcp-failed",
            format!("the client cannot be reached: {error}"),
            "",
        )),
    }
}
