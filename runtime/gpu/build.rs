//! Takes comments and indentation off the kernels: pages fetch them.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src/wgsl");
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    for entry in fs::read_dir("src/wgsl")? {
        let entry = entry?;
        let source = fs::read_to_string(entry.path())?;
        let lines = source
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default().trim());
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        fs::write(Path::new(&out).join(entry.file_name()), lines.join("\n"))?;
    }
    Ok(())
}
