//! Writes the vectors of a segment: turned to their principal axes, cut into cells, coded.
//!
//! ```text
//! vectors ─pca→ rotation ─apply→ rows of int8 ─kmeans→ cells, groups ─quantise→ codes, centroids
//!                                      └─ spans ─fit→ query table; how many cells to probe
//! ```

mod calibrate;
mod groups;
mod kmeans;
mod pca;
mod table;
mod words;

use super::passages;
use super::prepare::encoder_text;
use super::segment::{Collected, Files};
use super::{BuildError, Scratch, Sink, Tables, Workers};
use crate::table::Span;
use calibrate::Placed;
use littoral_indexes::envelope::{Kind, SegmentId};
use littoral_indexes::layout::Layout;
use littoral_indexes::manifest::{Embedding, VectorsManifest};
use littoral_indexes::passages::ChunkRecord;
use littoral_indexes::table::TableManifest;
use littoral_indexes::vectors::rows::Rows;
use littoral_indexes::vectors::{Axes, Cell, Centroids, Rotation};
use std::io;

/// Width of a step. Wider saves bytes and costs rank: on SciFact's 11,218 chunks of MiniLM, 0.02
/// takes 122 bytes a vector of 384 dimensions, 0.025 takes 107, 0.03 takes 95 and 0.04 takes 77, at
/// 0.944, 0.936, 0.922 and 0.898 of the exact ten nearest and +0.1, −0.2, −0.4 and −0.8 points of
/// nDCG@10.
const STEP: f32 = 0.025;

/// Vectors that the rotation is fitted to, at most.
const MAX_FITTED: usize = 16_384;

/// Fewest and most vectors that a cell is meant to have: a file of about 2.5 to 3.5 kB.
const MIN_CELL: usize = 24;
const MAX_CELL: usize = 32;

/// Vectors turned in one batch.
const BATCH: usize = 4_096;

/// Unit vectors of texts, `[n, dims]`, by the encoder of the documents.
pub type Encode<'a> = dyn Fn(&[String]) -> io::Result<Vec<f32>> + 'a;

/// What the vectors of a segment are made with.
#[derive(Clone, Copy)]
pub struct VectorInput<'a> {
    /// Dimensions of the documents' vectors.
    pub dims: usize,
    /// How vectors are turned.
    pub rotation: Turning<'a>,
    /// What encodes queries.
    pub queries: Queries<'a>,
    /// Texts shaped like queries, taken from the documents: a table is fitted to them, and how many
    /// cells to probe is measured with them.
    pub spans: &'a [Span],
    /// Words that the encoder knows, in lower case: a table that is fitted has rows for those near to
    /// words of the documents.
    pub words: &'a [String],
    /// Encodes texts.
    pub encode: &'a Encode<'a>,
    /// What was fitted before, if that is remembered.
    pub tables: Option<&'a dyn Tables>,
}

/// How the vectors of a segment are turned to their axes.
#[derive(Debug, Clone, Copy, Default)]
pub enum Turning<'a> {
    /// By a rotation that is fitted now.
    #[default]
    Fit,
    /// By a rotation that is there already and that the segment is to hold from now on.
    Keep(&'a Rotation),
    /// By the rotation that another segment holds.
    Of(SegmentId, &'a Rotation),
}

/// What encodes the queries of an index.
#[derive(Debug, Clone, Copy)]
pub enum Queries<'a> {
    /// The encoder itself.
    Encoder,
    /// A table that is fitted now.
    FitTable,
    /// The table of an older segment, or one that was tuned.
    Table(SegmentId, &'a TableManifest),
}

pub(super) struct WriteInput<'a, S> {
    pub(super) vectors: &'a VectorInput<'a>,
    pub(super) embedding: &'a Embedding,
    pub(super) layout: &'a Layout,
    pub(super) documents: &'a [Collected],
    /// Documents as collected, by their final number.
    pub(super) order: &'a [u32],
    pub(super) scratch: &'a S,
}

