//! What a caller asks for, as the engine takes it.

use crate::bindings::exports::littoral::retrieval::index::{
    AnswerOptions, Error, Filter, Fusion, Mode, Rerank, SearchOptions, SortOrder,
};
use crate::error::bad_option;
use littoral_guest::{answer, engine};

/// The engine's options.
///
/// # Errors
/// `bad-option` for a model that is not named by 8 bytes.
pub(crate) fn options(asked: SearchOptions) -> Result<engine::SearchOptions, Error> {
    let rerank = asked.rerank.map(|rerank| {
        let model = rerank.model.as_slice().try_into();
        let model = model.map_err(|_| {
            bad_option(
                &format!("a model is named by 8 bytes, not {}", rerank.model.len()),
                "rerank.model is the id under which the host has the cross-encoder",
            )
        })?;
        Ok(engine::Rerank {
            model,
            depth: rerank.depth as usize,
        })
    });
    Ok(engine::SearchOptions {
        k: asked.k as usize,
        mode: match asked.mode {
            Mode::Hybrid => engine::Mode::Hybrid,
            Mode::Lexical => engine::Mode::Lexical,
            Mode::Dense => engine::Mode::Dense,
        },
        fusion: asked.fusion.map(|fusion| match fusion {
            Fusion::Ranks => engine::Fusion::Ranks,
            Fusion::Scores(dense_weight) => engine::Fusion::Scores { dense_weight },
        }),
        filters: (asked.filters.into_iter())
            .map(|Filter { key, value }| (key, value))
            .collect(),
        sort: asked
            .sort
            .map(|SortOrder { key, descending }| engine::SortOrder { key, descending }),
        rerank: rerank.transpose()?,
        facets: asked.facets,
        chunks: asked.chunks,
        diversity: asked.diversity,
        as_you_type: asked.as_you_type,
        correct: asked.correct,
        explain: asked.explain,
        excerpt_chars: asked.excerpt_chars as usize,
    })
}

/// The engine's defaults as a caller sees them.
pub(crate) fn defaults() -> SearchOptions {
    let options = engine::SearchOptions::default();
    SearchOptions {
        k: options.k as u32,
        mode: crate::result::mode(options.mode),
        fusion: options.fusion.map(|fusion| match fusion {
            engine::Fusion::Ranks => Fusion::Ranks,
            engine::Fusion::Scores { dense_weight } => Fusion::Scores(dense_weight),
        }),
        filters: (options.filters.into_iter())
            .map(|(key, value)| Filter { key, value })
            .collect(),
        sort: options
            .sort
            .map(|engine::SortOrder { key, descending }| SortOrder { key, descending }),
        rerank: options.rerank.map(|rerank| Rerank {
            model: rerank.model.to_vec(),
            depth: rerank.depth as u32,
        }),
        facets: options.facets,
        chunks: options.chunks,
        diversity: options.diversity,
        as_you_type: options.as_you_type,
        correct: options.correct,
        explain: options.explain,
        excerpt_chars: options.excerpt_chars as u32,
    }
}

/// The engine's options of an answer.
pub(crate) fn answer(asked: AnswerOptions) -> answer::AnswerOptions {
    answer::AnswerOptions {
        sentences: asked.sentences as usize,
        threshold: asked.threshold,
    }
}
