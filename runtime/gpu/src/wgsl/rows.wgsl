// One row a group of 64 threads: made, normalised where asked, and cut to whole numbers for the next
// matrix. Sums run in 16 lanes that are then added in halves, as on the CPU.

const WIDTH: u32 = $WIDTHu;
const PARTS: u32 = $PARTSu;

@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<storage, read_write> steps: array<f32>;
$BINDINGS

var<workgroup> partial: array<f32, 64>;

fn largest(thread: u32, value: f32) -> f32 {
    workgroupBarrier();
    partial[thread] = value;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if (thread < n) {
            partial[thread] = max(partial[thread], partial[thread + n]);
        }
        workgroupBarrier();
    }
    return partial[0];
}

fn pack(q: vec4<i32>) -> u32 {
    let b = bitcast<vec4<u32>>(q) & vec4<u32>(255u);
    return b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let r = group.x;
$MAKE
    var top = 0.0;
    for (var w = thread; w < WIDTH / 4u; w += 64u) {
        let x = abs($VALUE);
        top = max(top, max(max(x.x, x.y), max(x.z, x.w)));
    }
    top = largest(thread, top);
    // A row of nothing but noise has no steps.
    let is_there = top > 1e-30;
    let per_step = select(0.0, div($MAX, max(top, 1e-30)), is_there);
    if (thread == 0u) {
        steps[r] = select(0.0, div(top, $MAX), is_there);
    }
    let first = (r >> 4u) * (WIDTH / 4u * PARTS) * 16u + (r & 15u);
    for (var w = thread; w < WIDTH / 4u; w += 64u) {
        let q = vec4<i32>(round($VALUE * per_step));
$STORE
    }
}
