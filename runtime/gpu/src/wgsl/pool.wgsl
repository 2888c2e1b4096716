// A text's vector: the mean of its tokens' vectors, or the first of them.

const HIDDEN: u32 = $HIDDENu;

@group(0) @binding(1) var<storage, read> texts: array<vec4<u32>>; // first token, tokens, those pooled
@group(0) @binding(2) var<storage, read> vectors: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let text = texts[group.x];
    for (var c = thread; c < HIDDEN; c += 64u) {
        var sum = vectors[text.x * HIDDEN + c];
        for (var t = 1u; t < text.z; t++) {
            sum += vectors[(text.x + t) * HIDDEN + c];
        }
        out[group.x * HIDDEN + c] = div(sum, f32(text.z));
    }
}
