use super::*;
use proptest::prelude::*;

fn entry<'a>(word: &'a str, row: &'a Row) -> Entry<'a> {
    Entry {
        home: word,
        key: word,
        row,
    }
}

fn shape(dims: u16, bits: u8, n_blocks: u32) -> TableShape {
    TableShape {
        dims,
        bits,
        n_blocks,
    }
}

/// Rows of any legal codes for words `w0`, `w1`, ….
fn rows(dims: u16, bits: u8) -> impl Strategy<Value = Vec<(String, Row)>> {
    let top = ((1_i16 << (bits - 1)) - 1) as i8;
    let codes = prop::collection::vec(-top..=top, usize::from(dims));
    let row = (any::<u16>(), codes).prop_map(|(step, codes)| Row { step, codes });
    prop::collection::vec(row, 0..40).prop_map(|rows| {
        let named = rows.into_iter().enumerate();
        named.map(|(i, row)| (format!("w{i}"), row)).collect()
    })
}

fn forms() -> impl Strategy<Value = (TableShape, Vec<(String, Row)>)> {
    (1_u16..6, 2_u8..=8, 1_u32..9).prop_flat_map(|(groups, bits, n_blocks)| {
        let shape = shape(groups * 8, bits, n_blocks);
        (Just(shape), rows(shape.dims, bits))
    })
}

proptest! {
    #[test]
    fn rows_are_read_as_written((shape, rows) in forms()) {
        let blocks = write(shape, rows.iter().map(|(w, r)| entry(w, r))).unwrap();
        prop_assert_eq!(blocks.len(), shape.n_blocks as usize);
        let blocks: Vec<_> = blocks.iter().map(|b| TableBlock::read(b, shape).unwrap()).collect();
        prop_assert_eq!(blocks.iter().map(TableBlock::n_rows).sum::<usize>(), rows.len());
        for (word, row) in &rows {
            let (block, mark) = (shape.block_of(word), mark_of(word));
            let mut sum = vec![7; row.codes.len()];
            blocks[block as usize].find(mark).unwrap().add_to(&mut sum);
            let naive: Vec<i32> = row.codes.iter()
                .map(|&code| 7 + i32::from(code) * i32::from(row.step))
                .collect();
            prop_assert_eq!(sum, naive, "{}", word);
        }
        prop_assert!(blocks.iter().all(|b| b.find(mark_of("a word without a row")).is_none()));
    }

    #[test]
    fn any_bytes_are_a_block_or_a_typed_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        dims in 0_u16..40, bits in 0_u8..10, n_blocks in 0_u32..3,
    ) {
        let shape = shape(dims, bits, n_blocks);
        match TableBlock::read(&bytes, shape) {
            Ok(block) => {
                for mark in 0..300 {
                    if let Some(row) = block.find(mark) {
                        row.add_to(&mut vec![0; usize::from(dims)]);
                    }
                }
            }
            Err(IndexError::Corrupt { .. }) => {}
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_row_is_within_half_a_step_or_clipped(values in prop::collection::vec(-3.0_f32..3.0, 16)) {
        let greatest = values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        let unit = Row::unit(3.0, 8);
        let row = Row::quantise(&values, 8, unit);
        for (value, code) in values.iter().zip(&row.codes) {
            let worth = f32::from(row.step) * unit;
            let off = (value - f32::from(*code) * worth).abs();
            prop_assert!(off <= worth * 0.51 || code.unsigned_abs() == 127, "{off} {worth} {greatest}");
        }
    }
}

#[test]
fn every_cut_and_every_surplus_byte_is_refused() {
    let shape = shape(16, 5, 1);
    let row = Row {
        step: 9,
        codes: (-8..8).collect(),
    };
    let block = &write(shape, [entry("tide", &row), entry("wave", &row)]).unwrap()[0];
    for n in 0..block.len() {
        assert!(TableBlock::read(&block[..n], shape).is_err(), "cut at {n}");
    }
    let longer = [block.as_slice(), &[0]].concat();
    assert!(TableBlock::read(&longer, shape).is_err());
    assert!(TableBlock::read(block, TableShape { bits: 6, ..shape }).is_err());
}

#[test]
fn marks_out_of_order_are_refused() {
    let shape = shape(8, 2, 1);
    let row = Row {
        step: 1,
        codes: vec![1; 8],
    };
    let mut block = write(shape, [entry("tide", &row), entry("wave", &row)])
        .unwrap()
        .remove(0);
    block.swap(1, 4);
    block.swap(2, 5);
    block.swap(3, 6);
    assert!(TableBlock::read(&block, shape).is_err());
}

#[test]
fn the_greatest_sum_fits_32_bits() {
    // Codes of zero bits stand for the least value, which no writer makes but a reader may meet.
    let shape = shape(8, 8, 1);
    let bytes = [&[1, 0, 0, 0, 0xFF, 0xFF][..], &[0; 8]].concat();
    let block = TableBlock::read(&bytes, shape).unwrap();
    let row = block.find(0).unwrap();
    let mut sum = vec![0; 8];
    for _ in 0..MAX_ROWS {
        row.add_to(&mut sum);
    }
    assert_eq!(sum, [-128 * 65_535 * 256; 8]);
}

#[test]
fn rows_of_another_shape_are_not_written() {
    let row = Row {
        step: 1,
        codes: vec![8; 8],
    };
    assert!(write(shape(8, 4, 1), [entry("a", &row)]).is_err());
    assert!(write(shape(16, 5, 1), [entry("a", &row)]).is_err());
    assert!(write(shape(12, 5, 1), []).is_err());
}

#[test]
fn blocks_are_of_the_size_aimed_at() {
    let form = TableShape::new(256, 5, 10_000).unwrap();
    assert_eq!(form.row_bytes(), 160);
    let row = Row {
        step: 1,
        codes: vec![1; 256],
    };
    let words: Vec<String> = (0..10_000).map(|i| format!("word{i}")).collect();
    let blocks = write(form, words.iter().map(|w| entry(w, &row))).unwrap();
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    let mean = bytes / blocks.len();
    assert!((600..800).contains(&mean), "{mean}");
}

#[test]
fn a_pair_lies_in_the_block_of_its_home() {
    let shape = shape(8, 4, 64);
    let row = Row {
        step: 3,
        codes: vec![1; 8],
    };
    let pair = Entry {
        home: "tide",
        key: "spring tide",
        row: &row,
    };
    let blocks = write(shape, [pair]).unwrap();
    let home = TableBlock::read(&blocks[shape.block_of("tide") as usize], shape).unwrap();
    assert!(home.find(mark_of("spring tide")).is_some());
    assert!(home.find(mark_of("tide")).is_none());
}

#[test]
fn blocks_grow_where_there_would_be_too_many() {
    let shape = |n_rows| TableShape::new(256, 5, n_rows).expect("a legal shape");
    assert_eq!(shape(0).n_blocks, 1);
    assert_eq!(shape(400).n_blocks, 100);
    assert_eq!(shape(MAX_TABLE_ROWS).n_blocks as usize, MAX_BLOCKS);
}
