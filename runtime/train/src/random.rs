//! Lots that are drawn from a seed.

/// A number that looks random and is the same for the same `seed` and `name`.
pub(crate) fn lot(seed: u64, name: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(name.as_bytes());
    let hash = hasher.finalize();
    u64::from_le_bytes(std::array::from_fn(|i| hash.as_bytes()[i]))
}

/// `n` numbers from `-size` to `size`.
pub(crate) fn uniform(seed: u64, name: &str, n: usize, size: f32) -> Vec<f32> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(name.as_bytes());
    let mut bytes = vec![0; 4 * n];
    hasher.finalize_xof().fill(&mut bytes);
    let (words, _) = bytes.as_chunks::<4>();
    let unit = |word: &[u8; 4]| (u32::from_le_bytes(*word) >> 8) as f32 / 8_388_608.0 - 1.0;
    words.iter().map(|word| unit(word) * size).collect()
}
