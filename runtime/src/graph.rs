//! A graph over very many centroids, so that a vector finds its cell without being compared with each.
//!
//! The centroids of a large index are moved ten times to the mean of the vectors nearest to them; what
//! that costs grows with vectors times centroids. In a graph of small worlds each vector meets a few
//! hundred centroids, however many there are. It need not find the nearest every time: a few vectors
//! assigned to the second nearest move no mean by much, and the cells themselves are filled by
//! comparing all.
//!
//! Source: Malkov, Yashunin, "Efficient and robust approximate nearest neighbor search using
//! Hierarchical Navigable Small World graphs" (IEEE TPAMI 42, 2020); the crate instant-distance.

use instant_distance::{Builder, Hnsw, Point, Search};
use littoral_guest::build::Direction;
use littoral_indexes::kernels::dot_rows;

/// Centroids from which a graph is faster than comparing all.
pub(crate) const MIN_CENTROIDS: usize = 4_096;

/// Candidates kept while the graph is built, and while a vector looks for its centroid.
const EF_CONSTRUCTION: usize = 64;
const EF_SEARCH: usize = 16;

/// What shuffles the centroids before they enter the graph.
const SEED: u64 = 20_261_129;

/// A direction twice: as what asks, 12 bits a dimension, and as what is asked, 8 bits.
#[derive(Clone)]
struct Place {
    asks: Vec<i16>,
    /// Empty in a vector that only asks.
    asked: Vec<i8>,
    /// Reciprocals of their lengths.
    scales: [f32; 2],
}

impl Place {
    fn of_centroid(centroid: &Direction) -> Self {
        let asked: Vec<i8> = centroid.row.iter().map(|&x| (x / 16) as i8).collect();
        Self {
            asks: centroid.row.clone(),
            scales: [centroid.scale, 1.0 / length(&asked)],
            asked,
        }
    }

    fn of_vector(row: &[i8]) -> Self {
        Self {
            asks: row.iter().map(|&x| i16::from(x) * 16).collect(),
            asked: Vec::new(),
            scales: [1.0 / (16.0 * length(row)), 0.0],
        }
    }
}

/// Of a row, at least 1.
fn length(row: &[i8]) -> f32 {
    let square: i32 = row.iter().map(|&x| i32::from(x) * i32::from(x)).sum();
    (square.max(1) as f32).sqrt()
}

impl Point for Place {
    /// 1 less the cosine.
    fn distance(&self, other: &Self) -> f32 {
        let (asks, asked) = if other.asked.is_empty() {
            (other, self)
        } else {
            (self, other)
        };
        let mut dot = [0];
        dot_rows(&asks.asks, &asked.asked, &mut dot);
        1.0 - dot[0] as f32 * asks.scales[0] * asked.scales[1]
    }
}

/// A graph over centroids.
pub(crate) struct Graph {
    hnsw: Hnsw<Place>,
    /// The centroid of each of the graph's places.
    centroids: Vec<u32>,
}

impl Graph {
    /// A graph over `centroids`; `None` where they are too few for it. One thread makes it, whatever
    /// the program has, so that it is always the same.
    pub(crate) fn over(centroids: &[Direction]) -> Option<Self> {
        if centroids.len() < MIN_CENTROIDS {
            return None;
        }
        // Without a thread there is no graph, and all are compared.
        let one = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .ok()?;
        let places = centroids.iter().map(Place::of_centroid).collect();
        let builder = Builder::default()
            .ef_construction(EF_CONSTRUCTION)
            .ef_search(EF_SEARCH)
            .seed(SEED);
        let (hnsw, ids) = one.install(|| builder.build_hnsw(places));
        let mut own = vec![0; ids.len()];
        for (centroid, id) in (0..).zip(ids) {
            own[id.into_inner() as usize] = centroid;
        }
        Some(Self {
            hnsw,
            centroids: own,
        })
    }

    /// About the nearest centroid of each of the rows in places `members` of `rows`, `[n, dims]`.
    pub(crate) fn nearest(&self, rows: &[i8], members: &[u32]) -> Vec<u32> {
        let dims = self
            .hnsw
            .iter()
            .next()
            .map_or(0, |(_, place)| place.asks.len());
        let mut search = Search::default();
        let mut nearest = |&member: &u32| {
            let start = member as usize * dims;
            let vector = Place::of_vector(&rows[start..start + dims]);
            let found = self.hnsw.search(&vector, &mut search).next();
            found.map_or(0, |item| self.centroids[item.pid.into_inner() as usize])
        };
        members.iter().map(&mut nearest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use littoral_guest::build::{Directions, OneThread, Workers};
    use littoral_indexes::kernels::QUERY_LIMIT;

    const DIMS: usize = 32;

    /// Rows drawn from a fixed sequence.
    fn rows(n: usize, mut state: u64) -> Vec<i8> {
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 32) % 255) as u8 as i8
        };
        (0..n * DIMS).map(|_| next().max(-127)).collect()
    }

    fn centroids(n: usize) -> Vec<Direction> {
        let direction = |row: &[i8]| Direction {
            row: row
                .iter()
                .map(|&x| i16::from(x) * (QUERY_LIMIT / 127))
                .collect(),
            scale: 1.0 / (f32::from(QUERY_LIMIT / 127) * length(row)),
        };
        rows(n, 7).chunks(DIMS).map(direction).collect()
    }

    #[test]
    fn few_centroids_are_compared_one_by_one() {
        assert!(Graph::over(&centroids(MIN_CENTROIDS - 1)).is_none());
        let asked = Directions {
            rows: &[],
            members: &[],
        };
        assert!(OneThread.nearest(asked, &centroids(1)).is_none());
    }

    #[test]
    fn most_vectors_find_their_nearest_and_any_number_of_threads_finds_the_same() {
        let centroids = centroids(MIN_CENTROIDS);
        // Vectors near centroids, as those of a cell are.
        let own = rows(MIN_CENTROIDS, 7);
        let noise = rows(MIN_CENTROIDS, 99);
        let asked: Vec<i8> = own
            .iter()
            .zip(&noise)
            .map(|(&a, &b)| a / 2 + b / 4)
            .collect();
        let members: Vec<u32> = (0..MIN_CENTROIDS as u32).step_by(4).collect();
        let found: Vec<Vec<u32>> = [1, 3]
            .map(|n_threads| {
                let pool = crate::pipeline::Pool::new(n_threads).unwrap();
                let asked = Directions {
                    rows: &asked,
                    members: &members,
                };
                pool.nearest(asked, &centroids).unwrap()
            })
            .to_vec();
        assert_eq!(found[0], found[1]);
        let exact = |&member: &u32| {
            let row = &asked[member as usize * DIMS..][..DIMS];
            let score = |c: &Direction| {
                let mut dot = [0];
                dot_rows(&c.row, row, &mut dot);
                dot[0] as f32 * c.scale
            };
            let scores = centroids.iter().map(score);
            let best = (0u32..).zip(scores).max_by(|a, b| a.1.total_cmp(&b.1));
            best.map_or(0, |(i, _)| i)
        };
        let same = members
            .iter()
            .zip(&found[0])
            .filter(|(m, f)| exact(m) == **f);
        let share = same.count() as f64 / members.len() as f64;
        assert!(share > 0.9, "{share}");
    }
}
