//! `tokenizer.json` of Hugging Face, as far as it describes a WordPiece tokenizer of BERT's kind.

use super::ModelsError;
use littoral_guest::wordpiece::{Normalization, TaskTokens, Vocabulary, WordPiece};
use serde_json::Value;
use std::path::Path;

/// Reads a tokenizer. Padding and truncation that the file asks for are left out.
///
/// # Errors
/// [`ModelsError::Folder`] when it is damaged or of another kind.
pub fn read(path: &Path, bytes: &[u8]) -> Result<WordPiece, ModelsError> {
    let json: Value = serde_json::from_slice(bytes)
        .map_err(|e| ModelsError::folder(path, format!("no JSON: {e}")))?;
    let error = |reason: &str| ModelsError::folder(path, reason);
    let model = &json["model"];
    // Files of old have no type.
    if !["WordPiece", ""].contains(&model["type"].as_str().unwrap_or_default()) {
        return Err(error("its model is not WordPiece"));
    }
    if model["continuing_subword_prefix"].as_str().unwrap_or("##") != "##" {
        return Err(error("its continuations do not begin with ##"));
    }
    if model["max_input_chars_per_word"].as_u64().unwrap_or(100) != 100 {
        return Err(error("its longest word has not 100 characters"));
    }
    let normalizer = &json["normalizer"];
    if normalizer["type"].as_str() != Some("BertNormalizer")
        || json["pre_tokenizer"]["type"].as_str() != Some("BertPreTokenizer")
    {
        return Err(error("its normalizer or pre-tokenizer is not BERT's"));
    }
    let switch = |name: &str| normalizer[name].as_bool();
    let lowercase = switch("lowercase").unwrap_or(true);
    let normalization = Normalization {
        clean: switch("clean_text").unwrap_or(true),
        split_ideographs: switch("handle_chinese_chars").unwrap_or(true),
        strip_accents: switch("strip_accents").unwrap_or(lowercase),
        lowercase,
    };

    let vocabulary = model["vocab"]
        .as_object()
        .ok_or_else(|| error("it has no vocabulary"))?;
    let number = |value: &Value| {
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| error("a token's number is none"))
    };
    let mut tokens = Vec::new();
    for (token, id) in vocabulary {
        tokens.push((token.clone(), number(id)?));
    }
    let mut specials = Vec::new();
    for added in json["added_tokens"].as_array().into_iter().flatten() {
        let is_set = |name: &str| added[name].as_bool().unwrap_or(false);
        if ["single_word", "lstrip", "rstrip", "normalized"]
            .into_iter()
            .any(is_set)
        {
            return Err(error(
                "an added token asks for more than to be found as it is",
            ));
        }
        let content = added["content"].as_str();
        let content = content.ok_or_else(|| error("an added token has no content"))?;
        specials.push((content.to_owned(), number(&added["id"])?));
    }
    let packed = |source| ModelsError::Packed {
        path: path.to_owned(),
        source,
    };
    let vocabulary = Vocabulary::new(tokens).map_err(packed)?;
    let find = |token: &str| {
        let special = specials.iter().find(|(content, _)| content == token);
        special.map(|&(_, id)| id).or_else(|| vocabulary.id(token))
    };
    let unknown = model["unk_token"].as_str().unwrap_or("[UNK]");
    let task = TaskTokens {
        unknown: find(unknown).ok_or_else(|| error("it has no unknown token"))?,
        begin: find("[CLS]").ok_or_else(|| error("it has no [CLS]"))?,
        end: find("[SEP]").ok_or_else(|| error("it has no [SEP]"))?,
    };
    WordPiece::new(vocabulary, normalization, specials, task).map_err(packed)
}
