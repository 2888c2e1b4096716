//! Sources of the encoder's kernels, with a model's sizes written into them.

use crate::scan::shader::dot4;
use littoral_guest::encoder::format::Activation;
use std::fmt::Write as _;

/// Rows and outputs of which a group of [`matmul`] makes the products.
pub(super) const TILE: usize = 128;

/// Queries of a group of [`attention`].
pub(super) const QUERIES: usize = 64;

/// Numbers of keys, or of values, in shared memory.
const KEY_NUMBERS: usize = 1792;

/// Widest head: of a wider one, 16 keys and values do not fit the shared memory that all devices have.
pub(super) const MAX_HEAD: usize = 112;

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

/// What every kernel begins with.
const EXACT: &str = wgsl!("exact");

/// As the CPU's, operation by operation.
const GELU: &str = "
fn activate(x: vec4<f32>) -> vec4<f32> {
    let c = clamp(x, vec4<f32>(-5.0), vec4<f32>(5.0));
    let s = keep4(c * c);
    var p = keep4(5.2314317e-5 * s) + 4.1396505e-3;
    p = keep4(p * s) + 2.9113122e-2;
    p = keep4(p * s) + 3.9894822e-1;
    var q = keep4(2.5881872e-6 * s) + 1.3785414e-3;
    q = keep4(q * s) + 2.5233714e-2;
    q = keep4(q * s) + 2.3971302e-1;
    q = keep4(q * s) + 1.0;
    return x * (0.5 + div4(c * p, q));
}";

const TANH: &str = "
fn activate(x: vec4<f32>) -> vec4<f32> {
    let e = exp4(clamp(x, vec4<f32>(-20.0), vec4<f32>(20.0)) * 2.0);
    return 1.0 - div4(vec4<f32>(2.0), e + 1.0);
}";

/// A float in WGSL, to the bit.
fn bits(x: f32) -> String {
    format!("bitcast<f32>({}u)", x.to_bits())
}

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
        Activation::Tanh => TANH,
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
                "{{ let quad = group.x * 32u + {}u + c; if (quad < {n_quads}u) {{ out[row * {n_quads}u + quad] = activate(keep4(vec4<f32>(s_{i}_{half}) * (outputs[quad] * step)) + outputs[{n_padded}u + quad]); }} }}",
                half * 16
            );
        }
        let _ = writeln!(write, "}} }}");
    }
    wgsl!("matmul")
        .replace("$K", &(n_in / 4).to_string())
        .replace("$PARTS", &parts(activation_max).to_string())
        .replace("$N_OUT", &n_out.to_string())
        .replace(
            "$FUNCTIONS",
            &format!("{EXACT}\n{}\n{nonlinearity}", dot4(has_dot)),
        )
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
var<workgroup> row: array<f32, WIDTH>;
fn given(r: u32, w: u32) -> vec4<f32> {
    let token = tokens[r];
    let bytes = token_rows[token.x * (WIDTH / 4u) + w];
    let x = vec4<i32>(bitcast<i32>(bytes << 24u), bitcast<i32>(bytes << 16u), bitcast<i32>(bytes << 8u), bitcast<i32>(bytes)) >> vec4<u32>(24u);
    return keep4(vec4<f32>(x) * bitcast<f32>(token.w)) + tables[token.y * (WIDTH / 4u) + w] + tables[token.z * (WIDTH / 4u) + w];
}";

const SUM: &str = "
@group(0) @binding(3) var<storage, read_write> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> norm: array<vec4<f32>>; // gain, then shift
@group(0) @binding(5) var<storage, read> product: array<vec4<f32>>;
var<workgroup> row: array<f32, WIDTH>;
fn given(r: u32, w: u32) -> vec4<f32> {
    return vectors[r * (WIDTH / 4u) + w] + product[r * (WIDTH / 4u) + w];
}";

const VALUES: &str = "@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;";

