//! Which words and pairs get a row.

use super::words::words;
use crate::build::Workers;
use littoral_indexes::table::MAX_TABLE_ROWS;
use rustc_hash::{FxHashMap, FxHashSet};

/// Least texts that a pair is in, to have a row.
const MIN_PAIR: u32 = 8;

/// Most pairs in the block of one word, so that blocks stay small. With 4,
/// half as many rows more, the held-out overlap of three collections stays within 0.4 points.
const MAX_PAIRS: usize = 2;

/// Most words of a table: seven rows of ten; the others are left for pairs.
pub const MAX_TABLE_WORDS: usize = MAX_TABLE_ROWS * 7 / 10;

/// Texts that are counted in one piece.
const TEXTS: usize = 1024;

/// The words and pairs of a corpus that get rows, and how often each is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vocabulary {
    /// Words, ascending. `[n_words]`
    words: Vec<String>,
    /// Occurrences of each. `[n_words]`
    counts: Vec<u32>,
    /// Pairs as numbers of words, with the one in whose block they lie, ascending.
    pairs: Vec<Pair>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    first: u32,
    second: u32,
    home: u32,
}

/// How often words and pairs are in the texts of a corpus.
#[derive(Debug, Default)]
pub struct Counts {
    /// The number of each word.
    numbers: FxHashMap<String, u32>,
    /// Occurrences of each word. `[n_words]`
    words: Vec<u32>,
    /// Texts that have each pair of numbers.
    pairs: FxHashMap<(u32, u32), u32>,
}

impl Counts {
    /// Counts the words and pairs of `texts`, whose order does not matter.
    #[expect(
        clippy::iter_over_hash_type,
        reason = "what is added up does not depend on the order"
    )]
    pub fn of(texts: &[&str], workers: &impl Workers) -> Self {
        let some = workers.map(texts.chunks(TEXTS).collect(), |texts: &[&str]| {
            let mut counts = Self::default();
            for text in texts {
                counts.count(text);
            }
            counts
        });
        let mut all = Self::default();
        for counts in some {
            let mut numbers = vec![0; counts.words.len()];
            for (word, i) in counts.numbers {
                let number = all.number(word);
                all.words[number as usize] += counts.words[i as usize];
                numbers[i as usize] = number;
            }
            for ((first, second), n) in counts.pairs {
                let pair = (numbers[first as usize], numbers[second as usize]);
                *all.pairs.entry(pair).or_default() += n;
            }
        }
        all
    }

    fn count(&mut self, text: &str) {
        let numbers = words(text).into_iter().map(|word| self.number(word));
        let numbers: Vec<u32> = numbers.collect();
        for &number in &numbers {
            self.words[number as usize] += 1;
        }
        let mut pairs: Vec<(u32, u32)> = numbers.windows(2).map(|two| (two[0], two[1])).collect();
        pairs.sort_unstable();
        pairs.dedup();
        for pair in pairs {
            *self.pairs.entry(pair).or_default() += 1;
        }
    }

    fn number(&mut self, word: String) -> u32 {
        let next = self.words.len() as u32;
        let number = *self.numbers.entry(word).or_insert(next);
        if number == next {
            self.words.push(0);
        }
        number
    }
}

