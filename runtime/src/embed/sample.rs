//! A sample of texts that depends on them alone: not on their order, nor on the number of threads.

use std::collections::BTreeMap;

/// The `limit` texts with the lowest hashes, without repetition.
#[derive(Debug, Clone)]
pub struct Sample {
    limit: usize,
    texts: BTreeMap<[u8; 16], String>,
}

impl Sample {
    /// An empty sample of at most `limit` texts.
    pub fn new(limit: usize) -> Self {
        let texts = BTreeMap::new();
        Self { limit, texts }
    }

    /// Considers `text`.
    pub fn add(&mut self, text: &str) {
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        let full = self.texts.len() >= self.limit;
        if full
            && self
                .texts
                .last_key_value()
                .is_none_or(|(last, _)| *last <= hash)
        {
            return;
        }
        self.texts.entry(hash).or_insert_with(|| text.to_owned());
        if self.texts.len() > self.limit {
            self.texts.pop_last();
        }
    }

    /// The texts, in the order of their hashes.
    pub fn into_texts(self) -> Vec<String> {
        self.texts.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let texts: Vec<String> = (0..100).map(|i| format!("text {}", i % 70)).collect();
        let (mut forwards, mut backwards) = (Sample::new(20), Sample::new(20));
        for (a, b) in texts.iter().zip(texts.iter().rev()) {
            forwards.add(a);
            backwards.add(b);
        }
        let sample = forwards.into_texts();
        assert_eq!(sample.len(), 20);
        assert_eq!(sample, backwards.into_texts());
    }
}
