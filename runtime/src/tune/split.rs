//! Cuts queries into those to train on and those held out, by document: no document that answers a
//! held-out query answers one of the others.
//!
//! Queries that share a document, directly or through others, stay together, and so do those of
//! documents that say the same. Which of these groups are held out a hash of the seed says.

use super::corpus::Corpus;
use super::sources::Asked;
use std::collections::{BTreeMap, HashMap};

/// The parts of a split.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// Places of the queries to train on, ascending.
    pub train: Vec<usize>,
    /// Places of those held out, ascending.
    pub held_out: Vec<usize>,
    /// Queries that are in neither: drafted ones whose documents answer held-out queries.
    pub n_left_out: u64,
}

/// Splits `asked` so that about `share` of the queries that people asked are held out; where nobody
/// asked any, of all.
pub(super) fn split(asked: &[Asked], corpus: &Corpus, share: f64, seed: u64) -> Split {
    let any_real = asked.iter().any(|asked| asked.source.is_real());
    let is_core = |asked: &Asked| asked.source.is_real() || !any_real;
    let mut groups = Groups::new(corpus);
    for asked in asked.iter().filter(|asked| is_core(asked)) {
        let mut documents = asked.relevant.keys();
        if let Some(&first) = documents.next() {
            documents.for_each(|&other| groups.join(first, other));
        }
    }
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for asked in asked.iter().filter(|asked| is_core(asked)) {
        if let Some(&first) = asked.relevant.keys().next() {
            *sizes.entry(groups.of(first)).or_default() += 1;
        }
    }
    let n: usize = sizes.values().sum();
    let wanted = (n as f64 * share).round() as usize;
    let mut order: Vec<(usize, usize)> = sizes.into_iter().collect();
    order.sort_by_cached_key(|&(group, _)| lot(seed, &corpus.documents[group].id));
    let mut held = vec![false; corpus.documents.len()];
    let mut n_held = 0;
    for (group, size) in order {
        if n_held + size <= wanted + wanted / 10 && n_held < wanted {
            held[group] = true;
            n_held += size;
        }
    }
    let mut split = Split::default();
    for (place, asked) in asked.iter().enumerate() {
        let mut documents = asked.relevant.keys();
        let is_held = documents.any(|&document| held[groups.of(document)]);
        match (is_held, is_core(asked)) {
            (true, true) => split.held_out.push(place),
            (true, false) => split.n_left_out += 1,
            (false, _) => split.train.push(place),
        }
    }
    split
}

/// A hash that stands for the drawing of a lot.
pub(super) fn lot(seed: u64, text: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(text.as_bytes());
    *hasher.finalize().as_bytes()
}

/// Documents that belong together: each leads to another of its group, at last to the first.
struct Groups(Vec<usize>);

impl Groups {
    /// Every document by itself, but for those that say the same.
    fn new(corpus: &Corpus) -> Self {
        let mut groups = Self((0..corpus.documents.len()).collect());
        let mut by_text: HashMap<String, usize> = HashMap::new();
        for (place, document) in corpus.documents.iter().enumerate() {
            let bodies = document
                .passages
                .iter()
                .map(|passage| passage.body.as_str());
            let text = bodies.collect::<Vec<_>>().join("\n");
            let first = *by_text.entry(text).or_insert(place);
            groups.join(first, place);
        }
        groups
    }

    fn of(&mut self, mut document: usize) -> usize {
        while self.0[document] != document {
            self.0[document] = self.0[self.0[document]];
            document = self.0[document];
        }
        document
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        // The first document stands for all, whatever the order of joining.
        self.0[a.max(b)] = a.min(b);
    }
}
