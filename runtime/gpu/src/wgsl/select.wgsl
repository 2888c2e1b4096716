// The k best of a stripe of one query's candidates: greatest key first, equal keys by least id.
//
// A key is an order-preserving u32; 0 is nobody. The k-th greatest key is found bit by bit, each bit
// by counting; among keys equal to it, the greatest id that is still taken likewise. No sorting, and
// the set does not depend on the order in which threads run.

struct Parameters {
    n: u32,          // candidates of a query
    in_stride: u32,  // from query to query
    out_stride: u32,
    out_base: u32,   // where this run's results begin
    k: u32,
    first_id: u32,   // of the first candidate, where ids are positions
}

@group(0) @binding(0) var<storage, read> given: array<$ELEMENT>;
@group(0) @binding(1) var<storage, read_write> taken: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> p: Parameters;

var<workgroup> counts: array<atomic<u32>, 65>;
var<workgroup> n_taken: atomic<u32>;
var<workgroup> is_tied: u32;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first = group.x * $STRIPEu + thread;
    let row = group.y * p.in_stride;
    if (thread < 65u) {
        atomicStore(&counts[thread], 0u);
    }
    if (thread == 0u) {
        atomicStore(&n_taken, 0u);
    }
$LOAD
    workgroupBarrier();
    var least = 0u;
    for (var bit = 0u; bit < 32u; bit++) {
        let limit = least | (0x80000000u >> bit);
        var n = 0u;
$COUNT_KEYS
        if (n > 0u) {
            atomicAdd(&counts[bit], n);
        }
        workgroupBarrier();
        if (atomicLoad(&counts[bit]) >= p.k) {
            least = limit;
        }
    }
    var n_above = 0u;
    var n_equal = 0u;
$COUNT_ABOVE
    if (n_above > 0u) {
        atomicAdd(&counts[32], n_above);
    }
    if (n_equal > 0u && least > 0u) {
        atomicAdd(&counts[33], n_equal);
    }
    workgroupBarrier();
    let wanted = p.k - min(p.k, atomicLoad(&counts[32]));
    if (thread == 0u) {
        is_tied = select(0u, 1u, atomicLoad(&counts[33]) > wanted);
    }
    var last_id = 0xffffffffu;
    if (workgroupUniformLoad(&is_tied) == 1u) {
        last_id = 0u;
        for (var bit = 0u; bit < 31u; bit++) {
            let limit = last_id | (0x40000000u >> bit);
            var n = 0u;
$COUNT_IDS
            if (n > 0u) {
                atomicAdd(&counts[34u + bit], n);
            }
            workgroupBarrier();
            if (atomicLoad(&counts[34u + bit]) < wanted) {
                last_id = limit;
            }
        }
    }
    let out = group.y * p.out_stride + p.out_base + group.x * p.k;
$TAKE
    workgroupBarrier();
    for (var i = atomicLoad(&n_taken) + thread; i < p.k; i += 256u) {
        taken[out + i] = vec2<u32>(0u, 0u);
    }
}
