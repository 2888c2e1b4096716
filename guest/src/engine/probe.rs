//! Which cells the dense leg reads: those with the nearest centroids, and more where filters leave
//! too few documents.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::result::Work;
use super::segment::Segment;
use crate::host::Host;
use crate::vectors::{QueryVector, ranked};
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::order::sort_by;
use littoral_indexes::vectors::{Axes, Codes};

/// A cell or a group of cells, and how near its centroid is, in units that segments share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Probe {
    pub(super) cosine: f64,
    pub(super) segment: usize,
    pub(super) number: u32,
}

/// Cells in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// What every query reads.
    pub(super) first: Vec<Probe>,
    /// Other cells whose centroids were read, nearest first.
    left: Vec<Probe>,
    /// Groups whose cells' centroids were not, nearest first.
    groups: Vec<Probe>,
    /// Groups that the next round reads.
    n_groups: usize,
}

impl Probes {
    /// Whether every cell was given out.
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty() && self.groups.is_empty()
    }
}

impl<H: Host> Index<H> {
    /// The cells near `query`. A cell counts as near only if its group does.
    pub(super) async fn probes(
        &self,
        query: &QueryVector,
        work: &mut Work,
        fetched: &mut Fetched,
    ) -> Result<Probes, EngineError> {
        let (mut cells, mut groups, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for (s, segment) in self.segments.iter().enumerate() {
            let Some(vectors) = &segment.manifest.vectors else {
                continue;
            };
            let decoded = self.block(segment.block(Kind::Centroids, 0), fetched);
            let Decoded::Centroids(centroids) = &*decoded.await? else {
                continue;
            };
            if centroids.axes.dims() != query.row().len() {
                continue;
            }
            let mut near = scored(query, &centroids.vectors, &centroids.axes, s, work);
            if vectors.n_groups == 0 {
                cells.extend(near);
            } else {
                let n = near.len().min(vectors.group_probes.max(1) as usize);
                groups.extend(near.drain(..n));
                left.extend(near);
            }
        }
        let n_groups = groups.len();
        cells.extend(self.cells_of(&groups, query, work, fetched).await?);
        sort(&mut cells);
        sort(&mut left);
        let mut probes = Probes {
            groups: left,
            n_groups,
            ..Probes::default()
        };
        let mut n_given = vec![0; self.segments.len()];
        for cell in cells {
            let vectors = self.segments[cell.segment].manifest.vectors.as_ref();
            if n_given[cell.segment] < vectors.map_or(0, |v| v.probes) {
                n_given[cell.segment] += 1;
                probes.first.push(cell);
            } else {
                probes.left.push(cell);
            }
        }
        Ok(probes)
    }

    /// The next `n` cells of `probes`, or as many as are left. Reads the centroids of further groups,
    /// as many as were read before, when those at hand run out.
    pub(super) async fn more(
        &self,
        n: usize,
        probes: &mut Probes,
        query: &QueryVector,
        work: &mut Work,
        fetched: &mut Fetched,
    ) -> Result<Vec<Probe>, EngineError> {
        if probes.left.len() < n && !probes.groups.is_empty() {
            let n_groups = probes.n_groups.clamp(1, probes.groups.len());
            probes.n_groups += n_groups;
            let groups: Vec<Probe> = probes.groups.drain(..n_groups).collect();
            let cells = self.cells_of(&groups, query, work, fetched).await?;
            probes.left.extend(cells);
            sort(&mut probes.left);
        }
        let n = n.min(probes.left.len());
        Ok(probes.left.drain(..n).collect())
    }

    /// The cells of `groups`; the first blocks of their segments' centroids were read before.
    async fn cells_of(
        &self,
        groups: &[Probe],
        query: &QueryVector,
        work: &mut Work,
        fetched: &mut Fetched,
    ) -> Result<Vec<Probe>, EngineError> {
        let block = |group: &Probe| {
            let segment: &Segment = &self.segments[group.segment];
            segment.block(Kind::Centroids, 1 + group.number)
        };
        let blocks: Vec<BlockId> = groups.iter().map(block).collect();
        let read = self.blocks(&blocks, fetched).await?;
        let mut cells = Vec::new();
        for (group, decoded) in groups.iter().zip(&read) {
            let of_segment = self.segments[group.segment].centroids.get();
            let (Decoded::Group(vectors), Some(of_segment)) = (&**decoded, of_segment) else {
                continue;
            };
            let first = of_segment.cells_of(group.number).start;
            let near = scored(query, vectors, &of_segment.axes, group.segment, work);
            cells.extend(near.into_iter().map(|cell| Probe {
                number: first + cell.number,
                ..cell
            }));
        }
        Ok(cells)
    }
}

/// The centroids `vectors` of segment `segment`, nearest first, numbered from 0.
fn scored(
    query: &QueryVector,
    vectors: &Codes,
    axes: &Axes,
    segment: usize,
    work: &mut Work,
) -> Vec<Probe> {
    work.distances += vectors.factors.len() as u64;
    let probe = |(score, number)| Probe {
        cosine: query.cosine(score, axes.step()),
        segment,
        number,
    };
    ranked(query, vectors).into_iter().map(probe).collect()
}

/// Nearest first.
fn sort(probes: &mut [Probe]) {
    sort_by(probes, |a, b| {
        b.cosine
            .total_cmp(&a.cosine)
            .then((a.segment, a.number).cmp(&(b.segment, b.number)))
    });
}
