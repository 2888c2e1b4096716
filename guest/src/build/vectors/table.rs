//! Fits the query table of a segment and writes its blocks.

use super::{WriteInput, store, words};
use crate::build::{BuildError, FittedTable, Scratch, Workers};
use crate::table::fit::{FitInput, FitOptions, Spans, fit as fit_rows};
use crate::table::{Counts, Span, Vocabulary};
use littoral_indexes::table::{Entry, TableManifest, TableShape, write};
use littoral_indexes::vectors::Rotation;
use littoral_indexes::vectors::rows::Rows;

/// Dimensions of a row: the first of the turned vectors. On six collections 256 keep all but 0.2
/// points of what 384 give, at two thirds of the bytes.
pub(super) const DIMS: usize = 256;

/// Texts held out, at most.
const MAX_HELD_OUT: usize = 400;

/// Chunks that are fitted as well, and that the fit is judged against, at most.
const MAX_CHUNKS: usize = 12_000;

/// Counts what a table of the same input came to: raised with every change to what a fit gives, so
/// that nothing is taken for it that an earlier program remembered.
const REVISION: u32 = 1;

/// The table of the spans and the chunks, whose turned vectors are `rows`: as it is remembered, or
/// fitted now.
pub(super) fn fit(
    input: &WriteInput<'_, impl Scratch + Sync>,
    rotation: &Rotation,
    rows: &Rows,
    workers: &impl Workers,
) -> Result<FittedTable, BuildError> {
    let texts = sample(input)?;
    let Some(tables) = input.vectors.tables else {
        return fit_anew(input, rotation, rows, &texts, workers);
    };
    let key = key(input, rotation, rows, &texts);
    if let Some(table) = tables.get(&key) {
        return Ok(table);
    }
    let table = fit_anew(input, rotation, rows, &texts, workers)?;
    tables.put(&key, &table)?;
    Ok(table)
}

/// How far the chunks are apart that are fitted as well.
fn stride(n_chunks: usize) -> usize {
    n_chunks.div_ceil(MAX_CHUNKS).max(1)
}

/// What the encoder read of the chunks that are fitted as well.
fn sample(input: &WriteInput<'_, impl Scratch + Sync>) -> Result<Vec<String>, BuildError> {
    let stride = stride(input.layout.n_chunks() as usize);
    let mut texts = Vec::new();
    let mut chunk = 0;
    for document in 0..input.layout.n_documents() {
        for text in input.texts(document)? {
            if chunk % stride == 0 {
                texts.push(text);
            }
            chunk += 1;
        }
    }
    Ok(texts)
}

/// The hash of all that a table is fitted to.
fn key(
    input: &WriteInput<'_, impl Scratch + Sync>,
    rotation: &Rotation,
    rows: &Rows,
    texts: &[String],
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    field(&REVISION.to_le_bytes());
    field(&input.embedding.model);
    field(&rotation.write());
    field(&store(&rows.scales));
    let codes: Vec<u8> = rows.rows.iter().map(|code| code.cast_unsigned()).collect();
    field(&codes);
    let spans = input.vectors.spans;
    let is_held_out: Vec<u8> = spans.iter().map(|s| u8::from(s.is_held_out)).collect();
    field(&is_held_out);
    for list in [texts, input.vectors.words] {
        field(&(list.len() as u64).to_le_bytes());
    }
    let spans = spans.iter().map(|span| &span.text);
    for text in spans.chain(texts).chain(input.vectors.words) {
        field(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Fits a table to the spans and to `texts`, the chunks' that were sampled; `rows` are the turned vectors
/// of all chunks.
fn fit_anew(
    input: &WriteInput<'_, impl Scratch + Sync>,
    rotation: &Rotation,
    rows: &Rows,
    texts: &[String],
    workers: &impl Workers,
) -> Result<FittedTable, BuildError> {
    let dims = DIMS.min(rotation.dims() / 8 * 8).max(8);
    let all = input.vectors.spans;
    let (held_out, fitted): (Vec<&Span>, Vec<&Span>) = all.iter().partition(|s| s.is_held_out);
    let held_out: Vec<&Span> = held_out.into_iter().take(MAX_HELD_OUT).collect();

    let mut chunks = Vec::new();
    for chunk in (0..rows.scales.len()).step_by(stride(rows.scales.len())) {
        let vector = super::gather(rows, rotation.dims(), &[chunk as u32]);
        chunks.extend(first_dims(&vector, dims));
    }

    let seen = fitted.iter().map(|s| s.text.as_str());
    let seen: Vec<&str> = seen.chain(texts.iter().map(String::as_str)).collect();
    let counts = Counts::of(&seen, workers);
    let asked = held_out.iter().map(|s| s.text.as_str());
    let encode = input.vectors.encode;
    let own = Vocabulary::new(&counts, asked.clone());
    let near = words::near(input.vectors.words, &own, encode, workers)?;
    let vocabulary = Vocabulary::new(&counts, asked.chain(near));
    let start = encode(vocabulary.words())?;
    let spans = |spans: &[&Span]| -> Result<Spans, BuildError> {
        let texts: Vec<String> = spans.iter().map(|s| s.text.clone()).collect();
        let vectors = encode(&texts)?;
        let mut out = Spans::default();
        let pieces = texts.iter().zip(vectors.chunks_exact(rotation.width()));
        // Turning is the longest part: on all threads.
        let turned = workers.map(pieces.collect(), |(text, vector): (&String, &[f32])| {
            let vector = first_dims(&rotation.apply(vector), dims);
            (vocabulary.rows_of(text), vector)
        });
        for ((rows, n_words), vector) in turned {
            out.push(&rows, n_words, &vector);
        }
        Ok(out)
    };
    let mut fitted = spans(&fitted)?;
    let held_out = spans(&held_out)?;
    let rows = workers.map(texts.iter().collect(), |text: &String| {
        vocabulary.rows_of(text)
    });
    for ((rows, n_words), vector) in rows.iter().zip(chunks.chunks_exact(dims)) {
        fitted.push(rows, *n_words, vector);
    }

    let options = FitOptions::default();
    let fit = fit_rows(
        &FitInput {
            dims,
            counts: vocabulary.counts(),
            n_rows: vocabulary.n_rows(),
            start: &start,
            width: rotation.width(),
            spans: &fitted,
            held_out: &held_out,
            chunks: &chunks,
        },
        &options,
        workers,
    );
    let shape = TableShape::new(dims as u16, options.bits, vocabulary.n_rows())?;
    let places: Vec<(&str, String)> = vocabulary.places().collect();
    let entries = places
        .iter()
        .zip(&fit.rows)
        .map(|((home, key), row)| Entry { home, key, row });
    Ok(FittedTable {
        blocks: write(shape, entries)?,
        manifest: TableManifest {
            shape,
            report: fit.report,
        },
    })
}

/// The first `dims` of `vector`, scaled to unit length.
fn first_dims(vector: &[f32], dims: usize) -> Vec<f32> {
    let first = &vector[..dims];
    let norm = first.iter().map(|x| x * x).sum::<f32>().sqrt();
    let norm = if norm > 0.0 { norm } else { 1.0 };
    first.iter().map(|x| x / norm).collect()
}