/// Vectors as scratch bytes.
pub(super) fn store(vectors: &[f32]) -> Vec<u8> {
    vectors.iter().flat_map(|x| x.to_le_bytes()).collect()
}

impl<S: Scratch + Sync> WriteInput<'_, S> {
    /// What the encoder read of the chunks of `document`.
    fn texts(&self, document: u32) -> Result<Vec<String>, BuildError> {
        let collected = &self.documents[self.order[document as usize] as usize];
        let (record, chunks) = passages::read(self.scratch, collected)?;
        let text = |chunk: &ChunkRecord| encoder_text(&record, chunk);
        Ok(chunks.iter().map(text).collect())
    }

    /// The vectors of the chunks of `document`, `[n_chunks, dims]`.
    fn read(&self, document: u32) -> Result<Vec<f32>, BuildError> {
        let collected = &self.documents[self.order[document as usize] as usize];
        let mut bytes = vec![0; collected.n_chunks as usize * self.vectors.dims * 4];
        self.scratch.read(collected.vectors, &mut bytes)?;
        let component = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        Ok(bytes.chunks_exact(4).map(component).collect())
    }

    /// The rotation fitted to documents spread evenly over the segment.
    fn fit(&self, workers: &impl Workers) -> Result<Rotation, BuildError> {
        let dims = self.vectors.dims;
        let stride = (self.layout.n_chunks() as usize / MAX_FITTED).max(1);
        let mut sample = Vec::new();
        let mut chunk = 0;
        for document in 0..self.layout.n_documents() {
            for vector in self.read(document)?.chunks_exact(dims) {
                if chunk % stride == 0 {
                    sample.extend_from_slice(vector);
                }
                chunk += 1;
            }
        }
        let axes = pca::principal_axes(&sample, dims, workers);
        // A table's queries have nothing along further axes. Leaving those out of the documents
        // takes a tenth off a query's bytes on SciFact, at equal nDCG@10 of words and table.
        let kept = match self.vectors.queries {
            Queries::Encoder => dims,
            Queries::FitTable | Queries::Table(..) => dims.min(table::DIMS),
        };
        Ok(Rotation::new(dims, &axes.rows[..kept * dims]))
    }

    /// All vectors, turned and rounded to 8 bits, by chunk.
    fn turn(&self, rotation: &Rotation, workers: &impl Workers) -> Result<Rows, BuildError> {
        let dims = self.vectors.dims;
        let mut rows = Rows::default();
        let mut batch = Vec::new();
        let mut flush = |batch: &mut Vec<f32>| {
            let pieces: Vec<&[f32]> = batch.chunks(128 * dims).collect();
            for piece in workers.map(pieces, |piece| turned(piece, rotation)) {
                rows.scales.extend(piece.scales);
                rows.rows.extend(piece.rows);
            }
            batch.clear();
        };
        for document in 0..self.layout.n_documents() {
            batch.extend(self.read(document)?);
            if batch.len() >= BATCH * dims {
                flush(&mut batch);
            }
        }
        flush(&mut batch);
        Ok(rows)
    }
}

/// `vectors`, turned and rounded to 8 bits.
fn turned(vectors: &[f32], rotation: &Rotation) -> Rows {
    let turned: Vec<f32> = vectors
        .chunks_exact(rotation.width())
        .flat_map(|vector| rotation.apply(vector))
        .collect();
    Rows::quantise(&turned, rotation.dims())
}

/// The rows of `members`, as numbers.
fn gather(rows: &Rows, dims: usize, members: &[u32]) -> Vec<f32> {
    let row = |&i: &u32| {
        let i = i as usize;
        let scale = rows.scales[i];
        rows.rows[i * dims..(i + 1) * dims]
            .iter()
            .map(move |&x| f32::from(x) * scale)
    };
    members.iter().flat_map(row).collect()
}

/// Mean square of every dimension.
fn variances(rows: &Rows, dims: usize) -> Vec<f32> {
    let mut sums = vec![0f64; dims];
    for (row, &scale) in rows.rows.chunks_exact(dims).zip(&rows.scales) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            let x = f64::from(x) * f64::from(scale);
            *sum += x * x;
        }
    }
    let n = rows.scales.len().max(1) as f64;
    sums.iter().map(|sum| (sum / n) as f32).collect()
}

