// Rows of whole numbers times a matrix of bytes: exact sums of 32 bits, then scale, bias and a
// nonlinearity.
//
// Rows and outputs lie in panels of 16, words of four bytes: word (panel, k, i) is at
// (panel * K + k) * 16 + i. A group makes 128 × 128 products, a thread 8 × 8 of them; K is walked in
// chunks of 8 words, the next of which is on its way while one is summed. Rows of 12 bits come in two
// parts, of which the first counts 64 times.

const K: u32 = $Ku;
const PARTS: u32 = $PARTSu;
const N_OUT: u32 = $N_OUTu;

@group(0) @binding(1) var<storage, read> codes: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> steps: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> outputs: array<vec4<f32>>; // scales, then biases
@group(0) @binding(5) var<storage, read_write> out: array<vec4<f32>>;

var<workgroup> rows: array<vec4<u32>, 256>;
var<workgroup> columns: array<vec4<u32>, 256>;

$FUNCTIONS

fn read_rows(panel: u32, part: u32, k: u32, quad: u32, n_rows: u32) -> vec4<u32> {
    if (panel * 16u < n_rows && k < K) {
        return codes[(panel * (K * PARTS) + part * K + k) * 4u + quad];
    }
    return vec4<u32>(0u);
}

fn read_columns(panel: u32, k: u32, quad: u32) -> vec4<u32> {
    if (panel * 16u < N_OUT && k < K) {
        return weights[(panel * K + k) * 4u + quad];
    }
    return vec4<u32>(0u);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let n_rows = batch.$ROWS;
    let panel = thread >> 5u;
    let quad = thread & 3u;
    let k_own = (thread >> 2u) & 7u;
    let row_panel = group.y * 8u + panel;
    let column_panel = group.x * 8u + panel;
    let at = k_own * 32u + panel * 4u + quad;
    let r = thread >> 4u;
    let c = thread & 15u;
$BEGIN
    for (var part = 0u; part < PARTS; part++) {
        if (part == 1u) {
$SHIFT
        }
        var next_rows = read_rows(row_panel, part, k_own, quad, n_rows);
        var next_columns = read_columns(column_panel, k_own, quad);
        for (var k = 0u; k < K; k += 8u) {
            workgroupBarrier();
            rows[at] = next_rows;
            columns[at] = next_columns;
            workgroupBarrier();
            next_rows = read_rows(row_panel, part, k + 8u + k_own, quad, n_rows);
            next_columns = read_columns(column_panel, k + 8u + k_own, quad);
$SUM
        }
    }
$WRITE
}
