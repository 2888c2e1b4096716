// Queries, keys and values of one head of one text, cut to whole numbers in place: queries and keys
// with a step per token, values with one for the text.

const HIDDEN: u32 = $HIDDENu;
const QUADS: u32 = $QUADSu;  // of a head's width
const HEADS: u32 = $HEADSu;
const FINEST: f32 = $FINEST;   // the largest query or key whose products still fit
const SHARE: f32 = 32767.0;

@group(0) @binding(1) var<storage, read> texts: array<vec4<u32>>; // first token, tokens, those pooled
@group(0) @binding(2) var<storage, read_write> wide: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> steps: array<vec4<f32>>; // of query, key, value

var<workgroup> partial: array<f32, 64>;

fn quad(at: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(wide[at]);
}

fn largest(x: vec4<f32>) -> f32 {
    let a = abs(x);
    return max(max(a.x, a.y), max(a.z, a.w));
}

// Cuts a token's numbers, and gives the step.
fn cut(first: u32, top: f32, limit: f32) -> f32 {
    let is_there = top > 1e-30;
    let per_step = select(0.0, div(limit, max(top, 1e-30)), is_there);
    for (var i = first; i < first + QUADS; i++) {
        wide[i] = bitcast<vec4<u32>>(vec4<i32>(round(quad(i) * per_step)));
    }
    return select(0.0, div(top, limit), is_there);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let text = texts[group.x];
    let column = group.y * QUADS;
    var top = 0.0;
    for (var t = thread; t < text.y; t += 64u) {
        let values = ((text.x + t) * 3u + 2u) * (HIDDEN / 4u) + column;
        for (var i = values; i < values + QUADS; i++) {
            top = max(top, largest(quad(i)));
        }
    }
    partial[thread] = top;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if (thread < n) {
            partial[thread] = max(partial[thread], partial[thread + n]);
        }
        workgroupBarrier();
    }
    top = partial[0];
    for (var t = thread; t < text.y; t += 64u) {
        let row = (text.x + t) * 3u * (HIDDEN / 4u) + column;
        var step = vec4<f32>(0.0);
        for (var part = 0u; part < 2u; part++) {
            let first = row + part * (HIDDEN / 4u);
            var own = 0.0;
            for (var i = first; i < first + QUADS; i++) {
                own = max(own, largest(quad(i)));
            }
            let size = cut(first, own, FINEST);
            if (part == 0u) {
                step.x = size * $ROOT;
            } else {
                step.y = size;
            }
        }
        step.z = div(cut(row + HIDDEN / 2u, top, SHARE), SHARE);
        steps[(text.x + t) * HEADS + group.y] = step;
    }
}
