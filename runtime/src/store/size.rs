//! How much an index takes of the disk, and this process of the memory.

use super::segment_name;
use littoral_indexes::manifest::ENTRY_NAME;
use std::fs;
use std::io;
use std::path::Path;

/// Files and bytes of the index in `folder`, without what lies beside them.
///
/// # Errors
/// What the system reports.
pub fn folder_size(folder: &Path) -> io::Result<(u64, u64)> {
    let mut size = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // A site keeps what its pages load beside it.
        if name == ENTRY_NAME {
            add(&mut size, entry.metadata()?.len());
        } else if segment_name(&name.to_string_lossy()).is_some() {
            for file in fs::read_dir(entry.path())? {
                add(&mut size, file?.metadata()?.len());
            }
        }
    }
    Ok(size)
}

fn add((files, bytes): &mut (u64, u64), more: u64) {
    *files += 1;
    *bytes += more;
}

/// The largest resident memory of this process so far, in bytes; 0 where the system does not say.
pub fn peak_rss_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