impl Vocabulary {
    /// All words that were counted and those of `more`, and the pairs that are frequent. `more` are
    /// words that the corpus may not have but its readers ask by.
    ///
    /// Where a table would have more rows than [`MAX_TABLE_ROWS`], the rarest words and pairs are left
    /// out.
    pub fn new<'a>(counts: &Counts, more: impl IntoIterator<Item = &'a str>) -> Self {
        let known = counts.numbers.iter();
        let mut counted: Vec<(&str, u32)> = known
            .map(|(word, &i)| (word.as_str(), counts.words[i as usize]))
            .collect();
        let more = more.into_iter().flat_map(words);
        let more: FxHashSet<String> = more
            .filter(|word| !counts.numbers.contains_key(word))
            .collect();
        counted.extend(more.iter().map(|word| (word.as_str(), 0)));
        // The rarest go where there are too many; of equally rare ones, the last.
        counted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        counted.truncate(MAX_TABLE_WORDS);
        counted.sort_unstable();
        let counted = counted.into_iter().map(|(word, n)| (word.to_owned(), n));
        let (words, n) = counted.unzip();
        let mut vocabulary = Self {
            words,
            counts: n,
            pairs: Vec::new(),
        };
        vocabulary.choose_pairs(counts);
        vocabulary
    }

    /// Keeps the most frequent pairs of each home, the rarer of a pair's words: its block is fetched
    /// less often.
    fn choose_pairs(&mut self, counts: &Counts) {
        // The place of each number among the words that have rows.
        let mut places = vec![None; counts.words.len()];
        for (place, word) in (0_u32..).zip(&self.words) {
            if let Some(&number) = counts.numbers.get(word) {
                places[number as usize] = Some(place);
            }
        }
        let mut frequent: Vec<(u32, Pair)> = counts
            .pairs
            .iter()
            .filter(|&(_, &n)| n >= MIN_PAIR)
            .filter_map(|(&(first, second), &n)| {
                let (first, second) = (places[first as usize]?, places[second as usize]?);
                let home = [first, second].into_iter();
                let home = home.min_by_key(|&w| (self.counts[w as usize], w))?;
                let pair = Pair {
                    first,
                    second,
                    home,
                };
                Some((n, pair))
            })
            .collect();
        frequent.sort_unstable_by_key(|&(n, pair)| (u32::MAX - n, pair));
        let mut n_at_home = vec![0; self.words.len()];
        for (_, pair) in frequent {
            let n = &mut n_at_home[pair.home as usize];
            if *n < MAX_PAIRS && self.n_rows() < MAX_TABLE_ROWS {
                *n += 1;
                self.pairs.push(pair);
            }
        }
        self.pairs.sort_unstable();
    }

    fn number(&self, word: &str) -> Option<u32> {
        let at = self.words.binary_search_by(|w| w.as_str().cmp(word)).ok()?;
        Some(at as u32)
    }

    /// The words, ascending.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Occurrences of each word in the texts, `[n_words]`; 0 for those that only `more` had.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// How many rows there are: those of the words, and after them those of the pairs.
    pub fn n_rows(&self) -> usize {
        self.words.len() + self.pairs.len()
    }

    /// The numbers of the rows that a text is the sum of, and how many of them are words: these come
    /// first.
    pub fn rows_of(&self, text: &str) -> (Vec<u32>, u32) {
        let numbers: Vec<Option<u32>> = words(text).iter().map(|w| self.number(w)).collect();
        let mut out: Vec<u32> = numbers.iter().flatten().copied().collect();
        let n_words = out.len() as u32;
        for pair in numbers.windows(2) {
            if let &[Some(first), Some(second)] = pair {
                let key = (first, second);
                let at = self
                    .pairs
                    .binary_search_by_key(&key, |p| (p.first, p.second));
                out.extend(at.ok().map(|at| (self.words.len() + at) as u32));
            }
        }
        (out, n_words)
    }

    /// Home and key of each row, in the order of their numbers: see
    /// [`Entry`](littoral_indexes::table::Entry).
    pub fn places(&self) -> impl Iterator<Item = (&str, String)> {
        let words = self.words.iter().map(|word| (word.as_str(), word.clone()));
        let name = |word: u32| self.words[word as usize].as_str();
        let pairs = self.pairs.iter().map(move |pair| {
            let key = format!("{} {}", name(pair.first), name(pair.second));
            (name(pair.home), key)
        });
        words.chain(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::OneThread;

    fn of(texts: &[&str]) -> Vocabulary {
        Vocabulary::new(&Counts::of(texts, &OneThread), ["Ebb"])
    }

    #[test]
    fn pairs_that_are_frequent_lie_with_their_rarer_word() {
        let mut texts = vec!["the spring tide"; 8];
        texts.push("the tide");
        let vocabulary = of(&texts);
        assert_eq!(vocabulary.words(), ["ebb", "spring", "the", "tide"]);
        assert_eq!(vocabulary.counts(), [0, 8, 9, 9]);
        let places: Vec<_> = vocabulary.places().skip(4).collect();
        let expected = [("spring", "spring tide"), ("spring", "the spring")];
        assert_eq!(places, expected.map(|(home, key)| (home, key.to_owned())));
        let rows = vocabulary.rows_of("The spring tide, unheard");
        assert_eq!(rows, (vec![2, 1, 3, 5, 4], 3));
    }

    #[test]
    fn of_too_many_words_the_rarest_are_left_out() {
        let many: Vec<String> = (0..60_000).map(|i| format!("rare{i:05} common")).collect();
        let texts: Vec<&str> = many.iter().map(String::as_str).collect();
        let vocabulary = Vocabulary::new(&Counts::of(&texts, &OneThread), []);
        let n = MAX_TABLE_WORDS;
        assert_eq!(vocabulary.words().len(), n);
        assert_eq!(vocabulary.words()[0], "common");
        assert_eq!(vocabulary.words()[n - 1], format!("rare{:05}", n - 2));
    }

    #[test]
    fn the_order_of_texts_does_not_matter_and_no_word_has_too_many_pairs() {
        let texts: Vec<String> = (0..80).map(|i| format!("rare word{}", i / 10)).collect();
        let forwards: Vec<&str> = texts.iter().map(String::as_str).collect();
        let backwards: Vec<&str> = forwards.iter().rev().copied().collect();
        assert_eq!(of(&forwards), of(&backwards));
        assert_eq!(of(&forwards).n_rows(), 10 + 8);
        let texts: Vec<String> = (0..80).map(|i| format!("rare word{}", i % 10)).collect();
        let more: Vec<String> = (0..10).map(|i| format!("word{i} ").repeat(80)).collect();
        let all = texts
            .iter()
            .chain(&more)
            .map(String::as_str)
            .collect::<Vec<_>>();
        let places = of(&all);
        let at_home = places.places().skip(places.words().len());
        assert_eq!(
            at_home.filter(|(home, _)| *home == "rare").count(),
            MAX_PAIRS
        );
    }
}
