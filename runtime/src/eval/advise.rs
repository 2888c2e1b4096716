//! What limits retrieval on a set of judged queries, and what to do next: from measurements alone.
//!
//! ```text
//! judged queries ─┬ where the relevant document is lost ─→ limits ─┐
//!                 └ cheap remedies, tried ──────────────→ gains ───┴→ the next step
//! ```

mod limit;
mod step;

pub use limit::{Found, Limit, Located, locate};
pub use step::{Facts, Next, PAIRS, next_step};

use super::compare::Difference;
use serde::{Deserialize, Serialize};

/// Something that may help, and what it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// What is done: a stable kebab-case name.
    pub remedy: String,
    /// In words.
    pub what: String,
    /// Whether the gain was measured; else it is the most that there is to gain.
    pub tried: bool,
    /// The change of nDCG@10.
    pub gain: Difference,
    /// The command that does it.
    pub command: String,
}
