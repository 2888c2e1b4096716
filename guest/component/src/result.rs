//! What the engine gives, as a caller gets it: the same fields under the same names.

use crate::bindings::exports::littoral::retrieval::index as wit;
use littoral_guest::SearchResult;
use littoral_guest::answer::{Answer, AnswerSentence, Citation, Evidence};
use littoral_guest::context::{Context, Passage};
use littoral_guest::engine::{
    ChunkHit, DocumentHit, Explanation, Facet, Fetched, Hit, Mode, Note, Ranks, ReadDocument,
    Scores, Work,
};
use littoral_guest::map::Map;

pub(crate) fn found(found: SearchResult) -> wit::SearchResult {
    wit::SearchResult {
        query: found.query,
        mode: mode(found.mode),
        hits: found.hits.into_iter().map(hit).collect(),
        n_found: found.n_found,
        facets: facets(&found.facets),
        fetched: fetched(&found.fetched),
        work: work(found.work),
        notes: found.notes.into_iter().map(note).collect(),
    }
}

pub(crate) fn mode(mode: Mode) -> wit::Mode {
    match mode {
        Mode::Hybrid => wit::Mode::Hybrid,
        Mode::Lexical => wit::Mode::Lexical,
        Mode::Dense => wit::Mode::Dense,
    }
}

pub(crate) fn facets(counts: &Map<String, Vec<Facet>>) -> Vec<wit::Facets> {
    let facet = |facet: &Facet| wit::Facet {
        value: facet.value.clone(),
        count: facet.count,
    };
    let facets = |(key, values): (&String, &Vec<Facet>)| wit::Facets {
        key: key.clone(),
        values: values.iter().map(facet).collect(),
    };
    counts.iter().map(facets).collect()
}

pub(crate) fn context(context: Context) -> wit::Context {
    let passage = |passage: Passage| wit::Passage {
        id: passage.id,
        document: document(passage.document),
        chunk: chunk(passage.chunk),
        score: passage.score,
        tokens: passage.tokens,
    };
    wit::Context {
        query: context.query,
        text: context.text,
        tokens: context.tokens,
        passages: context.passages.into_iter().map(passage).collect(),
        notes: context.notes.into_iter().map(note).collect(),
    }
}

pub(crate) fn answer(answer: Answer) -> wit::Answer {
    wit::Answer {
        question: answer.question,
        answer: answer.answer,
        abstained: answer.abstained,
        sentences: answer.sentences.into_iter().map(sentence).collect(),
        citations: answer.citations.into_iter().map(citation).collect(),
        evidence: evidence(answer.evidence),
        notes: answer.notes.into_iter().map(note).collect(),
    }
}

pub(crate) fn read(read: ReadDocument) -> wit::ReadDocument {
    wit::ReadDocument {
        document: document(read.document),
        n_chunks: read.n_chunks,
        chunks: read.chunks.into_iter().map(chunk).collect(),
    }
}

fn hit(hit: Hit) -> wit::Hit {
    let mut explained = Vec::new();
    if let Some(whole) = hit.explain {
        explain(whole, 0, &mut explained);
    }
    wit::Hit {
        rank: hit.rank,
        score: hit.score,
        document: document(hit.document),
        chunk: chunk(hit.chunk),
        excerpt: hit.excerpt,
        scores: scores(hit.scores),
        ranks: ranks(hit.ranks),
        explain: explained,
    }
}

/// Lays the tree of a score out, each part before its own.
fn explain(whole: Explanation, depth: u32, out: &mut Vec<wit::Explanation>) {
    out.push(wit::Explanation {
        depth,
        label: whole.label,
        value: whole.value,
    });
    for part in whole.parts {
        explain(part, depth + 1, out);
    }
}

fn document(document: DocumentHit) -> wit::DocumentHit {
    let field = |(name, value): (&String, &String)| wit::Field {
        name: name.clone(),
        value: value.clone(),
    };
    let meta = document.meta.iter().map(field).collect();
    wit::DocumentHit {
        id: document.id,
        url: document.url,
        title: document.title,
        meta,
    }
}

fn chunk(chunk: ChunkHit) -> wit::ChunkHit {
    wit::ChunkHit {
        id: chunk.id,
        heading: chunk.heading,
        anchor: chunk.anchor,
        start: chunk.start as u32,
        end: chunk.end as u32,
        text: chunk.text,
    }
}

fn scores(scores: Scores) -> wit::Scores {
    wit::Scores {
        lexical: scores.lexical,
        dense: scores.dense,
        rerank: scores.rerank,
    }
}

fn ranks(ranks: Ranks) -> wit::Ranks {
    wit::Ranks {
        lexical: ranks.lexical,
        dense: ranks.dense,
    }
}

fn fetched(fetched: &Fetched) -> wit::Fetched {
    wit::Fetched {
        round_trips: fetched.round_trips,
        requests: fetched.requests,
        bytes: fetched.bytes,
    }
}

fn work(work: Work) -> wit::Work {
    wit::Work {
        postings: work.postings,
        distances: work.distances,
    }
}

fn note(note: Note) -> wit::Note {
    wit::Note {
        code: note.code.into_owned(),
        message: note.message,
        suggestion: note.suggestion,
    }
}

fn sentence(sentence: AnswerSentence) -> wit::AnswerSentence {
    wit::AnswerSentence {
        text: sentence.text,
        citations: sentence.citations,
        supported: sentence.supported,
    }
}

fn citation(citation: Citation) -> wit::Citation {
    wit::Citation {
        id: citation.id,
        document: document(citation.document),
        chunk: chunk(citation.chunk),
        url: citation.url,
        quote: citation.quote,
        start: citation.start as u32,
        end: citation.end as u32,
    }
}

fn evidence(evidence: Evidence) -> wit::Evidence {
    wit::Evidence {
        score: evidence.score,
        threshold: evidence.threshold,
        coverage: evidence.coverage,
        sentence: evidence.sentence,
        cosine: evidence.cosine,
        words: evidence.words,
    }
}
