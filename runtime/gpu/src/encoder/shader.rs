//! Sources of the encoder's kernels, with a model's sizes written into them.

use crate::scan::shader::dot4;
use littoral_guest::encoder::format::Activation;
use std::fmt::Write as _;

/// Rows and outputs of which a group of [`matmul`] makes the products.
pub(super) const TILE: usize = 128;

/// Queries of a group of [`attention`].
pub(super) const QUERIES: usize = 64;

/// Floats of keys, or of values, in shared memory.
const KEY_FLOATS: usize = 2048;

/// What the rows of a kernel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Tokens,
    Texts,
}

impl Of {
    fn field(self) -> &'static str {
        match self {
            Self::Tokens => "n_tokens",
            Self::Texts => "n_texts",
        }
    }
}

/// Words of a row for one of its whole numbers: two where they have 12 bits.
pub(super) fn parts(activation_max: u32) -> usize {
    if activation_max > 127 { 2 } else { 1 }
}

const GELU: &str = "
fn activate(x: vec4<f32>) -> vec4<f32> {
    let c = clamp(x, vec4<f32>(-5.0), vec4<f32>(5.0));
    let s = c * c;
    let p = ((5.2314317e-5 * s + 4.1396505e-3) * s + 2.9113122e-2) * s + 3.9894822e-1;
    let q = (((2.5881872e-6 * s + 1.3785414e-3) * s + 2.5233714e-2) * s + 2.3971302e-1) * s + 1.0;
    return x * (0.5 + c * p / q);
}";

/// Rows times a matrix, `[n_rows, n_out]` in rows padded to whole fours.
pub(super) fn matmul(
    (n_in, n_out): (usize, usize),
    activation_max: u32,
    activation: Activation,
    of: Of,
    has_dot: bool,
) -> String {
    let nonlinearity = match activation {
        Activation::Gelu => GELU,
        Activation::Relu => {
            "fn activate(x: vec4<f32>) -> vec4<f32> { return max(x, vec4<f32>(0.0)); }"
        }
        Activation::Tanh => {
            "fn activate(x: vec4<f32>) -> vec4<f32> { return tanh(clamp(x, vec4<f32>(-15.0), vec4<f32>(15.0))); }"
        }
        Activation::Identity => "fn activate(x: vec4<f32>) -> vec4<f32> { return x; }",
    };
    // Writing to a string never fails.
    let [mut begin, mut shift, mut sums, mut write] = [const { String::new() }; 4];
    for i in 0..8 {
        for half in 0..2 {
            let _ = writeln!(begin, "var s_{i}_{half} = vec4<i32>(0);");
            let _ = writeln!(shift, "s_{i}_{half} *= 64;");
        }
    }
    for k in 0..8 {
        let at = k * 32;
        let _ = writeln!(
            sums,
            "{{ let a_0 = rows[{at}u + r]; let a_1 = rows[{}u + r]; let b_0 = columns[{at}u + c]; let b_1 = columns[{}u + c];",
            at + 16,
            at + 16
        );
        for i in 0..8 {
            let row = format!("a_{}.{}", i / 4, ["x", "y", "z", "w"][i % 4]);
            for half in 0..2 {
                let dot = |lane| format!("dot4({row}, b_{half}.{lane})");
                let _ = writeln!(
                    sums,
                    "s_{i}_{half} += vec4<i32>({}, {}, {}, {});",
                    dot("x"),
                    dot("y"),
                    dot("z"),
                    dot("w")
                );
            }
        }
        let _ = writeln!(sums, "}}");
    }
    let n_quads = n_out.div_ceil(4);
    let n_padded = n_out.next_multiple_of(16) / 4;
    for i in 0..8 {
        let offset = i / 4 * 64 + i % 4;
        let _ = writeln!(
            write,
            "{{ let row = group.y * 128u + {offset}u + r * 4u; if (row < n_rows) {{ let step = steps[row];"
        );
        for half in 0..2 {
            let _ = writeln!(
                write,
                "{{ let quad = group.x * 32u + {}u + c; if (quad < {n_quads}u) {{ out[row * {n_quads}u + quad] = activate(vec4<f32>(s_{i}_{half}) * (outputs[quad] * step) + outputs[{n_padded}u + quad]); }} }}",
                half * 16
            );
        }
        let _ = writeln!(write, "}} }}");
    }
    include_str!("../wgsl/matmul.wgsl")
        .replace("$K", &(n_in / 4).to_string())
        .replace("$PARTS", &parts(activation_max).to_string())
        .replace("$N_OUT", &n_out.to_string())
        .replace("$FUNCTIONS", &format!("{}\n{nonlinearity}", dot4(has_dot)))
        .replace("$ROWS", of.field())
        .replace("$BEGIN", &begin)
        .replace("$SHIFT", &shift)
        .replace("$SUM", &sums)
        .replace("$WRITE", &write)
}

/// What a row is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// Read as it is.
    Values,
    /// Rows of the three tables summed, then normalised with this epsilon.
    Tables(f32),
    /// A product added to the row that was, then normalised with this epsilon.
    Sum(f32),
}

