//! Weights of a matrix, 8 bits each with a scale per output, as the kernels read them.
//!
//! Outputs lie in panels of 16, inputs in groups of 4: a [`Line`] of 64 bytes has the weights of one
//! group for the outputs of one panel, `line[4 o + i]` that of output `o` and input `i`. One layout
//! serves every kernel: four products of neighbouring bytes are what `vpdpbusd` sums, and eight
//! bytes widen to the two pairs of two outputs that `pmaddwd` and `i32x4.dot_i16x8_s` sum.
//!
//! ```text
//! line (panel p, group g) = p n_groups + g
//!   o0i0 o0i1 o0i2 o0i3 | o1i0 o1i1 o1i2 o1i3 | … | o15i0 o15i1 o15i2 o15i3
//! ```

/// Outputs of a panel.
pub const PANEL: usize = 16;

/// Inputs of a group.
pub const GROUP: usize = 4;

/// The weights of one group of inputs for the outputs of one panel, in one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Line(pub [i8; 64]);

/// Weights with a scale and a bias per output.
#[derive(Debug, Clone)]
pub struct Matrix {
    n_out: usize,
    n_in: usize,
    activation_max: u32,
    scales: Vec<f32>,
    biases: Vec<f32>,
    /// The sum of each output's weights.
    sums: Vec<i32>,
    lines: Vec<Line>,
}

impl Matrix {
    /// Cuts `weights`, `[n_out, n_in]` row by row, to 8 bits. `n_in` is a multiple of 4.
    pub fn pack(weights: &[f32], biases: &[f32], n_in: usize, activation_max: u32) -> Self {
        let n_out = biases.len();
        let padded = n_out.next_multiple_of(PANEL);
        let n_groups = n_in / GROUP;
        let mut lines = vec![Line([0; 64]); padded / PANEL * n_groups];
        let mut scales = vec![0.0; padded];
        for (o, row) in weights.chunks_exact(n_in).enumerate() {
            let scale = row_scale(row);
            scales[o] = scale;
            for (i, value) in row_bytes(row, scale).enumerate() {
                let line = o / PANEL * n_groups + i / GROUP;
                lines[line].0[o % PANEL * GROUP + i % GROUP] = value;
            }
        }
        let mut biases = biases.to_vec();
        biases.resize(padded, 0.0);
        let sums = sums(&lines, n_groups);
        Self {
            n_out,
            n_in,
            activation_max,
            scales,
            biases,
            sums,
            lines,
        }
    }

    /// A matrix of parts as stored; `None` when a weight is −128 or a padding output has weights.
    pub(super) fn from_lines(
        n_out: usize,
        n_in: usize,
        activation_max: u32,
        scales: Vec<f32>,
        biases: Vec<f32>,
        lines: Vec<Line>,
    ) -> Option<Self> {
        let n_groups = n_in / GROUP;
        // The least weight, over whole lines, is compiled to vectors.
        let least = lines.iter().flat_map(|line| line.0).fold(0, i8::min);
        if least == -128 {
            return None;
        }
        let n_last = (n_out - 1) % PANEL + 1;
        let last = &lines[lines.len() - n_groups..];
        if last
            .iter()
            .any(|line| line.0[n_last * GROUP..].iter().any(|&w| w != 0))
        {
            return None;
        }
        let sums = sums(&lines, n_groups);
        Some(Self {
            n_out,
            n_in,
            activation_max,
            scales,
            biases,
            sums,
            lines,
        })
    }

    /// Number of outputs.
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// Number of outputs with those of padding: the width of a product's row.
    pub fn padded_out(&self) -> usize {
        self.scales.len()
    }

    /// Number of inputs.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// Number of groups of inputs: the lines of a panel.
    pub fn n_groups(&self) -> usize {
        self.n_in / GROUP
    }

    /// Largest magnitude of an input once cut: 127 or 2047.
    pub fn activation_max(&self) -> u32 {
        self.activation_max
    }

    /// What a weight's byte is times, per output, padding included.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// Added to each output, padding included.
    pub fn biases(&self) -> &[f32] {
        &self.biases
    }

    /// The sum of each output's weights, padding included.
    pub fn sums(&self) -> &[i32] {
        &self.sums
    }

    /// The weights, panel after panel.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The weight of output `o` and input `i`.
    pub fn weight(&self, o: usize, i: usize) -> i8 {
        let line = o / PANEL * self.n_groups() + i / GROUP;
        self.lines[line].0[o % PANEL * GROUP + i % GROUP]
    }
}

/// The scale that makes the largest magnitude of `row` 127.
pub fn row_scale(row: &[f32]) -> f32 {
    row.iter().fold(0.0f32, |max, value| max.max(value.abs())) / 127.0
}

/// The row in steps of `scale`.
pub fn row_bytes(row: &[f32], scale: f32) -> impl Iterator<Item = i8> + '_ {
    row.iter().map(move |&value| {
        let steps = if scale > 0.0 { value / scale } else { 0.0 };
        steps.round_ties_even().clamp(-127.0, 127.0) as i8
    })
}

fn sums(lines: &[Line], n_groups: usize) -> Vec<i32> {
    let mut sums = Vec::with_capacity(lines.len() / n_groups * PANEL);
    for panel in lines.chunks_exact(n_groups) {
        let mut of_panel = [0i32; PANEL];
        for line in panel {
            for (sum, weights) in of_panel.iter_mut().zip(line.0.as_chunks::<GROUP>().0) {
                *sum += weights.iter().map(|&w| i32::from(w)).sum::<i32>();
            }
        }
        sums.extend_from_slice(&of_panel);
    }
    sums
}
