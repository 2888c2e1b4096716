//! Writes the Unicode tables of the analysis, after an update of the crate they are made from.
//!
//! ```text
//! cargo run -p littoral-tests --example unicode-tables
//! ```

use std::io::Result;
use std::path::Path;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = root.join("guest/src/analysis/unicode/tables.bin");
    std::fs::write(file, littoral_tests::unicode::tables())
}
