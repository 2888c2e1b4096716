//! Properties of the whole: nothing one edit away is missed, nothing hostile panics.

use proptest::prelude::*;

use super::*;
use crate::error::IndexError;

fn fetch(
    directory: &SpellingDirectory,
    sections: &SpellingSections,
    blocks: &[u32],
) -> Result<Vec<SpellingBlock>, IndexError> {
    let read =
        |&block: &u32| SpellingBlock::read(block, &sections.blocks[block as usize], directory);
    blocks.iter().map(read).collect()
}

/// The vocabulary, sorted, each word once, with some document frequency.
fn counted(words: &[String]) -> Vec<(&str, u32)> {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.sort_unstable();
    words.dedup();
    let frequency = |word: &str| {
        word.bytes()
            .fold(7u32, |h, b| (h * 31 + u32::from(b)) % 977)
    };
    words.iter().map(|&word| (word, frequency(word))).collect()
}

fn vocabulary() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        3 => "[abc]{1,7}",
        2 => "[a-e]{4,10}",
        1 => "[а-г]{1,8}",
        1 => "[aя中]{1,22}",
    ];
    prop::collection::vec(word, 0..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_word_comes_back_in_both_orders(words in vocabulary(), target in 16usize..200) {
        let words = counted(&words);
        let sections = write(&words, target);
        let directory = SpellingDirectory::read(&sections.directory).unwrap();
        prop_assert_eq!(directory.n_blocks() as usize, sections.blocks.len());
        let all: Vec<u32> = (0..directory.n_blocks()).collect();
        for order in [false, true] {
            let mut seen = Vec::new();
            for block in fetch(&directory, &sections, &all).unwrap() {
                for (key, class) in block.keys().filter(|_| block.is_reversed() == order) {
                    let word = if order { directory::reverse(key) } else { key.to_owned() };
                    seen.push((word, class));
                }
            }
            seen.sort_unstable();
            let expected: Vec<(String, u8)> = words
                .iter()
                .map(|&(word, n)| (word.to_owned(), n.max(1).ilog2() as u8))
                .collect();
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn no_word_one_edit_away_is_missed(
        words in vocabulary(),
        typed in prop::collection::vec("[abcг]{1,8}", 8),
        target in 16usize..120,
    ) {
        let words = counted(&words);
        let sections = write(&words, target);
        let directory = SpellingDirectory::read(&sections.directory).unwrap();
        let own = words.iter().map(|(word, _)| (*word).to_owned());
        for typed in own.step_by(9).chain(typed) {
            let blocks = directory.blocks_for_correction(&typed, usize::MAX);
            let found = corrections(&typed, &fetch(&directory, &sections, &blocks).unwrap());
            let mut found: Vec<String> =
                found.into_iter().filter(|c| c.edits == 1).map(|c| c.word).collect();
            found.sort_unstable();
            let expected: Vec<String> = words
                .iter()
                .filter(|(word, _)| damerau(word, &typed, 1) == Some(1))
                .map(|(word, _)| (*word).to_owned())
                .collect();
            prop_assert_eq!(found, expected, "{}", typed);
        }
    }

    #[test]
    fn completions_are_those_of_the_sorted_list(
        words in vocabulary(), prefix in "[abcа]{0,3}", target in 16usize..120, limit in 0usize..9,
    ) {
        let words = counted(&words);
        let sections = write(&words, target);
        let directory = SpellingDirectory::read(&sections.directory).unwrap();
        let blocks = directory.blocks_for_prefix(&prefix, usize::MAX);
        let found = completions(&prefix, &fetch(&directory, &sections, &blocks).unwrap(), limit);
        let mut expected: Vec<(std::cmp::Reverse<u32>, usize, &str)> = words
            .iter()
            .filter(|(word, _)| word.starts_with(&prefix) && *word != prefix)
            .map(|&(word, n)| (std::cmp::Reverse(n.max(1).ilog2()), word.chars().count(), word))
            .collect();
        expected.sort_unstable();
        let expected: Vec<&str> = expected.into_iter().map(|e| e.2).take(limit).collect();
        let found: Vec<String> = found.into_iter().map(|c| c.word).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn hostile_bytes_are_refused_or_answered(
        directory_bytes in prop::collection::vec(any::<u8>(), 0..80),
        block in prop::collection::vec(any::<u8>(), 0..80),
        typed in ".{0,70}",
    ) {
        let honest = write(&[("shore", 3), ("shorebird", 1)], 100);
        let honest = SpellingDirectory::read(&honest.directory).unwrap();
        for number in [0, 1] {
            if let Ok(block) = SpellingBlock::read(number, &block, &honest) {
                corrections(&typed, &[&block]);
                completions(&typed, &[&block], 5);
            }
        }
        if let Ok(directory) = SpellingDirectory::read(&directory_bytes) {
            let blocks = directory.blocks_for_correction(&typed, 4);
            let read = |&b: &u32| SpellingBlock::read(b, &block, &directory).ok();
            let blocks: Vec<SpellingBlock> = blocks.iter().filter_map(read).collect();
            corrections(&typed, &blocks);
            directory.blocks_for_prefix(&typed, 4);
        }
    }

    #[test]
    fn flipped_bytes_are_refused_or_answered(
        words in vocabulary(), at in any::<prop::sample::Index>(), flip in 1u8..,
    ) {
        let words = counted(&words);
        let mut sections = write(&words, 60);
        let directory = SpellingDirectory::read(&sections.directory).unwrap();
        for block in &mut sections.blocks {
            if !block.is_empty() {
                let at = at.index(block.len());
                block[at] ^= flip;
            }
        }
        let blocks = directory.blocks_for_correction("abcab", 6);
        if let Ok(blocks) = fetch(&directory, &sections, &blocks) {
            corrections("abcab", &blocks);
        }
        if !sections.directory.is_empty() {
            let at = at.index(sections.directory.len());
            sections.directory[at] ^= flip;
            let _ = SpellingDirectory::read(&sections.directory);
        }
    }
}

/// Three thousand pronounceable words, the same on every host.
fn syllables() -> Vec<String> {
    let onsets: Vec<char> = "bcdfghlmnprstvz".chars().collect();
    let rimes = ["a", "en", "i", "or", "ul", "es", "at"];
    let mut state = 1u64;
    let mut draw = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut words = vec![String::new(); 3000];
    for word in &mut words {
        for _ in 0..=draw(4) {
            word.push(onsets[draw(15)]);
            word.push_str(rimes[draw(7)]);
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

#[test]
fn a_few_blocks_correct_nearly_every_slip() {
    let words = syllables();
    let words = counted(&words);
    let sections = write(&words, 400);
    let directory = SpellingDirectory::read(&sections.directory).unwrap();
    let (mut n_typed, mut n_found, mut n_blocks) = (0, 0, 0);
    for (i, &(word, _)) in words
        .iter()
        .enumerate()
        .filter(|(_, (word, _))| word.len() >= 4)
        .step_by(5)
    {
        let mut typed: Vec<char> = word.chars().collect();
        let at = i % (typed.len() - 1);
        match i % 4 {
            0 => typed.swap(at, at + 1),
            1 => typed[at] = 'q',
            2 => typed.insert(at, 'y'),
            _ => drop(typed.remove(at)),
        }
        let typed: String = typed.into_iter().collect();
        let blocks = directory.blocks_for_correction(&typed, 6);
        let found = corrections(&typed, &fetch(&directory, &sections, &blocks).unwrap());
        n_typed += 1;
        n_blocks += blocks.len();
        n_found += usize::from(typed == word || found.iter().any(|c| c.word == word));
    }
    assert!(n_found * 100 >= n_typed * 99, "{n_found} of {n_typed}");
    assert!(
        n_blocks <= n_typed * 4,
        "{n_blocks} blocks for {n_typed} words"
    );
}

#[test]
fn one_more_word_leaves_nearly_all_blocks_as_they_were() {
    let words = syllables();
    let mut words = counted(&words);
    let before = SpellingWriter::new(200).write(&words);
    let directory = SpellingDirectory::read(&before.directory).unwrap();
    words.push(("marram", 1));
    words.sort_unstable();
    let after = SpellingWriter::new(200)
        .with_prior_of(&directory)
        .write(&words);
    let changed = after
        .blocks
        .iter()
        .filter(|block| !before.blocks.contains(block))
        .count();
    assert!(
        before.blocks.len() > 25 && changed <= 6,
        "{changed} of {}",
        before.blocks.len()
    );
}

#[test]
fn an_empty_vocabulary_is_a_directory_without_blocks() {
    let sections = write(&[("", 1), ("a\0b", 1)], 2500);
    assert_eq!(sections.blocks.len(), 0);
    let directory = SpellingDirectory::read(&sections.directory).unwrap();
    assert_eq!(directory.n_blocks(), 0);
    assert!(directory.blocks_for_correction("shore", 6).is_empty());
    assert!(directory.blocks_for_prefix("", 6).is_empty());
    let absent = SpellingBlock::read(0, &[], &directory);
    assert!(matches!(absent, Err(IndexError::Mismatch { .. })));
}

#[test]
fn likelier_slips_and_more_frequent_words_come_first() {
    let words = [
        ("form", 900),
        ("fort", 8),
        ("fro", 1),
        ("from", 1000),
        ("frog", 40),
        ("prom", 90),
    ];
    let sections = write(&words, 2500);
    let directory = SpellingDirectory::read(&sections.directory).unwrap();
    let blocks = directory.blocks_for_correction("frmo", 6);
    let found = corrections("frmo", &fetch(&directory, &sections, &blocks).unwrap());
    let found: Vec<&str> = found.iter().map(|c| c.word.as_str()).collect();
    assert_eq!(found, ["from", "fro"]);
    let found = corrections("frot", &fetch(&directory, &sections, &blocks).unwrap());
    let found: Vec<&str> = found.iter().map(|c| c.word.as_str()).collect();
    assert_eq!(found, ["from", "fort", "frog", "fro"]);
}
