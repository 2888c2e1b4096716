//! From the words of a query to its vector.

use littoral_indexes::order::sort_by;
use littoral_indexes::table::{MAX_ROWS, TableBlock, TableShape, mark_of};

/// Most words of a query that are encoded: with their pairs they are at most [`MAX_ROWS`] rows.
pub const MAX_WORDS: usize = MAX_ROWS / 2;

/// Greatest value of a query's vector: 12 bits, so that its product with 8-bit vectors of up to
/// 8,192 dimensions stays within 32 bits.
const TOP: i64 = 2047;

/// A query's vector. Its length says nothing: compare directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryVector {
    /// From −2,047 to 2,047; the greatest magnitude is 2,047 unless all are 0. `[dims]`
    pub values: Vec<i16>,
    /// Words that have a row.
    pub n_found: u32,
    /// Words that have none, and those beyond the first 128: they do not count. When all are here,
    /// `values` are zeros and the table has nothing to say.
    pub n_missing: u32,
}

/// The blocks that hold the rows of `words`, ascending: one round of reading.
pub fn blocks_of(shape: TableShape, words: &[String]) -> Vec<u32> {
    let used = words.iter().take(MAX_WORDS);
    let mut blocks: Vec<u32> = used.map(|word| shape.block_of(word)).collect();
    sort_by(&mut blocks, Ord::cmp);
    blocks.dedup();
    blocks
}

/// The vector of a query of `words`. `block` gives the blocks named by [`blocks_of`]; a word whose
/// block it does not have counts as missing.
///
/// Integer arithmetic throughout: the same on every host, in any order of the words but for pairs.
pub fn encode<'a>(
    shape: TableShape,
    words: &[String],
    block: impl Fn(u32) -> Option<&'a TableBlock>,
) -> QueryVector {
    let used = &words[..words.len().min(MAX_WORDS)];
    let mut sum = vec![0_i32; usize::from(shape.dims)];
    let homes: Vec<_> = used
        .iter()
        .map(|word| block(shape.block_of(word)))
        .collect();
    let mut n_found = 0;
    let mut pair = String::new();
    for (i, word) in used.iter().enumerate() {
        if let Some(row) = homes[i].and_then(|home| home.find(mark_of(word))) {
            row.add_to(&mut sum);
            n_found += 1;
        }
        let Some(next) = used.get(i + 1) else {
            continue;
        };
        pair.clear();
        pair.extend([word.as_str(), " ", next]);
        let mark = mark_of(&pair);
        let mut near = [homes[i], homes[i + 1]].into_iter().flatten();
        if let Some(row) = near.find_map(|home| home.find(mark)) {
            row.add_to(&mut sum);
        }
    }
    QueryVector {
        values: scaled(&sum),
        n_found,
        n_missing: words.len() as u32 - n_found,
    }
}

/// `sum` in 12 bits, rounded to nearest, halves away from zero.
fn scaled(sum: &[i32]) -> Vec<i16> {
    let greatest = sum
        .iter()
        .map(|v| v.unsigned_abs())
        .max()
        .unwrap_or(0)
        .max(1);
    let greatest = i64::from(greatest);
    let scale = |&v: &i32| {
        let v = i64::from(v) * TOP;
        ((v + v.signum() * (greatest / 2)) / greatest) as i16
    };
    sum.iter().map(scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use littoral_indexes::table::{Entry, Row, write};
    use proptest::prelude::*;

    const SHAPE: TableShape = TableShape {
        dims: 8,
        bits: 5,
        n_blocks: 5,
    };

    fn table(rows: &[(&str, &str, Row)]) -> Vec<TableBlock> {
        let entries = rows.iter().map(|(home, key, row)| Entry { home, key, row });
        let blocks = write(SHAPE, entries).unwrap();
        blocks
            .iter()
            .map(|block| TableBlock::read(block, SHAPE).unwrap())
            .collect()
    }

    fn row(step: u16, at: usize) -> Row {
        let mut codes = vec![0; 8];
        codes[at] = 1;
        Row { step, codes }
    }

    fn asked(table: &[TableBlock], text: &str) -> QueryVector {
        let words = crate::table::words(text);
        let blocks = blocks_of(SHAPE, &words);
        encode(SHAPE, &words, |b| {
            assert!(blocks.contains(&b), "block {b} was not asked for");
            table.get(b as usize)
        })
    }

    #[test]
    fn words_and_pairs_are_added() {
        let table = table(&[
            ("spring", "spring", row(100, 0)),
            ("tide", "tide", row(200, 1)),
            ("tide", "spring tide", row(50, 2)),
        ]);
        let vector = asked(&table, "Spring tide unheard");
        assert_eq!(vector.values, [1024, 2047, 512, 0, 0, 0, 0, 0]);
        assert_eq!((vector.n_found, vector.n_missing), (2, 1));
        let vector = asked(&table, "tide spring");
        assert_eq!(vector.values, [1024, 2047, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn words_without_rows_give_zeros_and_are_counted() {
        let vector = asked(&table(&[]), "nothing here");
        assert_eq!(vector.values, [0; 8]);
        assert_eq!((vector.n_found, vector.n_missing), (0, 2));
        assert_eq!(asked(&table(&[]), "").n_missing, 0);
    }

    #[test]
    fn words_beyond_the_limit_do_not_count() {
        let table = table(&[("a", "a", row(65535, 0)), ("a", "a a", row(65535, 1))]);
        let vector = asked(&table, &"a ".repeat(1000));
        assert_eq!((vector.n_found, vector.n_missing), (128, 872));
        assert_eq!(vector.values[..2], [2047, 2031]);
    }

    proptest! {
        #[test]
        fn scaling_keeps_direction_and_range(sum in prop::collection::vec(any::<i32>(), 1..40)) {
            let values = scaled(&sum);
            let greatest = sum.iter().map(|v| v.unsigned_abs()).max().unwrap();
            for (value, sum) in values.iter().zip(&sum) {
                let exact = f64::from(*sum) * 2047.0 / f64::from(greatest.max(1));
                prop_assert!((f64::from(*value) - exact).abs() <= 0.5001);
            }
        }
    }
}
