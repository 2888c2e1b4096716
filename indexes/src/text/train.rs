//! Chooses a dictionary.

/// Bytes of the pieces whose frequency counts.
const PIECE: usize = 6;
const BITS: u32 = 18;

#[inline]
fn slot(bytes: &[u8]) -> usize {
    let mut word = [0; 8];
    word[..PIECE].copy_from_slice(&bytes[..PIECE]);
    (u64::from_le_bytes(word).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS)) as usize
}

pub fn train(samples: &[&[u8]], dictionary_bytes: usize) -> Vec<u8> {
    train_with(samples, dictionary_bytes, 96)
}

pub fn train_with(samples: &[&[u8]], dictionary_bytes: usize, segment: usize) -> Vec<u8> {
    let mut count = vec![0u32; 1 << BITS];
    let mut seen = vec![u32::MAX; 1 << BITS];
    for (i, sample) in samples.iter().enumerate() {
        for piece in sample.windows(PIECE) {
            let slot = slot(piece);
            if seen[slot] != i as u32 {
                seen[slot] = i as u32;
                count[slot] += 1;
            }
        }
    }
    for c in &mut count {
        *c = c.saturating_sub(1);
    }
    // Lazy greedy: a segment's gain only falls as others are chosen.
    let mut mark = vec![0u32; 1 << BITS];
    let mut round = 0;
    let mut gain = |count: &[u32], bytes: &[u8]| -> u64 {
        round += 1;
        let mut sum = 0;
        for piece in bytes.windows(PIECE) {
            let slot = slot(piece);
            if mark[slot] != round {
                mark[slot] = round;
                sum += u64::from(count[slot]);
            }
        }
        sum
    };
    let mut heap = std::collections::BinaryHeap::new();
    for (i, sample) in samples.iter().enumerate() {
        let mut at = 0;
        while at + PIECE <= sample.len() {
            let end = (at + segment).min(sample.len());
            heap.push((gain(&count, &sample[at..end]), std::cmp::Reverse((i, at))));
            at += segment / 4;
        }
    }
    let mut chosen = Vec::new();
    let mut total = 0;
    while total < dictionary_bytes {
        let Some((old, key)) = heap.pop() else { break };
        let std::cmp::Reverse((i, at)) = key;
        let sample = samples[i];
        let end = (at + segment).min(sample.len());
        let mut bytes = &sample[at..end];
        let now = gain(&count, bytes);
        if now == 0 {
            continue;
        }
        if now < old && heap.peek().is_some_and(|next| next.0 > now) {
            heap.push((now, key));
            continue;
        }
        // Trim ends that gain nothing.
        while bytes.len() > PIECE && count[slot(bytes)] == 0 {
            bytes = &bytes[1..];
        }
        while bytes.len() > PIECE && count[slot(&bytes[bytes.len() - PIECE..])] == 0 {
            bytes = &bytes[..bytes.len() - 1];
        }
        for piece in bytes.windows(PIECE) {
            count[slot(piece)] = 0;
        }
        total += bytes.len();
        chosen.push(bytes);
    }
    chosen.reverse();
    let mut dictionary: Vec<u8> = chosen.concat();
    let excess = dictionary.len().saturating_sub(dictionary_bytes);
    dictionary.drain(..excess);
    dictionary
}
