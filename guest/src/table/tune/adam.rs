//! Steps downhill, at a pace of its own for the map, for each gain and for each move.
//!
//! Adam gives each coordinate its pace, which makes noise of the many coordinates that few queries say
//! anything of. Here all coordinates of a map, or of the move of a row, share one: what pulls strongly
//! moves, and the rest stays.

use super::loss::Slopes;
use super::{State, TuneOptions, dot};
use crate::build::Workers;

/// How slowly the mean of the slopes, and that of their squares, forget.
const MEMORY: [f32; 2] = [0.9, 0.99];

/// What is remembered of a group of coordinates.
#[derive(Debug, Clone)]
pub(super) struct Group {
    rate: f32,
    /// Slope of the pull to nothing, by distance.
    pull: f32,
    /// Coordinates that share a pace.
    width: usize,
    means: Vec<f32>,
    /// Of the slopes of all that share a pace, the mean of their squares.
    squares: Vec<f32>,
}

impl Group {
    fn new(n: usize, width: usize, rate: f32, pull: f32) -> Self {
        Self {
            rate,
            pull,
            width: width.max(1),
            means: vec![0.0; n],
            squares: vec![0.0; n / width.max(1)],
        }
    }

    /// Moves `values` against `slopes`, `by` times the rate; `grown` is how much of the two means has
    /// been gathered.
    fn step(
        &mut self,
        values: &mut [f32],
        slopes: &[f32],
        by: f32,
        grown: [f32; 2],
        workers: &impl Workers,
    ) {
        let (rate, pull) = (self.rate * by, self.pull);
        if rate == 0.0 {
            return;
        }
        let values = values.chunks_mut(self.width).zip(slopes.chunks(self.width));
        let memory = self.means.chunks_mut(self.width).zip(&mut self.squares);
        workers.map(
            values.zip(memory).collect(),
            |((values, slopes), (means, square))| {
                let mut sum = 0.0;
                for i in 0..values.len() {
                    let slope = slopes[i] + pull * values[i];
                    means[i] = MEMORY[0] * means[i] + (1.0 - MEMORY[0]) * slope;
                    sum += slope * slope;
                }
                let mean = sum / values.len() as f32;
                *square = MEMORY[1] * *square + (1.0 - MEMORY[1]) * mean;
                let spread = (*square / grown[1]).sqrt() + 1e-8;
                for (value, mean) in values.iter_mut().zip(means) {
                    *value -= rate * (*mean / grown[0]) / spread;
                }
            },
        );
    }
}

/// See the [module](self).
pub(super) struct Adam {
    map: Group,
    gains: Group,
    moves: Group,
    decay: [f32; 2],
}

impl Adam {
    pub(super) fn new(state: &State, options: &TuneOptions) -> Self {
        let n_rows = state.gains.len();
        // Of many rows each is in few queries: the pull is shared out among them.
        let by_row = options.pull / n_rows.max(1) as f32;
        Self {
            map: Group::new(
                state.map.len(),
                state.map.len(),
                options.map_rate,
                options.pull,
            ),
            gains: Group::new(n_rows, 1, options.gain_rate, by_row),
            moves: Group::new(state.moves.len(), state.dims, options.move_rate, by_row),
            decay: [1.0; 2],
        }
    }

    pub(super) fn step(
        &mut self,
        state: &mut State,
        slopes: &Slopes,
        by: f32,
        workers: &impl Workers,
    ) {
        for (decay, memory) in self.decay.iter_mut().zip(MEMORY) {
            *decay *= memory;
        }
        let grown = self.decay.map(|decay| 1.0 - decay);
        let dims = state.dims;
        let mut of_gains = vec![0.0; state.gains.len()];
        let mut of_moves = vec![0.0; state.moves.len()];
        for (row, slope) in &slopes.rows {
            let row = *row as usize;
            let at = row * dims..(row + 1) * dims;
            of_gains[row] = dot(slope, &state.base[at.clone()]) * libm::expf(state.gains[row]);
            of_moves[at].copy_from_slice(slope);
        }
        self.map
            .step(&mut state.map, &slopes.map, by, grown, workers);
        self.gains
            .step(&mut state.gains, &of_gains, by, grown, workers);
        self.moves
            .step(&mut state.moves, &of_moves, by, grown, workers);
    }
}
