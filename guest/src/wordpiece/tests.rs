use super::*;

fn sample() -> WordPiece {
    let tokens = [
        "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "tide", "##s", "!", "中",
    ];
    let tokens = tokens.iter().zip(0..).map(|(t, i)| ((*t).to_owned(), i));
    let specials = vec![("[SEP]".to_owned(), 2)];
    let task = TaskTokens {
        unknown: 0,
        begin: 1,
        end: 2,
    };
    let vocabulary = Vocabulary::new(tokens.collect()).unwrap();
    WordPiece::new(vocabulary, Normalization::UNCASED, specials, task).unwrap()
}

#[test]
fn words_are_divided_longest_token_first() {
    let pieces = sample();
    assert_eq!(
        pieces.encode("Unaffable tides!", 99),
        [1, 3, 4, 5, 6, 7, 8, 2]
    );
    assert_eq!(pieces.tokens("tides tidesx t", 99), [6, 7, 0, 0]);
    assert_eq!(pieces.tokens("tide中tide", 99), [6, 9, 6]);
    assert_eq!(pieces.tokens("tide[SEP]tide", 99), [6, 2, 6]);
    assert_eq!(pieces.tokens("t\u{AD}i\u{301}de", 99), [6]);
}

#[test]
fn texts_are_cut_at_their_end_and_pairs_at_the_longer_one() {
    let pieces = sample();
    assert_eq!(pieces.encode("tides tides tides", 4), [1, 6, 7, 2]);
    assert_eq!(pieces.encode("tides", 0), [1, 2]);
    let (tokens, n_first) = pieces.encode_pair("tide", "tide tide tide tide", 6);
    assert_eq!((tokens, n_first), (vec![1, 6, 2, 6, 6, 2], 3));
}

#[test]
fn damaged_bytes_are_refused_or_read_but_never_panic() {
    let bytes = sample().write();
    assert_eq!(WordPiece::read(&bytes).unwrap().write(), bytes);
    for cut in 0..bytes.len() {
        assert!(WordPiece::read(&bytes[..cut]).is_err());
    }
    for i in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1 << bit;
            if let Ok(pieces) = WordPiece::read(&damaged) {
                pieces.encode("unaffable tides [SEP] 中!", 50);
            }
        }
    }
}