/// How many vectors a cell is meant to have. The fewer, the fewer a query reads for the same recall,
/// and the more files and centroids there are: of 100,000 real vectors, cells of 32 in groups take
/// 103 kB for nine tenths of the nearest, cells of 48 135 kB.
fn cell_size(n: usize) -> usize {
    (n.isqrt() / 5).clamp(MIN_CELL, MAX_CELL)
}

/// Writes the rotation (where it is this segment's own), centroids, cells, and rows where the
/// settings ask for them.
pub(super) fn write(
    input: &WriteInput<'_, impl Scratch + Sync>,
    files: &mut Files<'_, impl Sink>,
    workers: &impl Workers,
) -> Result<VectorsManifest, BuildError> {
    let n_chunks = input.layout.n_chunks();
    let fitted;
    let (segment, rotation) = match input.vectors.rotation {
        Turning::Of(segment, rotation) => (segment, rotation),
        Turning::Keep(rotation) => (files.segment(), rotation),
        Turning::Fit => {
            fitted = input.fit(workers)?;
            (files.segment(), &fitted)
        }
    };
    if segment == files.segment() {
        files.put(Kind::Rotation, &rotation.write())?;
    }
    let dims = rotation.dims();
    let rows = input.turn(rotation, workers)?;
    let axes = Axes::fit(STEP, &variances(&rows, dims))?;
    let cells = kmeans::cells(&rows, dims, cell_size(rows.scales.len()), workers);
    let grouped = groups::group(cells, &rows, dims, workers);
    let own = Centroids::own_axes(&axes);
    let of_cells = own.quantise(&grouped.centroids);
    let centroids = Centroids {
        vectors: if grouped.sizes.is_empty() {
            of_cells.clone()
        } else {
            own.quantise(&groups::centroids(&grouped.centroids, &grouped.sizes, dims))
        },
        groups: grouped.sizes,
        axes,
    };
    files.put(Kind::Centroids, &centroids.write())?;
    for group in 0..centroids.groups.len() as u32 {
        let vectors = of_cells.slice(centroids.cells_of(group), dims);
        files.put(Kind::Centroids, &centroids.write_group(&vectors))?;
    }
    let axes = &centroids.axes;
    let cells = workers.map(grouped.cells, |chunks| {
        let vectors = axes.quantise(&gather(&rows, dims, &chunks));
        let cell = Cell { chunks, vectors };
        (cell.write(axes, n_chunks), cell)
    });
    for (payload, _) in &cells {
        files.put(Kind::Cells, payload)?;
    }
    let cells: Vec<Cell> = cells.into_iter().map(|(_, cell)| cell).collect();
    if input.embedding.rescore > 0 {
        for cell in &cells {
            let exact = Rows::quantise(&gather(&rows, dims, &cell.chunks), dims);
            files.put(Kind::Rows, &exact.write(dims))?;
        }
    }
    let table = match input.vectors.queries {
        Queries::Encoder => None,
        Queries::Table(segment, table) => Some((segment.0, *table)),
        Queries::FitTable => {
            let fitted = table::fit(input, rotation, &rows, workers)?;
            for block in &fitted.blocks {
                files.put(Kind::Table, block)?;
            }
            Some((files.segment().0, fitted.manifest))
        }
    };
    let tried = calibrate::texts(input.vectors.spans);
    let queries = turned(&(input.vectors.encode)(&tried)?, rotation);
    let placed = Placed {
        centroids: &centroids,
        of_cells: &of_cells,
        cells: &cells,
    };
    let reads = calibrate::reads(&placed, &queries, workers);
    Ok(VectorsManifest {
        dims: dims as u32,
        n_cells: cells.len() as u32,
        probes: reads.cells,
        n_groups: centroids.groups.len() as u32,
        group_probes: reads.groups,
        rotation: segment.0,
        table,
    })
}
