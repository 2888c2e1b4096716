//! What the fuzzers do with bytes from anywhere: one function a target of `tests/fuzz`.
//!
//! Every function may be given anything. It panics only where something is wrong.

mod models;
mod seeds;

use crate::memory::{Place, Stored};
use crate::sample;
use littoral_guest::analysis::{AnalysisOptions, Analyzer, Language, detect};
use littoral_guest::chunk::{ChunkOptions, split};
use littoral_guest::query::parse;
use littoral_guest::{Index, SearchOptions};
use littoral_indexes::envelope::{self, BlockId, HEADER_BYTES, Kind, SegmentId};
use littoral_indexes::impact::Scoring;
use littoral_indexes::inventory::Inventory;
use littoral_indexes::layout::{Class, Layout};
use littoral_indexes::lexicon::{LexiconBlock, PositionsBlock, Separators, TailBlock, TermCodec};
use littoral_indexes::manifest::{Averages, Manifest, read_deleted, write_deleted};
use littoral_indexes::passages::PassageBlock;
use littoral_indexes::spelling::{SpellingBlock, SpellingDirectory, completions, corrections};
use littoral_indexes::table::{TableBlock, TableShape};
use littoral_indexes::text::TextCodec;
use littoral_indexes::vectors::rows::Rows;
use littoral_indexes::vectors::{Axes, Cell, Centroids, Rotation};
use littoral_indexes::{filters, sort};
use littoral_runtime::build::default_settings;
use littoral_runtime::ingest::{IngestOptions, SourceKind, Unit, parse as read_document};
pub use models::models;
pub use seeds::seeds;
use std::sync::OnceLock;

/// A target: its name and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 19] = [
    ("envelope", envelope),
    ("manifest", manifest),
    ("lexicon", lexicon),
    ("positions", positions),
    ("passages", passages),
    ("filters", filters),
    ("vectors", vectors),
    ("sort", sort),
    ("inventory", inventory),
    ("spelling", spelling),
    ("text", text),
    ("separators", separators),
    ("index", index),
    ("query", query),
    ("analysis", analysis),
    ("html", html),
    ("markdown", markdown),
    ("records", records),
    ("models", models),
];

/// The numbering that the first four bytes ask for, and the other bytes.
fn layout(data: &[u8]) -> (Layout, &[u8]) {
    let (head, rest) = data.split_at(data.len().min(4));
    let byte = |i: usize| u32::from(head.get(i).copied().unwrap_or(3));
    let class = |chunks_per_document, n_documents| Class {
        chunks_per_document,
        n_documents,
    };
    let classes = vec![
        class(1, byte(0) + 1),
        class(2 + byte(1), byte(2) * byte(3) / 16 + 1),
    ];
    (Layout::new(classes).expect("ascending classes"), rest)
}

/// The sealed file of any block.
pub fn envelope(data: &[u8]) {
    let id = BlockId {
        segment: SegmentId([7; 8]),
        kind: Kind::Sort,
        number: 3,
    };
    if let Ok(payload) = envelope::open(id, data) {
        assert_eq!(envelope::seal(id, payload), data);
    }
}

/// An entry, and what is left of one when its checksum is made right.
pub fn manifest(data: &[u8]) {
    if let Ok((manifest, _)) = Manifest::read(data) {
        assert!(manifest.write().is_ok());
    }
    let mut stored = Stored::default();
    stored.put_manifest_bytes(data);
    let Ok(index) = pollster::block_on(Index::open(stored.host())) else {
        return;
    };
    let _ = pollster::block_on(index.search("tide", &SearchOptions::default()));
    let _ = pollster::block_on(index.check());
}

/// Impacts by usual parameters.
fn scoring() -> Scoring {
    let parameters = default_settings().scoring;
    Scoring::new(
        parameters,
        Averages {
            chunk_words: 100,
            document_words: 300,
        },
    )
}

/// A block of the lexicon, and a tail.
pub fn lexicon(data: &[u8]) {
    let (layout, rest) = layout(data);
    let expanded = data.first().is_some_and(|byte| byte % 2 == 1);
    let primed = TermCodec::default();
    if let Ok(block) = LexiconBlock::read(rest, &layout, &scoring(), &primed, expanded) {
        for (i, term) in block.terms().iter().enumerate() {
            assert_eq!(block.find(&term.term), Some(i));
            assert!(term.list.documents.is_sorted());
            assert!(
                term.list
                    .documents
                    .iter()
                    .all(|&d| d < layout.n_documents())
            );
        }
    }
    let _ = TailBlock::read(rest, &layout, &scoring(), expanded);
}