const NORMALIZE: &str = "
    for (var w = thread; w < WIDTH / 4u; w += 64u) {
        let x = given(r, w);
        row[4u * w] = x.x;
        row[4u * w + 1u] = x.y;
        row[4u * w + 2u] = x.z;
        row[4u * w + 3u] = x.w;
    }
    workgroupBarrier();
    var sum = 0.0;
    if (thread < 16u) {
        for (var c = thread; c < WIDTH; c += 16u) {
            sum += row[c];
        }
    }
    let mean = div(fold(thread, sum), f32(WIDTH));
    sum = 0.0;
    if (thread < 16u) {
        for (var c = thread; c < WIDTH; c += 16u) {
            let x = row[c] - mean;
            sum += keep(x * x);
        }
    }
    let variance = div(fold(thread, sum), f32(WIDTH));
    let inverse = div(1.0, root(variance + $EPSILON));
    for (var w = thread; w < WIDTH / 4u; w += 64u) {
        let x = keep4((made(w) - mean) * inverse * norm[w]) + norm[WIDTH / 4u + w];
        row[4u * w] = x.x;
        row[4u * w + 1u] = x.y;
        row[4u * w + 2u] = x.z;
        row[4u * w + 3u] = x.w;
        vectors[r * (WIDTH / 4u) + w] = x;
    }";

const FOLD: &str = "
fn made(w: u32) -> vec4<f32> {
    return vec4<f32>(row[4u * w], row[4u * w + 1u], row[4u * w + 2u], row[4u * w + 3u]);
}

fn fold(thread: u32, value: f32) -> f32 {
    workgroupBarrier();
    partial[thread] = value;
    workgroupBarrier();
    for (var n = 8u; n > 0u; n >>= 1u) {
        if (thread < n) {
            partial[thread] += partial[thread + n];
        }
        workgroupBarrier();
    }
    return partial[0];
}
";

/// Rows made, and cut to whole numbers of magnitude at most `activation_max`.
pub(super) fn rows(width: usize, activation_max: u32, source: Source) -> String {
    let (bindings, make, value) = match source {
        Source::Values => (
            VALUES.to_owned(),
            String::new(),
            "vectors[r * (WIDTH / 4u) + w]",
        ),
        Source::Tables(epsilon) | Source::Sum(epsilon) => {
            let bindings = if source == Source::Sum(epsilon) {
                SUM
            } else {
                TABLES
            };
            let bindings = format!("{bindings}{FOLD}");
            let make = NORMALIZE.replace("$EPSILON", &bits(epsilon));
            (bindings, make, "made(w)")
        }
    };
    let store = if parts(activation_max) == 1 {
        "codes[first + w * 16u] = pack(q);"
    } else {
        "let high = (q + vec4<i32>(32)) >> vec4<u32>(6u);
        codes[first + w * 16u] = pack(high);
        codes[first + (WIDTH / 4u + w) * 16u] = pack(q - high * 64);"
    };
    wgsl!("rows")
        .replace("$BINDINGS", &format!("{EXACT}\n{bindings}"))
        .replace("$MAKE", &make)
        .replace("$VALUE", value)
        .replace("$STORE", store)
        .replace("$MAX", &format!("{activation_max}.0"))
        .replace("$WIDTH", &width.to_string())
        .replace("$PARTS", &parts(activation_max).to_string())
}

/// The largest query or key of heads of `width`: products of two of them sum to less than 2³¹.
fn finest(width: usize) -> usize {
    (i32::MAX as usize / width).isqrt()
}

/// Queries, keys and values of `heads` cut to whole numbers.
pub(super) fn cut(hidden: usize, heads: usize) -> String {
    let width = hidden / heads;
    let root = 1.0 / (width as f32).sqrt();
    let source = wgsl!("cut")
        .replace("$HIDDEN", &hidden.to_string())
        .replace("$QUADS", &(width / 4).to_string())
        .replace("$HEADS", &heads.to_string())
        .replace("$FINEST", &format!("{}.0", finest(width)))
        .replace("$ROOT", &bits(root));
    format!("{EXACT}\n{source}")
}

