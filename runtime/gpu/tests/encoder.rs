//! MiniLM on a device against the CPU. Needs the packed model in the folder that `LITTORAL_MODELS`
//! names, and an adapter; an emulated one does.

use littoral_gpu::{Adapters, Gpu, GpuEncoder};
use littoral_guest::Encoder;

const TEXTS: &[&str] = &[
    "tide",
    "The littoral zone is the part of a sea, lake or river that is close to the shore.",
    "How do I renew a passport that expired while I was abroad?",
    "fn main() { println!(\"{}\", 1 + 1); } // prints two",
    "In coastal environments the littoral zone extends from the high water mark, which is rarely \
     inundated, to shoreline areas that are permanently submerged; it always includes the intertidal \
     zone, and is often used to mean the same as it. Wetlands are often in the littoral zone.",
    "Erosion moves about 4,000 m³ of sand a year past the groyne; see table 3.2 for 1998–2004.",
    "",
    "Der Wattwurm lebt im Sand, und zwar in Röhren, die er mit Schleim befestigt.",
];

#[test]
fn minilm_gives_the_vectors_of_the_cpu_in_every_bit() {
    let Some(folder) = std::env::var_os("LITTORAL_MODELS") else {
        eprintln!("not tested: LITTORAL_MODELS names no folder");
        return;
    };
    let Ok(bytes) = std::fs::read(std::path::Path::new(&folder).join("minilm.litmodel")) else {
        eprintln!("not tested: {folder:?} has no minilm.litmodel");
        return;
    };
    let Ok(gpu) = Gpu::open(Adapters::Any) else {
        eprintln!("not tested: there is no adapter");
        return;
    };
    let encoder = Encoder::load(&bytes).unwrap();
    let on_gpu = GpuEncoder::load(&gpu, encoder.model()).unwrap();
    let tokens = TEXTS
        .iter()
        .map(|text| encoder.tokenizer().encode(text, encoder.max_tokens()));
    let tokens: Vec<_> = tokens.collect();
    let found = on_gpu.encode(&tokens).unwrap();
    let exact = encoder.encode(&tokens);
    let pairs = found.chunks_exact(384).zip(exact.chunks_exact(384));
    for ((found, exact), text) in pairs.zip(TEXTS) {
        let bits = |vector: &[f32]| vector.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(found), bits(exact), "{text}");
    }
}
