//! What `littoral inspect` says of what was fitted and tuned.

use littoral_guest::engine::Fusion;
use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
use littoral_indexes::manifest::{Gains, Manifest, Tuning};
use serde::Serialize;

/// What was fitted to judged queries.
#[derive(Debug, Serialize)]
pub(super) struct TuningReport {
    fusion: Option<Fusion>,
    threshold: Option<f64>,
    table: Option<GainsReport>,
    encoder: Option<EncoderReport>,
}

/// An encoder that was tuned.
#[derive(Debug, Serialize)]
struct EncoderReport {
    /// Hashes of the weights and of the adapter, their beginnings.
    base: String,
    adapter: String,
    #[serde(flatten)]
    gains: GainsReport,
}

/// What a tuning gained where it was measured.
#[derive(Debug, Serialize)]
struct GainsReport {
    /// Hash of the data, its beginning.
    data: String,
    pairs: u32,
    held_out: u32,
    /// nDCG@10 before and after.
    dense: [f64; 2],
    hybrid: [f64; 2],
    p: f64,
    general: [f64; 2],
    /// Whether the gate had refused it.
    forced: bool,
}

impl GainsReport {
    fn of(gains: &Gains) -> Self {
        let share = |n: u16| f64::from(n) / 10_000.0;
        Self {
            data: SegmentId(gains.data).to_string(),
            pairs: gains.n_pairs,
            held_out: gains.n_held_out,
            dense: gains.dense.map(share),
            hybrid: gains.hybrid.map(share),
            p: share(gains.p),
            general: gains.general.map(share),
            forced: gains.forced,
        }
    }

    /// In a line, of what was tuned.
    fn line(&self, what: &str) -> String {
        let both = |[before, after]: [f64; 2]| format!("{before:.4} → {after:.4}");
        format!(
            "{what} tuned on {} pairs{}: nDCG@10 of {} held-out queries {} by vectors (p {:.3}), {} \
             with words; of general ones {}; data {}",
            self.pairs,
            if self.forced {
                ", by force, for the gate refused it"
            } else {
                ""
            },
            self.held_out,
            both(self.dense),
            self.p,
            both(self.hybrid),
            both(self.general),
            self.data
        )
    }
}

impl TuningReport {
    pub(super) fn of(tuning: Tuning) -> Self {
        Self {
            table: tuning.table.map(|table| GainsReport::of(&table.gains)),
            encoder: tuning.encoder.map(|encoder| EncoderReport {
                base: SegmentId(encoder.base).to_string(),
                adapter: SegmentId(encoder.adapter).to_string(),
                gains: GainsReport::of(&encoder.gains),
            }),
            fusion: tuning.fusion.map(Fusion::of_setting),
            threshold: tuning.threshold.map(|t| f64::from(t) / 1000.0),
        }
    }

    /// In lines; none where nothing was fitted.
    pub(super) fn lines(&self) -> Vec<String> {
        let fusion = self.fusion.map(|fusion| match fusion {
            Fusion::Ranks => "fusion by ranks".to_owned(),
            Fusion::Scores { dense_weight } => {
                format!(
                    "fusion with {:.0} % vectors",
                    f64::from(dense_weight) / 2.56
                )
            }
        });
        let threshold = self
            .threshold
            .map(|t| format!("evidence of {t:.2} for an answer"));
        let parts: Vec<String> = fusion.into_iter().chain(threshold).collect();
        let fitted = (!parts.is_empty()).then(|| format!("fitted: {}", parts.join(", ")));
        let table = self.table.as_ref().map(|table| table.line("query table"));
        let encoder = self.encoder.as_ref().map(|encoder| {
            let line = encoder.gains.line("encoder");
            format!("{line}; adapter {}", encoder.adapter)
        });
        let tuned = table.into_iter().chain(encoder);
        fitted.into_iter().chain(tuned).collect()
    }
}

/// The blocks of a tuned query table.
pub(super) fn blocks(manifest: &Manifest) -> Vec<BlockId> {
    let mut all = manifest.segments.iter().filter_map(|s| s.vectors.as_ref());
    let table = all.find_map(|vectors| vectors.table);
    let Some((tuned, (_, table))) = manifest.tuning.table.zip(table) else {
        return Vec::new();
    };
    let block = |number| BlockId {
        segment: SegmentId(tuned.id),
        kind: Kind::Table,
        number,
    };
    (0..table.shape.n_blocks).map(block).collect()
}
