//! The scan's source for a kind of vectors and a shape of tile.

use super::Kind;
use std::fmt::Write as _;

/// Threads of a group.
const THREADS: usize = 256;

/// Words of 16 bytes that a row is read in at a time.
pub(super) const CHUNK: usize = 4;

/// How a kernel divides its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// Whether queries have 12 bits, which takes two products a word.
    pub(super) is_wide: bool,
    /// Queries of a tile.
    pub(super) n_queries: usize,
    /// Rows of a thread.
    pub(super) n_rows: usize,
}

impl Shape {
    /// Words of 16 bytes of a query for one of a row.
    pub(super) fn parts(self) -> usize {
        match self.kind {
            Kind::Int8 => 1 + usize::from(self.is_wide),
            Kind::F16 => 2,
            Kind::F32 => 1,
        }
    }

    /// Rows of a group.
    pub(super) fn group_rows(self) -> usize {
        THREADS * self.n_rows
    }
}

/// The product of two words of 4 × 8 bits where WGSL's own may not be written.
const UNPACKED_DOT: &str = "fn dot4(a: u32, b: u32) -> i32 {
    let x = vec4<i32>(bitcast<i32>(a << 24u), bitcast<i32>(a << 16u), bitcast<i32>(a << 8u), bitcast<i32>(a)) >> vec4<u32>(24u);
    let y = vec4<i32>(bitcast<i32>(b << 24u), bitcast<i32>(b << 16u), bitcast<i32>(b << 8u), bitcast<i32>(b)) >> vec4<u32>(24u);
    return dot(x, y);
}";

/// `dot4(a, b)`: the sum of the products of four signed bytes.
pub(crate) fn dot4(has_dot: bool) -> &'static str {
    if has_dot {
        "fn dot4(a: u32, b: u32) -> i32 { return dot4I8Packed(a, b); }"
    } else {
        UNPACKED_DOT
    }
}

/// `sum(row, query)`: the sum of the products of sixteen signed bytes.
pub(super) fn sum_of_word() -> &'static str {
    "fn sum(row: vec4<u32>, query: vec4<u32>) -> i32 { return dot4(row.x, query.x) + dot4(row.y, query.y) + dot4(row.z, query.z) + dot4(row.w, query.w); }"
}

pub(super) fn source(shape: Shape, has_dot: bool) -> String {
    let Shape {
        kind,
        n_queries,
        n_rows,
        ..
    } = shape;
    let parts = shape.parts();
    let per_word = n_queries * parts;
    let is_whole = kind == Kind::Int8;
    let functions = match kind {
        Kind::Int8 => format!(
            "{}\n{}\nfn key_of(score: i32) -> u32 {{ return bitcast<u32>(score) ^ 0x80000000u; }}",
            dot4(has_dot),
            sum_of_word()
        ),
        Kind::F16 => "fn sum(row: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> f32 { return dot(vec4<f32>(unpack2x16float(row.x), unpack2x16float(row.y)), bitcast<vec4<f32>>(low)) + dot(vec4<f32>(unpack2x16float(row.z), unpack2x16float(row.w)), bitcast<vec4<f32>>(high)); }".into(),
        Kind::F32 => "fn sum(row: vec4<u32>, query: vec4<u32>) -> f32 { return dot(bitcast<vec4<f32>>(row), bitcast<vec4<f32>>(query)); }".into(),
    };
    let key_of_float = "\nfn key_of(score: f32) -> u32 { let bits = bitcast<u32>(score); return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u); }";
    let functions = functions + if is_whole { "" } else { key_of_float };

    // Writing to a string never fails.
    let [mut begin, mut read, mut sums, mut write] = [const { String::new() }; 4];
    for r in 0..n_rows {
        let at = r * THREADS;
        let _ = writeln!(
            begin,
            "let row_{r} = first + {at}u; let start_{r} = start_of(p.base + min(row_{r}, last));"
        );
        for q in 0..n_queries {
            let zero = if is_whole { "0" } else { "0.0" };
            let _ = writeln!(begin, "var s_{r}_{q} = {zero};");
        }
        for j in 0..CHUNK {
            let _ = writeln!(
                read,
                "let v_{r}_{j} = rows[start_{r} + (word + {j}u) * 64u];"
            );
        }
        let _ = writeln!(
            write,
            "if (row_{r} < p.n) {{ let yes = is_allowed(row_{r});"
        );
        for q in 0..n_queries {
            let _ = writeln!(
                write,
                "keys[{q}u * p.stride + row_{r}] = select(0u, key_of(s_{r}_{q}), yes);"
            );
        }
        let _ = writeln!(write, "}}");
    }
    for j in 0..CHUNK {
        for q in 0..n_queries {
            let _ = writeln!(sums, "{{");
            for part in 0..parts {
                let at = (j * n_queries + q) * parts + part;
                let _ = writeln!(sums, "let q_{part} = tile[{at}u];");
            }
            for r in 0..n_rows {
                let _ = match (kind, parts) {
                    (Kind::Int8, 2) => writeln!(
                        sums,
                        "s_{r}_{q} += (sum(v_{r}_{j}, q_0) << 6u) + sum(v_{r}_{j}, q_1);"
                    ),
                    (Kind::F16, _) => writeln!(sums, "s_{r}_{q} += sum(v_{r}_{j}, q_0, q_1);"),
                    _ => writeln!(sums, "s_{r}_{q} += sum(v_{r}_{j}, q_0);"),
                };
            }
            let _ = writeln!(sums, "}}");
        }
    }
    wgsl!("scan")
        .replace("$N_ROWS", &n_rows.to_string())
        .replace("$TILE", &(CHUNK * per_word).to_string())
        .replace("$FUNCTIONS", &functions)
        .replace("$GROUP_ROWS", &shape.group_rows().to_string())
        .replace("$CHUNK", &CHUNK.to_string())
        .replace("$PER_WORD", &per_word.to_string())
        .replace("$BEGIN", &begin)
        .replace("$READ", &read)
        .replace("$SUM", &sums)
        .replace("$WRITE", &write)
}
