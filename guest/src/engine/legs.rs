//! Which legs answer a query, and what the dense one is asked.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::plan::Plan;
use super::result::{Mode, Note, SearchOptions};
use crate::host::Host;
use crate::query::{Occur, parse};
use crate::vectors::QueryVector;

/// The legs that answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Legs {
    pub(super) lexical: bool,
    pub(super) dense: bool,
}

impl<H: Host> Index<H> {
    /// The legs for a query; a note says when one that was asked for is left out.
    pub(super) fn legs(
        &self,
        plan: &Plan,
        options: &SearchOptions,
        notes: &mut Vec<Note>,
    ) -> Result<Legs, EngineError> {
        let words = Legs {
            lexical: true,
            dense: false,
        };
        if options.mode == Mode::Lexical {
            return Ok(words);
        }
        let phrases = plan.phrases.iter().any(|p| p.occur == Occur::Must);
        let obstacle = if !self.has_vectors() {
            Some(("no-vectors", "the index has no vectors"))
        } else if options.sort.is_some() {
            Some((
                "words-only",
                "an order other than the score's lists what holds the words",
            ))
        } else if phrases && options.mode == Mode::Hybrid {
            Some(("words-only", "a phrase is found by its words"))
        } else {
            None
        };
        if phrases && options.mode == Mode::Dense {
            notes.push(Note {
                code: "phrase-unverified".into(),
                message: "only documents that seem to hold the phrase were compared; whether they \
                          do was not read"
                    .to_owned(),
                suggestion: None,
            });
        }
        let Some((code, reason)) = obstacle else {
            return Ok(Legs {
                lexical: options.mode == Mode::Hybrid,
                dense: true,
            });
        };
        if options.mode == Mode::Dense {
            return Err(EngineError::Unsupported {
                what: format!(
                    "{reason}, so this cannot be searched by vectors alone; search with the mode \
                     lexical"
                ),
            });
        }
        notes.push(Note {
            code: code.into(),
            message: format!("{reason}; searched by words alone"),
            suggestion: None,
        });
        Ok(words)
    }

    /// The vector of what `text` asks for; `None`, with a note, when nothing here can encode it.
    pub(super) async fn query_vector(
        &self,
        text: &str,
        options: &SearchOptions,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<Option<QueryVector>, EngineError> {
        let asked = meant(text, options, notes);
        if asked.is_empty() {
            return Ok(None);
        }
        // Where the host has the encoder, it is asked before the table, which only comes near it.
        let encoded = self.by_encoder(&asked, fetched).await?;
        let (vector, code, reason) = if encoded.is_some() {
            (encoded, "", String::new())
        } else if self.table().is_some() {
            let vector = self.by_table(&asked, fetched).await?;
            (
                vector,
                "unknown-words",
                "the table of this index has none of these words".to_owned(),
            )
        } else {
            let embedder = &self.manifest.settings.embedding.embedder;
            let reason = ["the encoder \"", embedder, "\" of this index is not here"].concat();
            (None, "no-encoder", reason)
        };
        if vector.is_none() && options.mode == Mode::Dense && code == "no-encoder" {
            let cure = ", so it cannot be searched by vectors; search with the mode lexical";
            return Err(EngineError::Unsupported {
                what: [&reason, cure].concat(),
            });
        }
        if vector.is_none() {
            notes.push(Note {
                code: code.into(),
                message: [&reason, "; searched by words alone"].concat(),
                suggestion: None,
            });
        }
        Ok(vector)
    }
}

/// The wording of a query in which a corrected word means what it was corrected to.
pub(super) fn meant(text: &str, options: &SearchOptions, notes: &[Note]) -> String {
    let corrected = notes.iter().find_map(|note| note.suggestion.as_deref());
    wording(corrected.unwrap_or(text), options.as_you_type)
}

/// The words of a query without its operators and exclusions; while it is being typed, without the
/// beginning of a word at its end, unless that is all there is.
pub(super) fn wording(text: &str, as_you_type: bool) -> String {
    let query = parse(text);
    let clauses = query.clauses.iter().filter(|c| c.occur != Occur::MustNot);
    let words: Vec<&str> = clauses
        .flat_map(|clause| clause.body.text().split_whitespace())
        .collect();
    let whole = match words.as_slice() {
        [whole @ .., _] if as_you_type && query.ends_in_word && !whole.is_empty() => whole,
        whole => whole,
    };
    whole.join(" ")
}

#[cfg(test)]
mod tests {
    use super::wording;

    #[test]
    fn operators_and_beginnings_are_no_wording() {
        assert_eq!(
            wording("+tide -moon title:ebb \"high water\"", false),
            "tide ebb high water"
        );
        assert_eq!(wording("spring ti", true), "spring");
        assert_eq!(wording("spring tide ", true), "spring tide");
        assert_eq!(wording("spr", true), "spr");
    }
}
