//! The dense leg: chunks ranked by the nearness of their vectors to the query's.
//!
//! The vectors of the cells nearest to the query ([`super::probe`]) are compared, and the best chunk of
//! each document counts. Where filters leave fewer documents than are wanted, further cells are read
//! until there are enough, or all were read.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::fuse::DEPTH;
use super::lexical::Place;
use super::probe::Probe;
use super::rank::{Allowed, Ranked};
use super::rare::rare;
use super::restrict::Restriction;
use super::result::{SearchOptions, Work};
use super::segment::Segment;
use crate::host::Host;
use crate::map::{Map, Set};
use crate::table::{blocks_of, encode, words};
use crate::vectors::{QueryVector, score_codes};
use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
use littoral_indexes::kernels::dot_rows;
use littoral_indexes::manifest::VectorsManifest;
use littoral_indexes::order::{kth_largest, sort_by};
use littoral_indexes::table::{TableManifest, TableShape};
use littoral_indexes::vectors::Codes;

/// What the dense leg finds.
#[derive(Debug, Default)]
pub(super) struct Dense {
    /// Best first, with cosines.
    pub(super) places: Vec<(Place, f64)>,
    /// The vectors of the places, where they are to be compared with each other. `[places, dims]`
    pub(super) codes: Codes,
    /// Width of a step of the codes.
    pub(super) step: f32,
    pub(super) work: Work,
}

/// A chunk and its cosine, with where its vector lies.
#[derive(Clone, Copy)]
struct Candidate {
    place: Place,
    cosine: f64,
    cell: u32,
    idx: usize,
}

impl Candidate {
    /// A number that grows with the cosine, equal for some that are nearly equal.
    fn nearness(&self) -> u32 {
        let bits = (self.cosine as f32).to_bits();
        if self.cosine < 0.0 {
            !bits
        } else {
            bits | 1 << 31
        }
    }
}

impl<H: Host> Index<H> {
    /// Whether there are vectors.
    pub fn has_vectors(&self) -> bool {
        self.segments.iter().any(|s| s.manifest.vectors.is_some())
    }

    /// Whether there are vectors, and no query table to search them with: the host must have their
    /// encoder.
    pub fn needs_encoder(&self) -> bool {
        self.has_vectors() && self.table().is_none()
    }

    /// What the dense leg needs to start on `asked`, for the first round: centroids, and the rows of
    /// its words, or the rotation where an encoder gives the vector.
    pub(super) fn dense_blocks(&self, asked: &str) -> Vec<BlockId> {
        let with_vectors = |s: &&Segment| s.manifest.vectors.is_some();
        let centroids = self
            .segments
            .iter()
            .filter(with_vectors)
            .map(|segment| segment.block(Kind::Centroids, 0));
        let mut blocks: Vec<BlockId> = match self.table() {
            Some((segment, table)) => row_blocks(segment, table.shape, &words(asked)),
            None => self.rotation_block().into_iter().collect(),
        };
        blocks.extend(centroids);
        blocks
    }

    /// What the segments with vectors share.
    fn vectors(&self) -> Option<&VectorsManifest> {
        let mut all = self.segments.iter().map(|s| s.manifest.vectors.as_ref());
        all.find_map(|vectors| vectors)
    }

    /// The block that holds the rotation of all vectors.
    fn rotation_block(&self) -> Option<BlockId> {
        Some(BlockId {
            segment: SegmentId(self.vectors()?.rotation),
            kind: Kind::Rotation,
            number: 0,
        })
    }

    /// The query table, and the segment that holds it.
    pub(super) fn table(&self) -> Option<(SegmentId, TableManifest)> {
        let (segment, table) = self.vectors()?.table?;
        // A table whose segment is gone is read by nobody: a merge keeps that segment. A tuned one
        // needs none.
        let is_tuned = self.manifest.tuning.table.is_some_and(|t| t.id == segment);
        let segment = SegmentId(segment);
        (is_tuned || self.segment(segment).is_some()).then_some((segment, table))
    }