/// Attention of `heads`.
pub(super) fn attention(hidden: usize, heads: usize) -> String {
    let width = hidden / heads;
    let quads = width / 4;
    // Whole sixteens, so that a key's lane is its place among them.
    let keys = (KEY_NUMBERS / width / 16 * 16).min(64);
    let [mut begin, mut of_16, mut fold, mut write] = [const { String::new() }; 4];
    for i in 0..quads {
        let _ = writeln!(
            begin,
            "let q_{i} = wide[own_at + {i}u]; var o_{i} = vec4<i32>(0);"
        );
        let _ = writeln!(write, "out[at + {i}u] = vec4<f32>(o_{i}) * own_step.z;");
    }
    for four in 0..4 {
        let _ = writeln!(begin, "var lanes_{four} = vec4<f32>(0.0);");
        let _ = writeln!(
            of_16,
            "{{ let k_0 = k + {}u; let at = k_0 * QUADS;",
            four * 4
        );
        for k in 0..4 {
            let products: Vec<_> = (0..quads)
                .map(|i| format!("q_{i} * keys[at + {}u]", k * quads + i))
                .collect();
            let _ = writeln!(of_16, "let p_{k} = {};", products.join(" + "));
        }
        let sums: Vec<_> = (0..4)
            .map(|k| format!("p_{k}.x + p_{k}.y + p_{k}.z + p_{k}.w"))
            .collect();
        let sizes: Vec<_> = (0..4).map(|k| format!("key_steps[k_0 + {k}u]")).collect();
        let _ = writeln!(
            of_16,
            "let sums = vec4<i32>({});
            let is_here = vec4<bool>(k_0 < n_here, k_0 + 1u < n_here, k_0 + 2u < n_here, k_0 + 3u < n_here);
            let x = keep4(vec4<f32>(sums) * (vec4<f32>({}) * own_step.x));
            if (turn == 0u) {{
                top = max(top, select(vec4<f32>(-1e30), x, is_here));
            }} else {{
                let e = select(vec4<f32>(0.0), exp4(x - top), is_here);
                if (turn == 1u) {{
                    lanes_{four} += e;
                }} else {{
                    let shares = vec4<i32>(round(e * per_step));",
            sums.join(", "),
            sizes.join(", ")
        );
        for i in 0..quads {
            let products: Vec<_> = (0..4)
                .map(|k| {
                    format!(
                        "shares.{} * values[at + {}u]",
                        ["x", "y", "z", "w"][k],
                        k * quads + i
                    )
                })
                .collect();
            let _ = writeln!(of_16, "o_{i} += {};", products.join(" + "));
        }
        let _ = writeln!(of_16, "}} }} }}");
    }
    let _ = writeln!(
        fold,
        "let eight_0 = lanes_0 + lanes_2; let eight_1 = lanes_1 + lanes_3; let four = eight_0 + eight_1; let two = four.xy + four.zw; per_step = div(32767.0, two.x + two.y);"
    );
    let source = wgsl!("attention")
        .replace("$HIDDEN", &hidden.to_string())
        .replace("$QUADS", &quads.to_string())
        .replace("$HEADS", &heads.to_string())
        .replace("$KEYS_OF_16", &of_16)
        .replace("$KEYS", &keys.to_string())
        .replace("$TILE", &(keys * quads).to_string())
        .replace("$BEGIN", &begin)
        .replace("$FOLD", &fold)
        .replace("$WRITE", &write);
    format!("{EXACT}\n{source}")
}

/// Pooling of vectors of `hidden`.
pub(super) fn pool(hidden: usize) -> String {
    let source = wgsl!("pool").replace("$HIDDEN", &hidden.to_string());
    format!("{EXACT}\n{source}")
}

/// Rows of `width` to length 1.
pub(super) fn unit(width: usize) -> String {
    let source = wgsl!("unit").replace("$WIDTH", &width.to_string());
    format!("{EXACT}\n{source}")
}
