// Attention among the tokens of one text: a group has 64 queries of a head, a thread one of them.
//
// Keys and values pass through shared memory; softmax is kept up as they come (Milakov and
// Gimelshein, Online normalizer calculation for softmax, 2018).

const HIDDEN: u32 = $HIDDENu;
const QUADS: u32 = $QUADSu;  // of a head's width
const KEYS: u32 = $KEYSu;    // in shared memory at a time

@group(0) @binding(0) var<storage, read> items: array<vec4<u32>>; // first token, tokens, first query
@group(0) @binding(1) var<storage, read> wide: array<vec4<f32>>;  // query, key, value side by side
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;

var<workgroup> keys: array<vec4<f32>, $TILE>;
var<workgroup> values: array<vec4<f32>, $TILE>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let item = items[group.x];
    let n = item.y;
    let column = group.y * QUADS;
    let stride = HIDDEN / 4u * 3u;
    let own = min(item.z + thread, n - 1u);
    let own_at = (item.x + own) * stride + column;
$BEGIN
    var top = -1e30;
    var weight = 0.0;
    for (var first = 0u; first < n; first += KEYS) {
        workgroupBarrier();
        for (var i = thread; i < KEYS * QUADS; i += 64u) {
            let t = first + i / QUADS;
            var key = vec4<f32>(0.0);
            var value = vec4<f32>(0.0);
            if (t < n) {
                let at = (item.x + t) * stride + column + i % QUADS;
                key = wide[at + HIDDEN / 4u];
                value = wide[at + HIDDEN / 2u];
            }
            keys[i] = key;
            values[i] = value;
        }
        workgroupBarrier();
        let n_here = min(KEYS, n - first);
        for (var k = 0u; k < n_here; k += 4u) {
            let at = k * QUADS;
$SCORES
            let higher = max(top, max(max(s_0, s_1), max(s_2, s_3)));
            let keep = exp(top - higher);
            top = higher;
            let p_0 = exp(s_0 - top);
            let p_1 = exp(s_1 - top);
            let p_2 = exp(s_2 - top);
            let p_3 = exp(s_3 - top);
            weight = weight * keep + p_0 + p_1 + p_2 + p_3;
$MIX
        }
    }
    if (item.z + thread < n) {
        let at = (item.x + own) * (HIDDEN / 4u) + column;
$WRITE
    }
}
