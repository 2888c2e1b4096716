// The nearest of a range of directions for each resident vector, against what earlier ranges left.
//
// A thread has a row, and passes over the directions in tiles of $QUERIES, which come through shared memory.
// Products are exact; the score is a float as on the CPU, and the first of equals stays.

struct Parameters {
    n: u32,             // rows of this buffer
    words: u32,         // words of 16 bytes in a row
    first: u32,         // first direction of the range, a multiple of $QUERIES
    end: u32,           // behind its last
}

@group(0) @binding(0) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> directions: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> best: array<vec2<u32>>;
@group(0) @binding(4) var<uniform> p: Parameters;

var<workgroup> tile: array<vec4<u32>, $TILE>;

$FUNCTIONS

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = group.x * 256u + thread;
    let own = min(row, p.n - 1u);
    let start = (own >> 6u) * (p.words * 64u) + (own & 63u);
    var score = -3.4e38;
    var place = 0u;
    if (p.first > 0u) {
        score = bitcast<f32>(best[own].x);
        place = best[own].y;
    }
    for (var q = p.first; q < p.end; q += $QUERIESu) {
$BEGIN
        for (var word = 0u; word < p.words; word += $CHUNKu) {
            workgroupBarrier();
            if (thread < $TILEu) {
                tile[thread] = directions[(q * p.words / $QUERIESu + word) * $PER_WORDu + thread];
            }
            workgroupBarrier();
$SUM
        }
$TAKE
    }
    if (row < p.n) {
        best[row] = vec2<u32>(bitcast<u32>(score), place);
    }
}
