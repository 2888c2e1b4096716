// Makes the length of every row 1, where it has one. The sum runs in 16 lanes, as on the CPU.

const WIDTH: u32 = $WIDTHu;   // of a row, zeros behind its end included

@group(0) @binding(1) var<storage, read_write> rows: array<f32>;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first = group.x * WIDTH;
    var sum = 0.0;
    if (thread < 16u) {
        for (var c = thread; c < WIDTH; c += 16u) {
            sum += keep(rows[first + c] * rows[first + c]);
        }
    }
    partial[thread] = sum;
    workgroupBarrier();
    for (var n = 8u; n > 0u; n >>= 1u) {
        if (thread < n) {
            partial[thread] += partial[thread + n];
        }
        workgroupBarrier();
    }
    let length = root(max(partial[0], 1e-37));
    if (partial[0] > 0.0) {
        for (var c = thread; c < WIDTH; c += 64u) {
            rows[first + c] = div(rows[first + c], length);
        }
    }
}