/// Positions beside sound lists.
pub fn positions(data: &[u8]) {
    static SOUND: OnceLock<Option<LexiconBlock>> = OnceLock::new();
    let sound = SOUND.get_or_init(|| {
        let (stored, s) = (sample(), 0);
        let manifest = stored.manifest();
        let segment = &manifest.segments[s];
        let layout = segment.layout().ok()?;
        let separators = Separators::read(&segment.separators).ok()?;
        let primed = TermCodec::primed(separators.strings());
        let block = BlockId {
            segment: segment.segment(),
            kind: Kind::Lexicon,
            number: 0,
        };
        let payload = &stored.files.get(&Place::Block(block))?[HEADER_BYTES..];
        let scoring = Scoring::new(manifest.settings.scoring, manifest.averages);
        let lexicon =
            LexiconBlock::read(payload, &layout, &scoring, &primed, segment.expanded).ok()?;
        Some(lexicon)
    });
    let block = sound.as_ref().expect("a sound sample");
    let _ = PositionsBlock::read(data, block);
}

/// A decompressed block of passages.
pub fn passages(data: &[u8]) {
    let (layout, rest) = layout(data);
    let n = layout.n_chunks().min(8);
    if let Ok(block) = PassageBlock::read(rest, 0, n, &layout) {
        assert_eq!(block.chunks.len(), n as usize);
    }
}

/// A block of filter values.
pub fn filters(data: &[u8]) {
    let (layout, rest) = layout(data);
    if let Ok(values) = filters::read(rest, layout.n_documents()) {
        let again = filters::write(&values, layout.n_documents());
        assert_eq!(filters::read(&again, layout.n_documents()), Ok(values));
    }
}

/// Cells, centroids, rows, a rotation and rows of a query table.
pub fn vectors(data: &[u8]) {
    let axes = Axes::new(0.05, (0..24).map(|d| 14 - d / 2).collect()).expect("sound axes");
    if let Ok(cell) = Cell::read(data, &axes, 900) {
        assert_eq!(cell.vectors.codes.len(), 24 * cell.chunks.len());
        assert!(cell.chunks.is_sorted());
    }
    if let Ok(rows) = Rows::read(data, 24) {
        assert_eq!(rows.rows.len(), 24 * rows.scales.len());
    }
    for (n_cells, n_groups) in [(0, 0), (1, 0), (7, 0), (7, 1), (7, 3)] {
        if let Ok(centroids) = Centroids::read(data, n_cells, n_groups) {
            let n = if n_groups > 0 { n_groups } else { n_cells };
            assert_eq!(centroids.vectors.factors.len(), n as usize);
            let _ = centroids.read_group(data, 0);
        }
    }
    if let Ok(rotation) = Rotation::read(data) {
        assert_eq!(rotation.write(), data);
    }
    let shape = TableShape::new(24, 5, 40).expect("a sound shape");
    if let Ok(block) = TableBlock::read(data, shape) {
        let _ = block.find(7);
    }
}

/// A block of a sort column.
pub fn sort(data: &[u8]) {
    for n in [0, 1, 5, 300] {
        if let Ok(values) = sort::read(data, n) {
            assert_eq!(values.len(), n as usize);
        }
    }
}

/// An inventory, and deleted documents.
pub fn inventory(data: &[u8]) {
    let _ = Inventory::read(data);
    if let Ok(deleted) = read_deleted(data, 1000) {
        assert_eq!(read_deleted(&write_deleted(&deleted), 1000), Ok(deleted));
    }
}

/// A directory of spelling blocks, and blocks under a sound directory.
pub fn spelling(data: &[u8]) {
    let (first, rest) = data.split_at(data.len() / 2);
    let directories = [
        SpellingDirectory::read(first).ok(),
        SpellingDirectory::read(data).ok(),
        sound_directory(),
    ];
    for directory in directories.iter().flatten() {
        for word in [
            "tide",
            "lighthuose",
            "ü",
            "",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            let _ = directory.blocks_for_prefix(word, 6);
            let numbers = directory.blocks_for_correction(word, 6);
            assert!(numbers.len() <= 6 && numbers.iter().all(|&n| n < directory.n_blocks()));
            let read = |&n: &u32| SpellingBlock::read(n, rest, directory).ok();
            let blocks: Vec<SpellingBlock> = numbers.iter().filter_map(read).collect();
            corrections(word, &blocks);
            completions(word, &blocks, 5);
        }
    }
}

fn sound_directory() -> Option<SpellingDirectory> {
    SpellingDirectory::read(&sample().manifest().segments[0].spelling).ok()
}

