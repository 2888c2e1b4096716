//! The worked examples of `FORMAT.md`: what a writer makes today is what the document shows.
//!
//! The document is the expectation. Each example stands in it as a comment with its name, followed
//! by a block whose first column is hexadecimal bytes.
#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use littoral_indexes::coder::{Bit, Encoder, Number};
use littoral_indexes::envelope::{BlockId, Kind, SegmentId, open, seal};
use littoral_indexes::filters::{self, FilterValue};
use littoral_indexes::impact::Scoring;
use littoral_indexes::inventory::{DocumentHash, FileGroup, Inventory, hash_id};
use littoral_indexes::layout::{Class, Layout};
use littoral_indexes::lexicon::{
    LexiconBlock, PositionsBlock, Separators, TailBlock, TermCodec, TermInput, write_tail,
};
use littoral_indexes::manifest::{
    Averages, Embedding, Expansions, Manifest, ScoringParameters, SegmentManifest, Settings,
    Tuning, write_deleted,
};
use littoral_indexes::passages::{ChunkRecord, DocumentRecord, PassageBlock};
use littoral_indexes::postings::{Positions, PostingList};
use littoral_indexes::spelling;
use littoral_indexes::table::{self, Entry, Row, TableBlock, TableShape, mark_of};
use littoral_indexes::text::TextCodec;

const FORMAT: &str = include_str!("../FORMAT.md");

/// The bytes that the document shows for the example `name`: pairs of hexadecimal digits at the
/// start of each line, up to the first other word.
fn shown(name: &str) -> Vec<u8> {
    let mark = format!("<!-- example: {name} -->");
    let (_, rest) = FORMAT
        .split_once(&mark)
        .unwrap_or_else(|| panic!("FORMAT.md has no example {name:?}"));
    let (_, block) = rest.split_once("```text\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let byte = |word: &str| {
        let is_pair = word.len() == 2 && word.bytes().all(|b| b.is_ascii_hexdigit());
        is_pair.then(|| u8::from_str_radix(word, 16).unwrap())
    };
    let bytes = |line: &'static str| line.split_whitespace().map_while(byte);
    block.lines().flat_map(bytes).collect()
}

