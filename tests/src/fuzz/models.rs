//! The files of models.

use crate::models::family::{Family, MINILM};
use crate::models::safetensors;
use littoral_guest::Encoder;
use littoral_guest::encoder::format::FIXED_BYTES;
use littoral_guest::wordpiece::{Vocabulary, WordPiece};
use littoral_runtime::models::folder::Weights;
use littoral_runtime::models::pack::{FAST, pack};
use littoral_runtime::models::safetensors::Tensors;
use littoral_runtime::models::tokenizer;

/// The files of a model: packed, also with its checksum made right, and those of a folder.
pub fn models(data: &[u8]) {
    let mut sealed = data.to_vec();
    if let Some((head, rest)) = sealed.split_at_mut_checked(FIXED_BYTES) {
        head[16..].copy_from_slice(blake3::hash(rest).as_bytes());
    }
    for bytes in [data, &sealed] {
        if let Ok(encoder) = Encoder::load(bytes) {
            let vectors = encoder.encode(&[vec![1, 3, 4_000_000, 2]]);
            assert_eq!(vectors.len(), encoder.dims());
            encoder.embed(&["tide [SEP] moon"]);
        }
    }
    if let Ok(tensors) = Tensors::read(data) {
        let shape = tensors.shape("a").map(<[usize]>::to_vec);
        if let Ok(values) = shape.and_then(|shape| tensors.get("a", &shape)) {
            assert!(values.iter().all(|value| value.is_finite()));
        }
    }
    if let Ok(tokenizer) = tokenizer::read("tokenizer.json".as_ref(), data) {
        let tokens = tokenizer.encode("tide moon", 8);
        assert!(tokens.len() <= 8);
        assert_eq!(
            WordPiece::read(&tokenizer.write()).map(|again| again.encode("tide moon", 8)),
            Ok(tokens)
        );
    }
    let _ = WordPiece::read(data);
    let _ = Vocabulary::read(&[data]);
}

/// A packed model and the files it was packed from, as small as they can be.
pub(super) fn files() -> Vec<Vec<u8>> {
    let small = Family {
        hidden: 8,
        layers: 1,
        heads: 2,
        intermediate: 8,
        ..MINILM
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    small.write(folder.path(), 1);
    let weights = Weights::read(folder.path(), "small").expect("sound weights");
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("a file");
    let one = safetensors(&[("a".into(), vec![2, 2], vec![1.0, 2.0, 3.0, 4.0])]);
    let tokenizer = weights.tokenizer.write();
    let vocabulary = weights.tokenizer.vocabulary().write();
    let packed = pack(&weights, FAST).write();
    vec![packed, one, read("tokenizer.json"), tokenizer, vocabulary]
}
