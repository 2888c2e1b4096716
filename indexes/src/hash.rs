//! The start of BLAKE3 hashes: checksums of files and ids made from content.
//!
//! Natively and on servers the crate `blake3` computes them. It weighs 4 kB of what a page would load
//! before its first query; the plain definition below, from the specification, weighs one. Tests hold the one against the other.
//!
//! Source: O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere"
//! (2020), sections 2.1 to 2.4.

/// The first eight bytes of the hash of `parts`, one after the other.
pub fn first_eight(parts: &[&[u8]]) -> [u8; 8] {
    if crate::IS_SMALL {
        plain(&parts.concat())
    } else {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

const BLOCK_BYTES: usize = 64;
const CHUNK_BYTES: usize = 1024;

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;

const IV: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// Where each word of the message goes between rounds.
const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/// The words of the state that are mixed together: columns, then diagonals.
const QUARTERS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

fn plain(message: &[u8]) -> [u8; 8] {
    let [first, second, ..] = tree(message, 0, ROOT);
    (u64::from(second) << 32 | u64::from(first)).to_le_bytes()
}

/// The chaining value of the subtree over `message`, whose first chunk is the `chunk`-th of all.
/// `root` is [`ROOT`] for the whole tree and 0 below it.
fn tree(message: &[u8], chunk: u64, root: u32) -> [u32; 8] {
    let Some(whole) = (message.len().saturating_sub(1) / CHUNK_BYTES).checked_ilog2() else {
        return leaf(message, chunk, root);
    };
    // The left part is the largest whole tree that leaves something to the right.
    let (left, right) = message.split_at(CHUNK_BYTES << whole);
    let mut block = [0; BLOCK_BYTES];
    let left = tree(left, chunk, 0);
    let right = tree(right, chunk + (1 << whole), 0);
    for (bytes, word) in block.chunks_exact_mut(4).zip(left.iter().chain(&right)) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    compress(&IV, &block, 0, PARENT | root)
}

/// The chaining value of one chunk: at most [`CHUNK_BYTES`].
fn leaf(message: &[u8], chunk: u64, root: u32) -> [u32; 8] {
    let mut value = IV;
    let mut rest = message;
    let mut flags = CHUNK_START;
    while rest.len() > BLOCK_BYTES {
        let (block, after) = rest.split_at(BLOCK_BYTES);
        value = compress(&value, block, chunk, flags);
        flags = 0;
        rest = after;
    }
    compress(&value, rest, chunk, flags | CHUNK_END | root)
}

/// The compression function, of which only the chaining value is used. `block` is at most
/// [`BLOCK_BYTES`]; what it lacks is zero.
fn compress(value: &[u32; 8], block: &[u8], counter: u64, flags: u32) -> [u32; 8] {
    let mut padded = [0; BLOCK_BYTES];
    padded[..block.len()].copy_from_slice(block);
    let (words, _) = padded.as_chunks();
    let mut message: [u32; 16] = std::array::from_fn(|i| u32::from_le_bytes(words[i]));
    let mut state = [0; 16];
    state[..8].copy_from_slice(value);
    state[8..12].copy_from_slice(&IV[..4]);
    let [low, high] = [counter as u32, (counter >> 32) as u32];
    state[12..].copy_from_slice(&[low, high, block.len() as u32, flags]);
    for _ in 0..7 {
        for (&[a, b, c, d], words) in QUARTERS.iter().zip(message.chunks_exact(2)) {
            let (mut va, mut vb, mut vc, mut vd) = (state[a], state[b], state[c], state[d]);
            for (&word, [first, second]) in words.iter().zip([[16, 12], [8, 7]]) {
                va = va.wrapping_add(vb).wrapping_add(word);
                vd = (vd ^ va).rotate_right(first);
                vc = vc.wrapping_add(vd);
                vb = (vb ^ vc).rotate_right(second);
            }
            (state[a], state[b], state[c], state[d]) = (va, vb, vc, vd);
        }
        message = PERMUTATION.map(|from| message[from]);
    }
    std::array::from_fn(|i| state[i] ^ state[i + 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_hash_is_the_fast_one() {
        let bytes: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
        let lengths = [0, 1, 63, 64, 65, 127, 128, 1023, 1024, 1025, 2048, 2049];
        for n in lengths.into_iter().chain([3072, 3073, 4096, 8193, 20_000]) {
            assert_eq!(plain(&bytes[..n]), first_eight(&[&bytes[..n]]), "{n} bytes");
        }
    }

    #[test]
    fn parts_are_hashed_as_one() {
        assert_eq!(first_eight(&[b"ab", b"", b"c"]), first_eight(&[b"abc"]));
        // The published vector of the empty input.
        assert_eq!(
            first_eight(&[]),
            [0xAF, 0x13, 0x49, 0xB9, 0xF5, 0xF9, 0xA1, 0xA6]
        );
    }
}