fn hex(bytes: &[u8]) -> String {
    let rows = bytes.chunks(16).map(|row| {
        let row: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        row.join(" ")
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn assert_shown(name: &str, written: &[u8]) {
    assert!(
        shown(name) == written,
        "FORMAT.md differs from what is written for {name:?}:\n{}",
        hex(written)
    );
}

fn layout() -> Layout {
    let class = |chunks_per_document, n_documents| Class {
        chunks_per_document,
        n_documents,
    };
    Layout::new(vec![class(1, 3), class(4, 2)]).unwrap()
}

/// `tide` in documents 1 and 3, the latter in its chunks 0 and 2.
fn tide() -> (PostingList, Positions) {
    let mut list = PostingList::new();
    list.push(1, 1, &[(0, 9)]);
    list.push(3, 0, &[(0, 9), (2, 13)]);
    let positions = Positions {
        titles: vec![0b1, 0],
        headings: vec![0, 0, 0b10],
        bodies: vec![0b100, 0b1000, 0b1_0000],
    };
    (list, positions)
}

fn scoring() -> ScoringParameters {
    ScoringParameters {
        k1: 120,
        b: 60,
        title_weight: 200,
        heading_weight: 100,
        document_share: 50,
        expansion_weight: 80,
    }
}

fn averages() -> Averages {
    Averages {
        chunk_words: 768,
        document_words: 768,
    }
}

fn block() -> BlockId {
    BlockId {
        segment: SegmentId([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]),
        kind: Kind::Lexicon,
        number: 47,
    }
}

#[test]
fn an_envelope_is_as_shown() {
    let file = seal(block(), b"tide");
    assert_shown("envelope", &file);
    assert_eq!(block().path(), "1122334455667788/l1b.lit");
    assert_eq!(open(block(), &file).unwrap(), b"tide");
}

#[test]
fn coded_bits_are_as_shown() {
    let mut context = Bit::default();
    let mut encoder = Encoder::new();
    for bit in [true, true, false, true] {
        encoder.bit(&mut context, bit);
    }
    encoder.direct(0b1011, 4);
    assert_shown("bits", &encoder.finish());
}

#[test]
fn coded_numbers_are_as_shown() {
    let mut number = Number::default();
    let mut encoder = Encoder::new();
    for value in [0, 1, 7, 300, 0] {
        number.encode(&mut encoder, value);
    }
    assert_shown("numbers", &encoder.finish());
    let mut number = Number::geometric(3);
    let mut encoder = Encoder::new();
    for value in [5, 9, 7, 12] {
        number.encode(&mut encoder, value);
    }
    assert_shown("geometric", &encoder.finish());
}

#[test]
fn separators_are_as_shown() {
    let strings = ["de", "fish", "fist"].map(|s| s.as_bytes().to_vec());
    let separators = Separators::new(strings.to_vec());
    assert_shown("separators", &separators.write());
    assert_eq!(separators.block_of(b"fishing"), 2);
}

#[test]
fn a_lexicon_block_with_its_positions_is_as_shown() {
    let (layout, primed) = (layout(), TermCodec::primed([&b"m"[..]]));
    let (list, positions) = tide();
    let mut the = PostingList::new();
    (0..4).for_each(|document| the.push(document, 1, &[]));
    let terms = [
        TermInput {
            term: b"the".to_vec(),
            is_stop: true,
            list: the,
            positions: Positions::default(),
            tail: None,
        },
        TermInput {
            term: b"tide".to_vec(),
            is_stop: false,
            list: list.clone(),
            positions,
            tail: None,
        },
    ];
    let payload = LexiconBlock::write(&terms, &layout, &primed, false);
    assert_shown("lexicon", &payload);
    assert_shown("positions", &PositionsBlock::write(&terms));
    assert_shown("tail", &write_tail(&list, &layout, false));
    let scoring = Scoring::new(scoring(), averages());
    let read = LexiconBlock::read(&payload, &layout, &scoring, &primed, false).unwrap();
    let tide = &read.terms()[1].list;
    assert_eq!(tide.documents, [1, 3]);
    assert_eq!(tide.bases, [1502, 516]);
    assert_eq!(tide.extras, [95, 490, 693]);
    assert_eq!(tide.peaks, [1597, 1209]);
}

#[test]
fn a_list_with_expansions_is_as_shown() {
    let mut list = PostingList::new();
    list.push_expanded(1, 1, Some(11), &[(0, 9)]);
    list.push(3, 0, &[(0, 9), (2, 13)]);
    list.push_expanded(4, 0, Some(11), &[]);
    let payload = write_tail(&list, &layout(), true);
    assert_shown("expanded", &payload);
    let scoring = Scoring::new(scoring(), averages());
    let read = TailBlock::read(&payload, &layout(), &scoring, true).unwrap();
    assert_eq!(read.bases, [1675, 516, 1060]);
    assert_eq!(read.extras, [56, 490, 693]);
    assert_eq!(read.holders().collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn a_passage_block_is_as_shown() {
    let document = DocumentRecord {
        id: "tide.md".into(),
        url: "tide.md".into(),
        title: "Tide".into(),
        lang: "en".into(),
        meta: Vec::new(),
    };
    let chunk = ChunkRecord {
        headings: vec!["Ebb".into()],
        anchor: Some("ebb".into()),
        start: 300,
        weight: 10,
        text: "Water falls.".into(),
    };
    let block = PassageBlock {
        documents: vec![(0, document)],
        chunks: vec![chunk],
    };
    let bytes = block.write(0, &layout());
    assert_shown("passages", &bytes);
    assert_eq!(PassageBlock::read(&bytes, 0, 1, &layout()).unwrap(), block);
}

#[test]
fn compressed_text_is_as_shown() {
    let text = b"the tide turns, and the tide turns";
    let plain = TextCodec::new(b"");
    assert_shown("text", &plain.compress(text));
    let primed = TextCodec::new(b"and the tide turns");
    assert_shown("text-with-dictionary", &primed.compress(text));
}

#[test]
fn filters_sort_values_and_deleted_documents_are_as_shown() {
    let value = |value: &str, documents: &[u32]| FilterValue {
        value: value.into(),
        documents: documents.into(),
    };
    let values = [value("harbour", &[0, 3]), value("open sea", &[1, 2, 4])];
    assert_shown("filters", &filters::write(&values, 5));
    let column = [Some("2024-05-01".to_owned()), None, Some(String::new())];
    assert_shown("sort", &littoral_indexes::sort::write(&column));
    assert_shown("deleted", &write_deleted(&[0, 2]));
}

#[test]
fn an_inventory_is_as_shown() {
    let inventory = Inventory {
        documents: vec![DocumentHash {
            id: hash_id("tide.md"),
            source: [0xab; 8],
        }],
        files: vec![FileGroup {
            kind: Kind::Lexicon,
            checksums: vec![[0xcd; 8]],
        }],
    };
    assert_shown("inventory", &inventory.write());
}

#[test]
fn spelling_sections_are_as_shown() {
    let sections = spelling::write(&[("tide", 70), ("tidal", 11), ("wave", 80)], 2200);
    assert_shown("spelling-directory", &sections.directory);
    assert_shown("spelling-forwards", &sections.blocks[0]);
    assert_shown("spelling-reversed", &sections.blocks[1]);
    assert_eq!(sections.blocks.len(), 2);
}

#[test]
fn an_entry_is_as_shown() {
    let manifest = Manifest {
        tuning: Tuning::default(),
        created_by: "example 1".into(),
        settings: Settings {
            chunk_tokens: 256,
            overlap_tokens: 32,
            stemming: true,
            positions: true,
            synonyms: Vec::new(),
            lang: "en".into(),
            base_url: String::new(),
            scoring: scoring(),
            embedding: Embedding::default(),
            expansions: Expansions::default(),
        },
        averages: averages(),
        segments: vec![SegmentManifest {
            id: block().segment.0,
            classes: layout().classes().to_vec(),
            deleted: write_deleted(&[0, 2]),
            n_lexicon_blocks: 1,
            separators: Separators::default().write(),
            chunks_per_block: 4,
            languages: vec![("en".into(), 5)],
            ..SegmentManifest::default()
        }],
    };
    let entry = manifest.write().unwrap();
    let (read, build) = Manifest::read(&entry).unwrap();
    assert_eq!(read, manifest);
    let fields = (
        &manifest.created_by,
        &manifest.settings,
        &manifest.averages,
        &manifest.segments,
    );
    let bytes = bincode::encode_to_vec(fields, bincode::config::standard()).unwrap();
    assert_shown("manifest", &bytes);
    assert!(FORMAT.contains(&format!("{{\"littoral\":1,\"build\":\"{build}\"")));
    assert!(FORMAT.contains(std::str::from_utf8(&entry).unwrap()));
}

#[test]
fn table() {
    let shape = TableShape {
        dims: 8,
        bits: 5,
        n_blocks: 1,
    };
    let tide = Row {
        step: 300,
        codes: vec![1, -1, 2, -2, 3, -3, 4, -4],
    };
    let pair = Row {
        step: 40,
        codes: vec![15, 0, 0, 0, 0, 0, 0, -15],
    };
    let entry = |key, row| Entry {
        home: "tide",
        key,
        row,
    };
    let entries = [entry("tide", &tide), entry("spring tide", &pair)];
    let written = &table::write(shape, entries).unwrap()[0];
    assert_shown("table", written);
    let block = TableBlock::read(written, shape).unwrap();
    let mut sum = [0; 8];
    for key in ["tide", "spring tide"] {
        block.find(mark_of(key)).unwrap().add_to(&mut sum);
    }
    assert_eq!(sum, [900, -300, 600, -600, 900, -900, 1200, -1800]);
}

#[test]
fn a_cell_and_its_centroid_are_as_shown() {
    use littoral_indexes::vectors::{Axes, Cell, Centroids};
    let axes = Axes::fit(0.25, &[0.5, 0.25, 0.0625]).unwrap();
    assert_eq!(axes.classes(), [11, 10, 8]);
    let vectors = axes.quantise(&[0.8, -0.6, 0.0, 0.6, 0.64, -0.48]);
    assert_eq!(vectors.codes, [3, -2, 0, 2, 3, -2]);
    let cell = Cell {
        chunks: vec![1, 4],
        vectors,
    };
    assert_shown("cell", &cell.write(&axes, 11));
    let centroids = Centroids {
        vectors: Centroids::own_axes(&axes).quantise(&[0.99, 0.02, -0.14]),
        groups: Vec::new(),
        axes,
    };
    assert_shown("centroids", &centroids.write());
}
