// Copies a buffer: what a kernel can read and write at most.

@group(0) @binding(0) var<storage, read> given: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> to: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let first = group.x * 1024u + thread;
    let a = given[first];
    let b = given[first + 256u];
    let c = given[first + 512u];
    let d = given[first + 768u];
    to[first] = a;
    to[first + 256u] = b;
    to[first + 512u] = c;
    to[first + 768u] = d;
}
