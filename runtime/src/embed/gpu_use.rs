//! Whether a GPU encodes, and what is said about it afterwards.

use serde::Serialize;

/// Where documents become vectors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum GpuChoice {
    /// On the processor.
    #[default]
    Off,
    /// On a GPU where one is measured to be faster.
    Auto,
    /// On a GPU, whatever it is.
    On,
}

/// What became of a [`GpuChoice`].
#[derive(Default)]
pub struct GpuUse(Kind);

#[derive(Default)]
enum Kind {
    /// Nobody asked for one.
    #[default]
    Off,
    /// The processor encodes.
    Processor(String),
    /// The GPU does; the function tells how far it came.
    #[cfg_attr(
        not(feature = "gpu"),
        expect(dead_code, reason = "made where there are GPUs")
    )]
    Gpu(Box<dyn Fn() -> GpuReport>),
}

/// Who encoded the documents, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GpuReport {
    /// The adapter, where one was used.
    pub adapter: Option<String>,
    /// Texts that it encoded; remembered vectors are not counted.
    pub gpu_texts: u64,
    /// Texts that the processor encoded after the adapter failed.
    pub cpu_texts: u64,
    /// Texts of 128 tokens a second of the adapter, as measured before.
    pub gpu_texts_per_second: f64,
    /// Those of the processor, on all threads.
    pub cpu_texts_per_second: f64,
    /// Whether the adapter's vectors are those of the processor in every bit, as tested before.
    pub same_bytes: bool,
    /// Why the processor encoded, where it did.
    pub reason: Option<String>,
}

impl GpuUse {
    /// The processor encodes, for this reason.
    pub(super) fn processor(reason: impl Into<String>) -> Self {
        Self(Kind::Processor(reason.into()))
    }

    /// A GPU encodes; `report` tells how far it came.
    #[cfg(feature = "gpu")]
    pub(super) fn gpu(report: impl Fn() -> GpuReport + 'static) -> Self {
        Self(Kind::Gpu(Box::new(report)))
    }

    /// Whether the vectors are those that the processor gives, in every bit.
    pub fn has_same_bytes(&self) -> bool {
        match &self.0 {
            Kind::Off | Kind::Processor(_) => true,
            Kind::Gpu(report) => report().same_bytes,
        }
    }

    /// Why none does, although one was asked for.
    pub fn refusal(&self) -> Option<&str> {
        match &self.0 {
            Kind::Processor(reason) => Some(reason),
            Kind::Off | Kind::Gpu(_) => None,
        }
    }

    /// What is to be said; nothing where nobody asked for a GPU.
    pub fn report(&self) -> Option<GpuReport> {
        match &self.0 {
            Kind::Off => None,
            Kind::Gpu(report) => Some(report()),
            Kind::Processor(reason) => Some(GpuReport {
                adapter: None,
                gpu_texts: 0,
                cpu_texts: 0,
                gpu_texts_per_second: 0.0,
                cpu_texts_per_second: 0.0,
                same_bytes: true,
                reason: Some(reason.clone()),
            }),
        }
    }
}

impl std::fmt::Debug for GpuUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("GpuUse").field(&self.report()).finish()
    }
}

impl GpuReport {
    /// The report as a line for people.
    pub fn line(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or_default();
        let Some(adapter) = &self.adapter else {
            return format!("The processor encoded the documents, no GPU: {reason}.");
        };
        let mut line = format!("{adapter} encoded {} texts", self.gpu_texts);
        if self.gpu_texts_per_second > 0.0 {
            line += &format!(
                " ({:.0} a second where the processor makes {:.0})",
                self.gpu_texts_per_second, self.cpu_texts_per_second
            );
        }
        if self.reason.is_some() {
            line += &format!(", then the processor {}: {reason}", self.cpu_texts);
        }
        line += ". Its vectors are ";
        line += if self.same_bytes {
            "the same bytes as the processor's."
        } else {
            "near the processor's, not the same bytes."
        };
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_who_encoded_and_why() {
        assert_eq!(GpuUse::default().report(), None);
        let none = GpuUse::processor("there is none");
        assert_eq!(none.refusal(), Some("there is none"));
        let line = none.report().expect("a report").line();
        assert_eq!(
            line,
            "The processor encoded the documents, no GPU: there is none."
        );
        let mut report = none.report().expect("a report");
        report.adapter = Some("Card".into());
        (report.gpu_texts, report.cpu_texts) = (7, 3);
        report.reason = Some("the GPU was lost: unplugged".into());
        let line = report.line();
        assert!(line.starts_with("Card encoded 7 texts, then the processor 3: the GPU was lost"));
    }
}
