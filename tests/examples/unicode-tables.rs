//! Writes the Unicode tables of the analysis, after an update of the crate they are made from.
//!
//! ```text
//! cargo run -p littoral-tests --example unicode-tables
//! ```

use littoral_guest::analysis::unicode::is_common;
use littoral_tests::unicode::tables;
use std::io::Result;
use std::path::Path;

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest/src/analysis/unicode");
    std::fs::write(folder.join("tables.bin"), tables(|_| true))?;
    std::fs::write(folder.join("common.bin"), tables(|c| is_common(c.into())))
}
