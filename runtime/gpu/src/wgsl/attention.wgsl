// Attention among the tokens of one text, in whole numbers: a group has 64 queries of a head, a thread
// one of them. Keys pass through shared memory three times, for the largest score, the sum of the
// shares, and the shares themselves: a share depends on all scores, and in every bit on the order of
// their sum, so none can be kept up as keys come.

const HIDDEN: u32 = $HIDDENu;
const QUADS: u32 = $QUADSu;  // of a head's width
const HEADS: u32 = $HEADSu;
const KEYS: u32 = $KEYSu;    // in shared memory at a time

@group(0) @binding(1) var<storage, read> items: array<vec4<u32>>; // first token, tokens, first query
@group(0) @binding(2) var<storage, read> wide: array<vec4<i32>>;  // query, key, value side by side
@group(0) @binding(3) var<storage, read> steps: array<vec4<f32>>; // of query, key, value
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;

var<workgroup> keys: array<vec4<i32>, $TILE>;
var<workgroup> values: array<vec4<i32>, $TILE>;
var<workgroup> key_steps: array<f32, KEYS>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let item = items[group.x];
    let n = item.y;
    let column = group.y * QUADS;
    let stride = HIDDEN / 4u * 3u;
    let own = item.x + min(item.z + thread, n - 1u);
    let own_at = own * stride + column;
    let own_step = steps[own * HEADS + group.y];
    var top = vec4<f32>(-1e30);
    var per_step = 0.0;
$BEGIN
    for (var turn = 0u; turn < 3u; turn++) {
        for (var first = 0u; first < n; first += KEYS) {
            workgroupBarrier();
            for (var i = thread; i < KEYS * QUADS; i += 64u) {
                let t = first + i / QUADS;
                var key = vec4<i32>(0);
                var value = vec4<i32>(0);
                if (t < n) {
                    let at = (item.x + t) * stride + column + i % QUADS;
                    key = wide[at + HIDDEN / 4u];
                    if (turn == 2u) {
                        value = wide[at + HIDDEN / 2u];
                    }
                }
                keys[i] = key;
                values[i] = value;
            }
            if (thread < KEYS) {
                let t = item.x + min(first + thread, n - 1u);
                key_steps[thread] = steps[t * HEADS + group.y].y;
            }
            workgroupBarrier();
            let n_here = min(KEYS, n - first);
            for (var k = 0u; k < n_here; k += 16u) {
$KEYS_OF_16
            }
        }
        if (turn == 0u) {
            let higher = max(top.xy, top.zw);
            top = vec4<f32>(max(higher.x, higher.y));
        }
        if (turn == 1u) {
$FOLD
        }
    }
    if (item.z + thread < n) {
        let at = own * (HIDDEN / 4u) + column;
$WRITE
    }
}
