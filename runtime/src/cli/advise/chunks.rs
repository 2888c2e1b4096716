//! Chunk sizes, tried: the documents of an index, cut anew and searched by words.
//!
//! An index does not hold its documents, but their passages, which are put together again. What they
//! give at the index's own size is the measure for the others, so what is lost on that way does not
//! count. Vectors and expansions are left out: to make them anew is not cheap.

use super::super::output::{self, Failure};
use super::super::{build, engine_failure, open};
use super::{gain, measured};
use crate::build::{Tools, build_documents};
use crate::eval::Dataset;
use crate::eval::advise::Remedy;
use crate::host::IndexHost;
use crate::store::Folder;
use littoral_guest::engine::{Index, Mode, SearchOptions, StoredDocument};
use littoral_guest::{Document, Part, PartKind};
use littoral_indexes::manifest::{Embedding, Expansions, Settings};

/// Sizes that are tried, in tokens.
const SIZES: [u32; 3] = [128, 256, 768];

/// Documents beyond which it is not cheap.
const MAX_DOCUMENTS: u32 = 50_000;

/// What other sizes do to a search by words.
pub(super) fn remedies(
    index: &Index<IndexHost>,
    dataset: &Dataset,
    threads: usize,
) -> Result<Vec<Remedy>, Failure> {
    if index.n_documents() > MAX_DOCUMENTS {
        output::notice("the index is large: chunk sizes are not tried");
        return Ok(Vec::new());
    }
    let documents = documents(index)?;
    // Without vectors and expansions, for every size alike: what made them may not be here.
    let own = Settings {
        embedding: Embedding::default(),
        expansions: Expansions::default(),
        ..index.manifest().settings.clone()
    };
    let measure = |chunk_tokens: u32| {
        let settings = Settings {
            chunk_tokens,
            overlap_tokens: own.overlap_tokens.min(chunk_tokens / 2),
            ..own.clone()
        };
        let folder = tempfile::tempdir();
        let folder = folder.map_err(|e| Failure::new("write-failed", e.to_string(), ""))?;
        let mut store = Folder::open(folder.path())
            .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
        let tools = Tools::from(build::pool(threads)?);
        build_documents(documents.iter().cloned(), &settings, &mut store, &tools)
            .map_err(|error| build::build_failure(&error))?;
        let options = SearchOptions {
            mode: Mode::Lexical,
            ..SearchOptions::default()
        };
        measured(&open(folder.path())?, dataset, &options)
    };
    let base = measure(own.chunk_tokens)?;
    let others = SIZES.into_iter().filter(|&size| size != own.chunk_tokens);
    others
        .map(|size| {
            Ok(Remedy {
                remedy: format!("chunks-of-{size}"),
                what: format!("chunks of {size} tokens, by words"),
                tried: true,
                gain: gain(&base, &measure(size)?),
                command: format!("littoral build INPUT… -o DIR --chunk-tokens {size}"),
            })
        })
        .collect()
}

/// The documents of an index, put together from their passages.
fn documents(index: &Index<IndexHost>) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    for s in 0..index.n_segments() {
        let mut add = |stored: StoredDocument| {
            documents.push(joined(stored));
            true
        };
        pollster::block_on(index.export(s, &mut add)).map_err(|error| engine_failure(&error))?;
    }
    Ok(documents)
}

fn joined(stored: StoredDocument) -> Document {
    let record = stored.record;
    let mut document = Document {
        id: record.id,
        url: record.url,
        title: record.title,
        lang: (!record.lang.is_empty()).then_some(record.lang),
        ..Document::default()
    };
    let (mut above, mut end): (Vec<String>, usize) = (Vec::new(), 0);
    for chunk in stored.chunks {
        if chunk.headings != above {
            let same = above
                .iter()
                .zip(&chunk.headings)
                .take_while(|(a, b)| a == b)
                .count();
            for (depth, heading) in chunk.headings.iter().enumerate().skip(same) {
                let kind = PartKind::Heading {
                    level: (depth + 1).min(6) as u8,
                    anchor: None,
                };
                push(&mut document, kind, heading, 10);
            }
            above.clone_from(&chunk.headings);
        }
        let start = chunk.start as usize;
        // What the chunk before has said already is not said again.
        let repeated = end.saturating_sub(start).min(chunk.text.len());
        let text = chunk.text.get(repeated..).unwrap_or(&chunk.text);
        for paragraph in text.split("\n\n") {
            push(
                &mut document,
                PartKind::Paragraph,
                paragraph.trim(),
                chunk.weight,
            );
        }
        end = start + chunk.text.len();
    }
    document
}

fn push(document: &mut Document, kind: PartKind, text: &str, weight: u8) {
    if text.is_empty() {
        return;
    }
    if !document.text.is_empty() {
        document.text.push_str("\n\n");
    }
    let start = document.text.len();
    document.text.push_str(text);
    document.parts.push(Part {
        kind,
        start,
        end: document.text.len(),
        weight,
    });
}