    /// The vector of `asked` by the query table; `None` when it knows none of the words.
    pub(super) async fn by_table(
        &self,
        asked: &str,
        fetched: &mut Fetched,
    ) -> Result<Option<QueryVector>, EngineError> {
        let (Some((segment, table)), Some(vectors)) = (self.table(), self.vectors()) else {
            return Ok(None);
        };
        let words = words(asked);
        let blocks = row_blocks(segment, table.shape, &words);
        let read = self.blocks(&blocks, fetched).await?;
        let rows = |number: u32| {
            let at = blocks.iter().position(|block| block.number == number)?;
            match &*read[at] {
                Decoded::Table(block) => Some(block),
                _ => None,
            }
        };
        let encoded = encode(table.shape, &words, rows);
        let known = encoded.n_found > 0;
        Ok(known.then(|| QueryVector::of_codes(encoded.values, vectors.dims as usize)))
    }

    /// The vector of `asked` by the model that encoded the documents, if the host has it.
    pub(super) async fn by_encoder(
        &self,
        asked: &str,
        fetched: &mut Fetched,
    ) -> Result<Option<QueryVector>, EngineError> {
        let Some(block) = self.rotation_block() else {
            return Ok(None);
        };
        let model = self.manifest.settings.embedding.model;
        let Some(vector) = self.host().embed(model, asked).await else {
            return Ok(None);
        };
        let decoded = self.block(block, fetched).await?;
        let Decoded::Rotation(rotation) = &*decoded else {
            return Ok(None);
        };
        let fits = vector.len() == rotation.width();
        Ok(fits.then(|| QueryVector::new(&rotation.apply(&vector))))
    }

    /// Ranks the best `wanted` places by their nearness to `query`.
    pub(super) async fn dense(
        &self,
        query: &QueryVector,
        restrictions: &[Restriction],
        wanted: usize,
        options: &SearchOptions,
        fetched: &mut Fetched,
    ) -> Result<Dense, EngineError> {
        let chunks = options.chunks;
        let mut dense = Dense::default();
        let wanted = wanted.clamp(DEPTH, usize::MAX);
        let mut probes = self.probes(query, &mut dense.work, fetched).await?;
        let mut next = std::mem::take(&mut probes.first);
        let mut candidates: Vec<Candidate> = Vec::new();
        loop {
            let blocks: Vec<BlockId> = next
                .iter()
                .map(|probe| self.segments[probe.segment].block(Kind::Cells, probe.number))
                .collect();
            let read = self.blocks(&blocks, fetched).await?;
            for (probe, decoded) in next.iter().zip(&read) {
                if let Decoded::Cell(cell) = &**decoded {
                    dense.work.distances += cell.chunks.len() as u64;
                    self.scan(query, probe, cell, restrictions, &mut candidates);
                }
            }
            if probes.is_empty() || are_enough(&candidates, chunks) {
                break;
            }
            // Filters left too few: as many cells again.
            let n_more = read.len().max(1);
            let work = &mut dense.work;
            next = self.more(n_more, &mut probes, query, work, fetched).await?;
        }
        let rescore = usize::from(self.manifest.settings.embedding.rescore);
        if rescore > 0 {
            let rescored = self.rescore(query, rescore, &mut candidates, &mut dense.work, fetched);
            rare(rescored).await?;
        }
        let nearest = nearest(candidates, wanted, chunks);
        dense.places = nearest.iter().map(|c| (c.place, c.cosine)).collect();
        if options.diversity > 0.0 {
            rare(self.keep_codes(&nearest, &mut dense, fetched)).await?;
        }
        Ok(dense)
    }

    /// Keeps the codes of `candidates`, whose cells were read for this query.
    async fn keep_codes(
        &self,
        candidates: &[Candidate],
        dense: &mut Dense,
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        for candidate in candidates {
            let segment = &self.segments[candidate.place.segment];
            let block = segment.block(Kind::Cells, candidate.cell);
            let decoded = self.block(block, fetched).await?;
            let Decoded::Cell(cell) = &*decoded else {
                continue;
            };
            let dims = cell.vectors.codes.len() / cell.vectors.factors.len().max(1);
            let row = candidate.idx * dims..(candidate.idx + 1) * dims;
            dense.codes.codes.extend(&cell.vectors.codes[row]);
            dense
                .codes
                .factors
                .push(cell.vectors.factors[candidate.idx]);
            dense.step = segment.step();
        }
        Ok(())
    }

