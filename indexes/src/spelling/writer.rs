//! Cuts a vocabulary into blocks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::block::{self, MAX_WORDS, Words};
use super::directory::{
    Entry, MAX_PRIOR_WORDS, N_RUNS, SHORT_CHARS, SpellingDirectory, is_storable, primed,
    prior_fits, reverse,
};
use super::model::{BitCoder, Model, hash};
use crate::coder::Encoder;

/// Room for the prior within the directory. More primes every block better and is read by every
/// visitor.
const PRIOR_BYTES: usize = 300;

/// The written sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpellingSections {
    /// For the manifest: read by [`SpellingDirectory::read`].
    pub directory: Vec<u8>,
    /// The blocks by number: the forward order first, then the reversed one.
    pub blocks: Vec<Vec<u8>>,
}

/// Writes the words of an index in both orders.
#[derive(Debug, Clone)]
pub struct SpellingWriter {
    target_block_bytes: usize,
    prior: Option<Vec<String>>,
}

impl SpellingWriter {
    /// A writer of blocks of about `target_block_bytes` (within a quarter of it, the last of a run
    /// may be smaller). Smaller blocks cost fewer bytes a typo and more bytes a word; 2,000 to
    /// 3,000 is a good middle.
    pub fn new(target_block_bytes: usize) -> Self {
        Self {
            target_block_bytes: target_block_bytes.max(16),
            prior: None,
        }
    }

    /// Keeps the prior of an earlier build, so that blocks whose words did not change keep their
    /// bytes.
    #[must_use]
    pub fn with_prior_of(mut self, previous: &SpellingDirectory) -> Self {
        self.prior = Some(previous.prior().to_vec());
        self
    }

    /// Writes `words` with their document frequencies; sorted by bytes, each once.
    ///
    /// Words that are empty, longer than 64 bytes or hold a NUL are left out.
    pub fn write(&self, words: &[(&str, u32)]) -> SpellingSections {
        let words: Vec<(&str, u8)> = words
            .iter()
            .filter(|(word, _)| is_storable(word))
            .map(|&(word, frequency)| (word, frequency_class(frequency)))
            .collect();
        let prior = self.prior.clone().unwrap_or_else(|| choose_prior(&words));
        let models = [primed(&prior, false), primed(&prior, true)];
        let mut runs: [Vec<Entry>; N_RUNS] = Default::default();
        let mut blocks = Vec::new();
        for (run, entries) in runs.iter_mut().enumerate() {
            let (reversed, long) = (run / 2 == 1, run % 2 == 1);
            let mut keys: Vec<(String, u8)> = words
                .iter()
                .filter(|(word, _)| (word.chars().count() > SHORT_CHARS) == long)
                .map(|&(word, class)| {
                    let key = if reversed {
                        reverse(word)
                    } else {
                        word.to_owned()
                    };
                    (key, class)
                })
                .collect();
            keys.sort_unstable();
            keys.dedup_by(|a, b| a.0 == b.0);
            let keys: Vec<(&[u8], u8)> = keys
                .iter()
                .map(|(key, class)| (key.as_bytes(), *class))
                .collect();
            let model = &models[run / 2];
            let mut start = 0;
            while start < keys.len() {
                let (n_keys, block) = self.cut(model, &keys[start..]);
                let end = start + n_keys;
                let separator = match start {
                    0 => Vec::new(),
                    _ => separator(keys[start - 1].0, keys[start].0)
                        .chars()
                        .collect(),
                };
                let class = keys[start..end].iter().map(|key| key.1).max().unwrap_or(0);
                entries.push(Entry { separator, class });
                blocks.push(block);
                start = end;
            }
        }
        SpellingSections {
            directory: SpellingDirectory::new(prior, runs).to_bytes(),
            blocks,
        }
    }

