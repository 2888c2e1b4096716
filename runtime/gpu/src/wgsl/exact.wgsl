// Floats as on the CPU, in every bit: products that a driver may not fuse with a sum, and quotients and
// roots rounded to the nearest. WGSL allows both to be less.

struct Batch {
    n_tokens: u32,
    n_texts: u32,
    n_items: u32,
    zero: u32,  // 0, which no compiler knows
}

@group(0) @binding(0) var<uniform> batch: Batch;

// The same number; what made it is rounded before it is used.
fn keep4(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) ^ vec4<u32>(batch.zero));
}

fn keep(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ batch.zero);
}

// a - q b, exactly, where q b is near a (Dekker, A floating-point technique, 1971). Products of halves
// are exact, fused or not.
fn residual4(a: vec4<f32>, q: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let p = keep4(q * b);
    let wide_q = keep4(q * 4097.0);
    let wide_b = keep4(b * 4097.0);
    let high_q = wide_q - (wide_q - q);
    let high_b = wide_b - (wide_b - b);
    let low_q = q - high_q;
    let low_b = b - high_b;
    let error = ((high_q * high_b - p) + high_q * low_b + low_q * high_b) + low_q * low_b;
    return (a - p) - error;
}

fn div4(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let q = keep4(a / b);
    return q + keep4(residual4(a, q, b) / b);
}

fn div(a: f32, b: f32) -> f32 {
    return div4(vec4<f32>(a), vec4<f32>(b)).x;
}

fn root(x: f32) -> f32 {
    let s = keep(sqrt(x));
    let r = residual4(vec4<f32>(x), vec4<f32>(s), vec4<f32>(s)).x;
    return s + keep(r / (2.0 * s));
}

fn exp4(x: vec4<f32>) -> vec4<f32> {
    let t = max(keep4(x * 1.44269504), vec4<f32>(-126.0));
    let whole = round(t);
    let f = t - whole;
    var p = keep4(1.326697e-3 * f) + 9.67546e-3;
    p = keep4(p * f) + 5.5507426e-2;
    p = keep4(p * f) + 2.4022122e-1;
    p = keep4(p * f) + 6.9314695e-1;
    p = keep4(p * f) + 1.0;
    return bitcast<vec4<f32>>(bitcast<vec4<i32>>(p) + (vec4<i32>(whole) << vec4<u32>(23u)));
}