    /// Compares the vectors of a cell whose documents may be found.
    fn scan(
        &self,
        query: &QueryVector,
        probe: &Probe,
        cell: &littoral_indexes::vectors::Cell,
        restrictions: &[Restriction],
        candidates: &mut Vec<Candidate>,
    ) {
        let segment = &self.segments[probe.segment];
        let restriction = &restrictions[probe.segment];
        let allowed = Allowed {
            only: restriction.only.as_ref(),
            excluded: restriction.excluded.as_ref(),
            deleted: (segment.n_deleted > 0).then_some(&segment.deleted),
        };
        let step = segment.step();
        let scores = score_codes(query, &cell.vectors);
        for (idx, (&chunk_id, score)) in cell.chunks.iter().zip(scores).enumerate() {
            let (document, chunk) = segment.layout.document_of(chunk_id);
            if !allowed.contains(document) {
                continue;
            }
            candidates.push(Candidate {
                place: Place {
                    segment: probe.segment,
                    ranked: Ranked {
                        score: 0,
                        document,
                        chunk,
                    },
                },
                cosine: query.cosine(score, step),
                cell: probe.number,
                idx,
            });
        }
    }

    /// Computes the scores of the best `n` candidates anew from finer rows.
    async fn rescore(
        &self,
        query: &QueryVector,
        n: usize,
        candidates: &mut [Candidate],
        work: &mut Work,
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        sort(candidates);
        let end = candidates.len().min(n);
        let candidates = &mut candidates[..end];
        let block = |c: &Candidate| self.segments[c.place.segment].block(Kind::Rows, c.cell);
        let mut blocks: Vec<BlockId> = candidates.iter().map(block).collect();
        sort_by(&mut blocks, Ord::cmp);
        blocks.dedup();
        let read = self.blocks(&blocks, fetched).await?;
        let rows: Map<BlockId, _> = blocks.into_iter().zip(read).collect();
        let dims = query.row().len();
        for candidate in candidates.iter_mut() {
            let Some(Decoded::Rows(rows)) = rows.get(&block(candidate)).map(|d| &**d) else {
                continue;
            };
            let at = candidate.idx;
            let row = rows.rows.get(at * dims..(at + 1) * dims);
            if let (Some(row), Some(&scale)) = (row, rows.scales.get(at)) {
                let mut dot = [0];
                dot_rows(query.row(), row, &mut dot);
                candidate.cosine = query.row_cosine(dot[0], scale);
                work.distances += 1;
            }
        }
        Ok(())
    }
}

/// The blocks of the rows of `words`.
fn row_blocks(segment: SegmentId, shape: TableShape, words: &[String]) -> Vec<BlockId> {
    let block = |number| BlockId {
        segment,
        kind: Kind::Table,
        number,
    };
    blocks_of(shape, words).into_iter().map(block).collect()
}

fn sort(candidates: &mut [Candidate]) {
    sort_by(candidates, |a, b| {
        b.cosine
            .total_cmp(&a.cosine)
            .then(a.place.key().cmp(&b.place.key()))
    });
}

/// Whether there are as many documents, or chunks, among the candidates as are joined with words'.
fn are_enough(candidates: &[Candidate], chunks: bool) -> bool {
    let mut seen = Set::default();
    let mut documents = candidates.iter().filter(|c| {
        let document = (c.place.segment, c.place.ranked.document);
        chunks || seen.insert(document, ()).is_none()
    });
    documents.nth(DEPTH - 1).is_some()
}

/// The best `wanted` candidates, best first: the best of each document, or of all.
fn nearest(mut left: Vec<Candidate>, wanted: usize, chunks: bool) -> Vec<Candidate> {
    let mut seen = Set::default();
    let mut nearest: Vec<Candidate> = Vec::new();
    while nearest.len() < wanted && !left.is_empty() {
        // Twice as many as are wanted nearly always hold enough documents: the others need no order.
        let n = wanted.saturating_mul(2).min(left.len());
        let mut nearness: Vec<u32> = left.iter().map(Candidate::nearness).collect();
        let least = kth_largest(&mut nearness, n);
        let (mut near, far): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|c| c.nearness() >= least);
        sort(&mut near);
        for candidate in near {
            if nearest.len() == wanted {
                break;
            }
            let place = candidate.place;
            let document = (place.segment, place.ranked.document);
            if chunks || seen.insert(document, ()).is_none() {
                nearest.push(candidate);
            }
        }
        left = far;
    }
    nearest
}
