//! Groups of cells near each other, where cells are too many for every query to read all centroids.

use super::kmeans;
use crate::build::Workers;
use littoral_indexes::vectors::rows::Rows;

/// Fewest cells that are grouped. Groups cost a round of reading and spare bytes: of 100,000 real
/// vectors in 3,125 cells a query for nine tenths of its nearest reads 167 kB without groups and
/// 103 kB with them. Below, centroids are 35 kB at most.
const MIN_CELLS: usize = 1_024;

/// Cells in their final order, and how they are grouped.
pub(super) struct Grouped {
    /// The vectors of each cell, by group.
    pub(super) cells: Vec<Vec<u32>>,
    /// Their centroids. `[n_cells, dims]`
    pub(super) centroids: Vec<f32>,
    /// Cells in each group; empty where all are one.
    pub(super) sizes: Vec<u32>,
}

/// Groups `cells`, about as many as each has members.
pub(super) fn group(
    cells: Vec<Vec<u32>>,
    rows: &Rows,
    dims: usize,
    workers: &impl Workers,
) -> Grouped {
    let centroids = |cells: &[Vec<u32>]| {
        let of = |cell: &Vec<u32>| kmeans::centroid(rows, dims, cell);
        workers.map(cells.iter().collect(), of).concat()
    };
    let vectors = centroids(&cells);
    if cells.len() < MIN_CELLS {
        return Grouped {
            cells,
            centroids: vectors,
            sizes: Vec::new(),
        };
    }
    let own = Rows::quantise(&vectors, dims);
    let groups = kmeans::cells(&own, dims, cells.len().isqrt(), workers);
    let sizes = groups.iter().map(|group| group.len() as u32).collect();
    let mut cells: Vec<Option<Vec<u32>>> = cells.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(cells.len());
    let mut centroids = Vec::with_capacity(vectors.len());
    for cell in groups.concat() {
        let cell = cell as usize;
        ordered.extend(cells[cell].take());
        centroids.extend(&vectors[cell * dims..(cell + 1) * dims]);
    }
    Grouped {
        cells: ordered,
        centroids,
        sizes,
    }
}

/// The centroid of each group of `centroids`, `[n_cells, dims]`: the direction of their sum.
pub(super) fn centroids(centroids: &[f32], sizes: &[u32], dims: usize) -> Vec<f32> {
    let rows = Rows::quantise(centroids, dims);
    let mut start = 0;
    let of = |&size: &u32| {
        let members: Vec<u32> = (start..start + size).collect();
        start += size;
        kmeans::centroid(&rows, dims, &members)
    };
    sizes.iter().map(of).collect::<Vec<_>>().concat()
}
