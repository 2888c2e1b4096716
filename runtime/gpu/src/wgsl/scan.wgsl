// Scores of a range of resident vectors with a tile of queries, as order-preserving keys.
//
// A thread has $N_ROWS rows and all queries of the tile, so one pass over the vectors serves them
// all. Rows lie in blocks of 64, a word of 16 bytes of each after the other, so that neighbouring
// threads read neighbouring words; queries come through shared memory.

struct Parameters {
    n: u32,         // rows of the range
    base: u32,      // its first row in this buffer, a multiple of 64
    first_id: u32,  // that row among all vectors
    stride: u32,    // keys from query to query
    words: u32,     // words of 16 bytes in a row
    is_filtered: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> queries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> keys: array<u32>;
@group(0) @binding(3) var<storage, read> allowed: array<u32>;
@group(0) @binding(4) var<uniform> p: Parameters;

var<workgroup> tile: array<vec4<u32>, $TILE>;

$FUNCTIONS

fn start_of(row: u32) -> u32 {
    return (row >> 6u) * (p.words * 64u) + (row & 63u);
}

fn is_allowed(row: u32) -> bool {
    let id = p.first_id + row;
    return p.is_filtered == 0u || ((allowed[id >> 5u] >> (id & 31u)) & 1u) == 1u;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first = group.x * $GROUP_ROWSu + thread;
    let last = p.n - 1u;
$BEGIN
    for (var word = 0u; word < p.words; word += $CHUNKu) {
$READ
        workgroupBarrier();
        for (var i = thread; i < $TILEu; i += 256u) {
            tile[i] = queries[word * $PER_WORDu + i];
        }
        workgroupBarrier();
$SUM
    }
$WRITE
}
