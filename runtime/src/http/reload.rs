//! Pages that load anew when what they show has changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where pages ask for the version, and where the script is that asks.
pub(super) const VERSION: &str = "/_littoral/version";
pub(super) const SCRIPT_AT: &str = "/_littoral/reload.js";

/// The script.
pub(super) const SCRIPT: &str = r#"let version;
setInterval(async () => {
  try {
    const now = await (await fetch("/_littoral/version", { cache: "no-store" })).text();
    if (version !== undefined && now !== version) location.reload();
    version = now;
  } catch {
    // The server has ended.
  }
}, 1000);
"#;

/// What is put at the end of a page.
pub(super) const TAG: &[u8] = b"<script type=\"module\" src=\"/_littoral/reload.js\"></script>\n";

/// Counts how often pages were to load anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reload(Arc<AtomicU64>);

impl Reload {
    /// Has pages that are open load anew.
    pub(crate) fn again(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn version(&self) -> Vec<u8> {
        self.0.load(Ordering::Relaxed).to_string().into()
    }
}
