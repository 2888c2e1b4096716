// A text's vector: the mean of its tokens' vectors, or the first of them.

const HIDDEN: u32 = $HIDDENu;

@group(0) @binding(0) var<storage, read> texts: array<vec2<u32>>; // first token, tokens that count
@group(0) @binding(1) var<storage, read> vectors: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let text = texts[group.x];
    for (var c = thread; c < HIDDEN; c += 64u) {
        var sum = 0.0;
        for (var t = 0u; t < text.y; t++) {
            sum += vectors[(text.x + t) * HIDDEN + c];
        }
        out[group.x * HIDDEN + c] = sum / f32(text.y);
    }
}