const TABLES: &str = "
@group(0) @binding(3) var<storage, read_write> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> norm: array<vec4<f32>>; // gain, then shift
@group(0) @binding(5) var<storage, read> tokens: array<vec4<u32>>; // rows of the tables, the token's scale
@group(0) @binding(6) var<storage, read> token_rows: array<u32>;
@group(0) @binding(7) var<storage, read> tables: array<vec4<f32>>; // positions, then types
var<workgroup> row: array<vec4<f32>, WIDTH / 4u>;
fn given(r: u32, w: u32) -> vec4<f32> {
    let token = tokens[r];
    let bytes = token_rows[token.x * (WIDTH / 4u) + w];
    let x = vec4<i32>(bitcast<i32>(bytes << 24u), bitcast<i32>(bytes << 16u), bitcast<i32>(bytes << 8u), bitcast<i32>(bytes)) >> vec4<u32>(24u);
    return vec4<f32>(x) * bitcast<f32>(token.w) + tables[token.y * (WIDTH / 4u) + w] + tables[token.z * (WIDTH / 4u) + w];
}";

const SUM: &str = "
@group(0) @binding(3) var<storage, read_write> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> norm: array<vec4<f32>>; // gain, then shift
@group(0) @binding(5) var<storage, read> product: array<vec4<f32>>;
var<workgroup> row: array<vec4<f32>, WIDTH / 4u>;
fn given(r: u32, w: u32) -> vec4<f32> {
    return vectors[r * (WIDTH / 4u) + w] + product[r * (WIDTH / 4u) + w];
}";

const VALUES: &str = "@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;";

const NORMALIZE: &str = "
    var sum = 0.0;
    for (var w = thread; w < WIDTH / 4u; w += 64u) {
        row[w] = given(r, w);
        sum += dot(row[w], vec4<f32>(1.0));
    }
    let mean = total(thread, sum) / f32(WIDTH);
    sum = 0.0;
    for (var w = thread; w < WIDTH / 4u; w += 64u) {
        let x = row[w] - mean;
        sum += dot(x, x);
    }
    let inverse = 1.0 / sqrt(total(thread, sum) / f32(WIDTH) + $EPSILON);
    for (var w = thread; w < WIDTH / 4u; w += 64u) {
        let x = (row[w] - mean) * inverse * norm[w] + norm[WIDTH / 4u + w];
        row[w] = x;
        vectors[r * (WIDTH / 4u) + w] = x;
    }";

/// Rows made, and cut to whole numbers of magnitude at most `activation_max`.
pub(super) fn rows(width: usize, activation_max: u32, source: Source, of: Of) -> String {
    let (bindings, make, value) = match source {
        Source::Values => (VALUES, String::new(), "vectors[r * (WIDTH / 4u) + w]"),
        Source::Tables(epsilon) | Source::Sum(epsilon) => {
            let bindings = if source == Source::Sum(epsilon) {
                SUM
            } else {
                TABLES
            };
            let make = NORMALIZE.replace("$EPSILON", &format!("{epsilon:e}"));
            (bindings, make, "row[w]")
        }
    };
    let store = if parts(activation_max) == 1 {
        "codes[first + w * 16u] = pack(q);"
    } else {
        "let high = (q + vec4<i32>(32)) >> vec4<u32>(6u);
        codes[first + w * 16u] = pack(high);
        codes[first + (WIDTH / 4u + w) * 16u] = pack(q - high * 64);"
    };
    include_str!("../wgsl/rows.wgsl")
        .replace("$BINDINGS", bindings)
        .replace("$MAKE", &make)
        .replace("$VALUE", value)
        .replace("$STORE", store)
        .replace("$MAX", &format!("{activation_max}.0"))
        .replace("$WIDTH", &width.to_string())
        .replace("$PARTS", &parts(activation_max).to_string())
        .replace("$ROWS", of.field())
}

/// Attention of heads of `width`.
pub(super) fn attention(hidden: usize, width: usize) -> String {
    let quads = width / 4;
    let keys = (KEY_FLOATS / width / 4 * 4).clamp(4, 32);
    let [mut begin, mut scores, mut mix, mut write] = [const { String::new() }; 4];
    for i in 0..quads {
        let _ = writeln!(
            begin,
            "let q_{i} = wide[own_at + {i}u] * {:?}; var o_{i} = vec4<f32>(0.0);",
            1.0 / (width as f32).sqrt()
        );
        let products: Vec<_> = (0..4)
            .map(|k| format!("p_{k} * values[at + {}u]", k * quads + i))
            .collect();
        let _ = writeln!(mix, "o_{i} = o_{i} * keep + {};", products.join(" + "));
        let _ = writeln!(write, "out[at + {i}u] = o_{i} / weight;");
    }
    for k in 0..4 {
        let products: Vec<_> = (0..quads)
            .map(|i| format!("dot(q_{i}, keys[at + {}u])", k * quads + i))
            .collect();
        let _ = writeln!(
            scores,
            "let s_{k} = select(-1e30, {}, k + {k}u < n_here);",
            products.join(" + ")
        );
    }
    include_str!("../wgsl/attention.wgsl")
        .replace("$HIDDEN", &hidden.to_string())
        .replace("$QUADS", &quads.to_string())
        .replace("$KEYS", &keys.to_string())
        .replace("$TILE", &(keys * quads).to_string())
        .replace("$BEGIN", &begin)
        .replace("$SCORES", &scores)
        .replace("$MIX", &mix)
        .replace("$WRITE", &write)
}

/// Pooling of vectors of `hidden`.
pub(super) fn pool(hidden: usize) -> String {
    include_str!("../wgsl/pool.wgsl").replace("$HIDDEN", &hidden.to_string())
}

/// Rows of `width` to length 1.
pub(super) fn unit(width: usize) -> String {
    include_str!("../wgsl/unit.wgsl").replace("$WIDTH", &width.to_string())
}
