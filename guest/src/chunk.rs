//! Chunks: the spans of a document that are indexed, retrieved and quoted.

/// A span of one document; the unit retrieved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    /// Headings above the chunk, outermost first, without the document's title.
    pub headings: Vec<String>,
    /// Anchor of the nearest heading that has one.
    pub anchor: Option<String>,
    /// First byte, in the document's text.
    pub start: usize,
    /// One past the last byte, in the document's text.
    pub end: usize,
    /// Weight of its words in scoring, in tenths (10 is normal).
    pub weight: u8,
}
