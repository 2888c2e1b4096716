// Makes the length of every row 1, where it has one.

const WIDTH: u32 = $WIDTHu;   // of a row, zeros behind its end included

@group(0) @binding(0) var<storage, read_write> rows: array<f32>;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first = group.x * WIDTH;
    var sum = 0.0;
    for (var c = thread; c < WIDTH; c += 64u) {
        sum += rows[first + c] * rows[first + c];
    }
    partial[thread] = sum;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if (thread < n) {
            partial[thread] += partial[thread + n];
        }
        workgroupBarrier();
    }
    let length = sqrt(partial[0]);
    if (length > 0.0) {
        for (var c = thread; c < WIDTH; c += 64u) {
            rows[first + c] /= length;
        }
    }
}