    /// How many of `keys` the next block takes, and the block.
    ///
    /// Among the places where it would be of about the right size, the one with the shortest
    /// separator: it makes the directory small, lets few prefixes straddle a cut, and hangs on the
    /// words around it only, so that the cuts of the next build fall on the same words.
    fn cut(&self, model: &Model, keys: &[(&[u8], u8)]) -> (usize, Vec<u8>) {
        let mut recorder = Recorder::default();
        let mut state = Words::new(model.clone());
        // Its rank, how many keys, and how many decisions tell them.
        let mut best: Option<((usize, u32), usize, usize)> = None;
        let block = |n_keys: usize, decisions: &[Decision]| {
            let mut encoder = block::begin(n_keys);
            for decision in decisions {
                encoder.bit_with(decision.p, decision.bit);
            }
            (n_keys, encoder.finish())
        };
        for (i, &(key, class)) in keys.iter().enumerate() {
            let len_bytes = recorder.encoder.len();
            let told = recorder.decisions.len();
            if i > 0 && len_bytes >= self.target_block_bytes * 3 / 4 {
                let separator = separator(keys[i - 1].0, key);
                let digest = separator
                    .bytes()
                    .fold(0, |h, byte| hash(h, u32::from(byte)));
                let rank = (separator.len(), digest);
                if best.is_none_or(|(least, ..)| rank < least) {
                    best = Some((rank, i, told));
                }
            }
            if i == MAX_WORDS || (i > 0 && len_bytes > self.target_block_bytes * 5 / 4) {
                let (at, told) = best.map_or((i, told), |(_, at, told)| (at, told));
                return block(at, &recorder.decisions[..told]);
            }
            state.next(&mut recorder, key);
            state.frequency(&mut recorder, class);
        }
        block(keys.len(), &recorder.decisions)
    }
}

/// A bit and the probability, of 4096, that it is set.
#[derive(Debug, Clone, Copy)]
struct Decision {
    p: u32,
    bit: bool,
}

/// Encodes and keeps the decisions: the model that gives the probabilities takes ten times longer
/// than coding them once more.
#[derive(Debug, Default)]
struct Recorder {
    encoder: Encoder,
    decisions: Vec<Decision>,
}

impl BitCoder for Recorder {
    fn code(&mut self, p: u32, bit: bool) -> bool {
        self.decisions.push(Decision { p, bit });
        self.encoder.code(p, bit)
    }
}

/// The whole part of the binary logarithm, at most 15.
fn frequency_class(document_frequency: u32) -> u8 {
    document_frequency.max(1).ilog2().min(15) as u8
}

/// The shortest prefix of `next` that is above `last`.
fn separator<'a>(last: &[u8], next: &'a [u8]) -> &'a str {
    let next = std::str::from_utf8(next).unwrap_or_default();
    let shared = last
        .iter()
        .zip(next.bytes())
        .take_while(|(a, b)| **a == *b)
        .count();
    let end = (shared + 1..=next.len()).find(|&end| next.is_char_boundary(end));
    &next[..end.unwrap_or(next.len())]
}

/// Words that show the letter sequences of all words best: greedily the one with the greatest sum,
/// a letter, of the counts of its trigrams, each trigram counting a quarter after each use.
fn choose_prior(words: &[(&str, u8)]) -> Vec<String> {
    let mut ids: HashMap<[char; 3], u32> = HashMap::new();
    let mut counts: Vec<u64> = Vec::new();
    let grams: Vec<Vec<u32>> = words
        .iter()
        .map(|(word, _)| {
            let mut padded = vec!['\0'];
            padded.extend(word.chars());
            padded.push('\0');
            padded
                .windows(3)
                .map(|gram| {
                    let next = counts.len() as u32;
                    let id = *ids.entry([gram[0], gram[1], gram[2]]).or_insert(next);
                    if id == next {
                        counts.push(0);
                    }
                    counts[id as usize] += 1;
                    id
                })
                .collect()
        })
        .collect();
    let gain = |counts: &[u64], word: usize| {
        let sum: u64 = grams[word].iter().map(|&gram| counts[gram as usize]).sum();
        sum * 64 / (grams[word].len() as u64 + 1)
    };
    let mut heap: BinaryHeap<(u64, Reverse<usize>)> = (0..words.len())
        .map(|word| (gain(&counts, word), Reverse(word)))
        .collect();
    let mut chosen: Vec<String> = Vec::new();
    while chosen.len() < 256 {
        let Some((was, Reverse(word))) = heap.pop() else {
            break;
        };
        let now = gain(&counts, word);
        if now < was {
            heap.push((now, Reverse(word)));
            continue;
        }
        for &gram in &grams[word] {
            counts[gram as usize] /= 4;
        }
        chosen.push(words[word].0.to_owned());
    }
    loop {
        let mut prior = chosen.clone();
        prior.sort_unstable();
        let limit = PRIOR_BYTES.min(words.len() / 16);
        if prior.len() <= MAX_PRIOR_WORDS && prior_fits(&prior, limit) {
            return prior;
        }
        chosen.truncate(chosen.len() * 15 / 16);
    }
}
