//! Building an index and weighing it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use tantivy::indexer::NoMergePolicy;
use tantivy::schema::{IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, IndexWriter, TantivyDocument};

use crate::input;

/// Stemmed English, from tantivy's own tokenizers.
const TOKENIZER: &str = "en_stem";

/// Memory for each indexing thread: enough that these corpora need no flush in between.
const BYTES_PER_THREAD: usize = 200_000_000;

#[derive(Serialize)]
pub(crate) struct Built {
    pub(crate) seconds: f64,
    /// Linux only.
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) index_bytes: u64,
    /// Without the stored ids, titles and texts.
    pub(crate) index_bytes_without_store: u64,
    /// By the extension of the file: idx postings, pos positions, term, store, fieldnorm, fast.
    pub(crate) bytes_by_kind: BTreeMap<String, u64>,
}

/// Indexes a corpus into one segment at `folder`, which is replaced.
pub(crate) fn build(
    corpus: &Path,
    folder: &Path,
    positions: bool,
    threads: usize,
) -> Result<Built> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let (started, started_cpu) = (Instant::now(), cpu_seconds());

    let index = Index::create_in_dir(folder, schema(positions))?;
    let id = index.schema().get_field("id")?;
    let title = index.schema().get_field("title")?;
    let text = index.schema().get_field("text")?;
    let mut writer: IndexWriter =
        index.writer_with_num_threads(threads, threads * BYTES_PER_THREAD)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for document in input::documents(corpus)? {
        let document = document?;
        let mut added = TantivyDocument::default();
        added.add_text(id, document.id());
        added.add_text(title, &document.title);
        added.add_text(text, &document.text);
        writer.add_document(added)?;
    }
    writer.commit()?;
    let segments = index.searchable_segment_ids()?;
    if segments.len() > 1 {
        writer.merge(&segments).wait()?;
    }
    writer.garbage_collect_files().wait()?;
    writer.wait_merging_threads()?;

    let seconds = started.elapsed().as_secs_f64();
    let cpu = cpu_seconds()
        .zip(started_cpu)
        .map(|(end, start)| end - start);
    let bytes_by_kind = weigh(folder)?;
    let index_bytes = bytes_by_kind.values().sum();
    let store = bytes_by_kind.get("store").copied().unwrap_or(0);
    Ok(Built {
        seconds,
        cpu_seconds: cpu,
        index_bytes,
        index_bytes_without_store: index_bytes - store,
        bytes_by_kind,
    })
}

fn schema(positions: bool) -> Schema {
    let option = if positions {
        IndexRecordOption::WithFreqsAndPositions
    } else {
        IndexRecordOption::WithFreqs
    };
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_index_option(option);
    let text = TextOptions::default()
        .set_indexing_options(indexing)
        .set_stored();
    let mut schema = Schema::builder();
    schema.add_text_field("id", STRING | STORED);
    schema.add_text_field("title", text.clone());
    schema.add_text_field("text", text);
    schema.build()
}

fn weigh(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut bytes = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = path
            .extension()
            .map_or("other".into(), |kind| kind.to_string_lossy());
        *bytes.entry(kind.into_owned()).or_default() += entry.metadata()?.len();
    }
    Ok(bytes)
}

/// User and system time of this process so far.
pub(crate) fn cpu_seconds() -> Option<f64> {
    /// Ticks of /proc on every Linux this runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses, which may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// Opens what [`build`] wrote.
pub(crate) fn open(folder: &Path) -> Result<Index> {
    Index::open_in_dir(folder).with_context(|| format!("cannot open {}", folder.display()))
}