/// Compressed text under a dictionary, and the same bytes as text to compress.
pub fn text(data: &[u8]) {
    let (dictionary, rest) = data.split_at(data.len() / 3);
    for codec in [TextCodec::new(&[]), TextCodec::new(dictionary)] {
        for limit in [0, 100, 1 << 16] {
            if let Ok(text) = codec.decompress(rest, limit) {
                assert!(text.len() <= limit);
            }
        }
        assert_eq!(
            codec
                .decompress(&codec.compress(rest), rest.len())
                .as_deref(),
            Ok(rest)
        );
    }
}

/// Separators of blocks.
pub fn separators(data: &[u8]) {
    if let Ok(separators) = Separators::read(data) {
        let n = separators.n_blocks();
        for term in [&b""[..], b"tide", &[0xFF; 300]] {
            assert!(separators.block_of(term) < n.max(1));
            assert!(*separators.blocks_with_prefix(term).start() <= n);
        }
        let _ = TermCodec::primed(separators.strings());
        assert!(Separators::read(&separators.write()).is_ok());
    }
}

/// A payload in one of the sample's files, sealed again, and everything that reads it.
pub fn index(data: &[u8]) {
    let Some((&which, payload)) = data.split_first() else {
        return;
    };
    let mut stored = sample().clone();
    let blocks: Vec<BlockId> = stored
        .files
        .keys()
        .filter_map(|place| match place {
            Place::Block(block) => Some(*block),
            Place::Entry => None,
        })
        .collect();
    stored.reseal(blocks[usize::from(which) % blocks.len()], payload);
    let Ok(index) = pollster::block_on(Index::open(stored.host())) else {
        return;
    };
    let options = SearchOptions {
        filters: vec![("level".into(), "easy".into())],
        facets: vec!["section".into()],
        ..SearchOptions::default()
    };
    for query in ["tide \"high water\" -gale", "lighthuose"] {
        let _ = pollster::block_on(index.search(query, &options));
    }
    let _ = pollster::block_on(index.check());
    for s in 0..index.n_segments() {
        let _ = pollster::block_on(index.export(s, &mut |_| true));
    }
}

fn sample() -> &'static Stored {
    static SAMPLE: OnceLock<Stored> = OnceLock::new();
    SAMPLE.get_or_init(sample::stored)
}

/// A query, parsed and answered.
pub fn query(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for clause in parse(&text).clauses {
        assert!(text.get(clause.start..clause.end).is_some());
    }
    let index = sample().open();
    for as_you_type in [false, true] {
        let options = SearchOptions {
            as_you_type,
            chunks: as_you_type,
            diversity: if as_you_type { 0.5 } else { 0.0 },
            ..SearchOptions::default()
        };
        let answer = pollster::block_on(index.search(&text, &options));
        assert!(answer.is_ok_and(|answer| answer.hits.len() <= options.k));
    }
}

/// Text of a document: its language, terms and chunks.
pub fn analysis(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for language in [
        detect(&text),
        Language::from_code("de"),
        Language::from_code("ja"),
    ] {
        let mut analyzer = Analyzer::new(language, &AnalysisOptions::default());
        let mut last = 0;
        analyzer.analyze(&text, &mut |token| {
            assert!(text.get(token.start..token.end).is_some() && !token.term.is_empty());
            assert!(token.start >= last || token.end <= text.len());
            last = token.start;
        });
        analyzer.phrase(&text);
    }
    let document = littoral_guest::Document::plain("a", "", text.as_ref());
    let options = ChunkOptions {
        max_tokens: 32,
        overlap_tokens: 4,
        ..ChunkOptions::default()
    };
    for chunk in split(&document, &options) {
        assert!(document.text.get(chunk.start..chunk.end).is_some());
    }
}

fn ingest(kind: SourceKind, data: &[u8]) {
    let unit = Unit {
        kind,
        id_hint: "a/b".into(),
        path: "in/a/b".into(),
        line: 1,
        bytes: data.into(),
    };
    let options = IngestOptions::default();
    let Ok(document) = read_document(&unit, &options) else {
        return;
    };
    let mut last = 0;
    for part in &document.parts {
        assert!(
            part.start >= last && part.start <= part.end,
            "parts are in order"
        );
        assert!(document.text.get(part.start..part.end).is_some());
        last = part.end;
    }
    assert!(!document.id.is_empty());
}

/// An HTML page.
pub fn html(data: &[u8]) {
    ingest(SourceKind::Html, data);
}

/// A Markdown page.
pub fn markdown(data: &[u8]) {
    ingest(SourceKind::Markdown, data);
}

/// A record of a JSONL file, and plain text.
pub fn records(data: &[u8]) {
    ingest(SourceKind::Jsonl, data);
    ingest(SourceKind::Text, data);
}
