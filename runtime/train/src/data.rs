//! Pairs as tokens: what is trained on, and what is set aside to choose by.

use crate::error::TrainError;
use crate::random::lot;
use littoral_runtime::models::folder::Weights;
use littoral_runtime::tune::pairs::{Pairs, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Share of the queries that choose.
const CHOOSING: f64 = 0.15;

/// Queries that choose, at most.
const MOST_CHOOSING: usize = 200;

/// Passages among which the queries that choose look for their answers, unless these are more.
const PASSAGES: usize = 500;

/// A pair with the passages that do not answer its query, as places among the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its text.
    pub query: usize,
    /// Which of the queries it is.
    pub number: usize,
    /// The passage that answers it.
    pub positive: usize,
    /// Passages that do not.
    pub negatives: Vec<usize>,
}

impl Example {
    /// The `n` negatives of the round `round`, or all where there are no more: each round has others.
    pub fn negatives_of(&self, round: u64, n: usize) -> impl Iterator<Item = usize> {
        let all = self.negatives.len();
        let first = round as usize * n;
        (0..n.min(all)).map(move |i| self.negatives[(first + i) % all])
    }
}

/// All that a training reads.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// Every text once, as tokens.
    pub texts: Vec<Vec<u32>>,
    /// Tokens that are read together, at most.
    pub limit: usize,
    /// Pairs to train on.
    pub examples: Vec<Example>,
    /// For each query of a pair the documents that answer it.
    pub answers: Vec<BTreeSet<usize>>,
    /// For each query of a pair the passages of its pairs, those that answer it and those that do not.
    pub candidates: Vec<BTreeSet<usize>>,
    /// For each text the document that it is of; 0 for queries.
    pub documents: Vec<usize>,
    /// Names of documents.
    pub names: Vec<String>,
    /// Queries to choose by: their text, and their number.
    pub choosing: Vec<(usize, usize)>,
    /// Passages that they look among.
    pub passages: Vec<usize>,
    /// Queries that are trained on.
    pub n_queries: usize,
}

/// Gives every text a place.
struct Texts<'a> {
    weights: &'a Weights,
    places: BTreeMap<(usize, String), usize>,
    documents: BTreeMap<String, usize>,
    data: Data,
}

impl Texts<'_> {
    fn place(&mut self, prompt: &str, text: &str, document: usize) -> usize {
        let whole = [prompt, text].concat();
        let next = self.data.texts.len();
        let place = *self.places.entry((document, whole.clone())).or_insert(next);
        if place == next {
            let tokens = self.weights.tokenizer.encode(&whole, self.data.limit);
            self.data.texts.push(tokens);
            self.data.documents.push(document);
        }
        place
    }

    fn query(&mut self, text: &str) -> usize {
        let weights = self.weights;
        self.place(&weights.config.query_prompt, text, 0)
    }

    fn document(&mut self, name: &str) -> usize {
        let next = self.data.names.len();
        let document = *self.documents.entry(name.to_owned()).or_insert(next);
        if document == next {
            self.data.names.push(name.to_owned());
        }
        document
    }

    fn passage(&mut self, text: &str, document: &str) -> usize {
        let document = self.document(document);
        let weights = self.weights;
        self.place(&weights.config.document_prompt, text, document)
    }
}

impl Data {
    /// The training rows of `pairs`, read from `path`, as tokens of the model of `weights`, `limit` at most.
    ///
    /// # Errors
    /// [`TrainError::TooFew`] when nothing is left to train on or to choose by.
    pub fn new(
        pairs: &Pairs,
        path: &Path,
        weights: &Weights,
        limit: usize,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let config = &weights.config;
        let mut texts = Texts {
            weights,
            places: BTreeMap::new(),
            documents: BTreeMap::new(),
            data: Self {
                limit: limit.min(config.max_tokens),
                ..Self::default()
            },
        };
        texts.document("");
        let uses = uses(&pairs.train, seed);
        let kept_out = kept_out(&pairs.train, &uses);
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let (mut of_choosing, mut of_others) = (BTreeSet::new(), BTreeSet::new());
        for (row, of) in pairs.train.iter().zip(uses) {
            let next = numbers.len();
            let number = *numbers.entry(&row.query_id).or_insert(next);
            if number == next {
                texts.data.answers.push(BTreeSet::new());
                texts.data.candidates.push(BTreeSet::new());
            }
            // What answers a query is no negative of it, trained on or not.
            let document = texts.document(&row.positive_place.0);
            texts.data.answers[number].insert(document);
            if of == Use::Neither {
                continue;
            }
            let query = texts.query(&row.anchor);
            let positive = texts.passage(&row.positive, &row.positive_place.0);
            let is_chosen = of == Use::Choosing;
            let mut negatives = Vec::new();
            let places = row.negative_places.iter().map(|(id, _)| id.as_str());
            // One without a document answers nothing, as does the document without a name.
            for (text, id) in row
                .negatives
                .iter()
                .zip(places.chain(std::iter::repeat("")))
            {
                if is_chosen || !kept_out.contains(id) {
                    negatives.push(texts.passage(text, id));
                }
            }
            if seen.insert(number) {
                if is_chosen {
                    texts.data.choosing.push((query, number));
                } else {
                    texts.data.n_queries += 1;
                }
            }
            let passages = negatives.iter().copied().chain([positive]);
            texts.data.candidates[number].extend(passages.clone());
            if is_chosen {
                of_choosing.extend(passages);
            } else {
                of_others.extend(passages);
                texts.data.examples.push(Example {
                    query,
                    number,
                    positive,
                    negatives,
                });
            }
        }
        let mut data = texts.data;
        data.choosing
            .sort_by_cached_key(|&(query, _)| (lot(seed, &format!("choosing {query}")), query));
        data.choosing.truncate(MOST_CHOOSING);
        if data.examples.is_empty() || data.choosing.is_empty() {
            return Err(TrainError::TooFew {
                path: path.to_owned(),
                n_train: data.examples.len(),
                n_choosing: data.choosing.len(),
            });
        }
        // The answers first, then what was mined for their queries, then what else there is.
        let answers: BTreeSet<usize> = data
            .choosing
            .iter()
            .flat_map(|(_, number)| data.answers[*number].iter().copied())
            .collect();
        let rank = |passage: usize| {
            let is_answer = answers.contains(&data.documents[passage]);
            let class = match (is_answer, of_choosing.contains(&passage)) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            (class, lot(seed, &format!("passage {passage}")), passage)
        };
        let mut passages: Vec<_> = of_choosing.union(&of_others).map(|&p| rank(p)).collect();
        passages.sort_unstable();
        let n_answers = passages.iter().filter(|(class, ..)| *class == 0).count();
        passages.truncate(PASSAGES.max(n_answers));
        data.passages = passages.into_iter().map(|(.., passage)| passage).collect();
        Ok(data)
    }

    /// The `n` pairs of the step `step`, counted from 1, each with the round that it is of: every round over
    /// all pairs has an order of its own, drawn by `seed`.
    pub fn drawn(&self, n: usize, seed: u64, step: u32) -> Vec<(&Example, u64)> {
        let n_examples = self.examples.len();
        let first = u64::from(step - 1) * n as u64;
        let mut orders: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let drawn = (first..first + n as u64).map(|at| {
            let round = at / n_examples as u64;
            let order = orders
                .entry(round)
                .or_insert_with(|| order(n_examples, seed, round));
            let place = order[(at % n_examples as u64) as usize];
            (&self.examples[place], round)
        });
        drawn.collect()
    }

    /// Whether the passage `passage` is of a document that answers the query `number`.
    pub fn is_answer(&self, number: usize, passage: usize) -> bool {
        self.answers[number].contains(&self.documents[passage])
    }
}

/// What a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Training,
    Choosing,
    /// It has an answer in common with what chooses.
    Neither,
}

/// What each row is for. Rows with a query, an answering document or an answering text in common stay
/// together; where that leaves too little to choose by, queries are drawn one by one, and rows of others
/// with the same answers are left out.
fn uses(rows: &[Row], seed: u64) -> Vec<Use> {
    let groups = groups(rows);
    let mut members: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for (row, &group) in rows.iter().zip(&groups) {
        members.entry(group).or_default().insert(&row.query_id);
    }
    let n: usize = members.values().map(BTreeSet::len).sum();
    let wanted = (n as f64 * CHOOSING).ceil() as usize;
    let mut order: Vec<&BTreeSet<&str>> = members.values().collect();
    order.sort_by_cached_key(|queries| {
        let first = queries.first().copied().unwrap_or_default();
        (lot(seed, first), first.to_owned())
    });
    let mut chosen: BTreeSet<&str> = BTreeSet::new();
    for queries in order {
        let n = chosen.len() + queries.len();
        if chosen.len() < wanted && n <= wanted + wanted / 2 {
            chosen.extend(queries);
        }
    }
    if chosen.len() < wanted / 2 {
        let mut queries: Vec<&str> = members.values().flatten().copied().collect();
        queries.sort_by_cached_key(|query| (lot(seed, query), query.to_owned()));
        chosen = queries.into_iter().take(wanted).collect();
    }
    let is_chosen = |row: &Row| chosen.contains(row.query_id.as_str());
    let answers = rows.iter().filter(|row| is_chosen(row));
    let answers: BTreeSet<&str> = answers
        .flat_map(|row| [row.positive.as_str(), row.positive_place.0.as_str()])
        .collect();
    let shares = |row: &Row| {
        answers.contains(row.positive.as_str()) || answers.contains(row.positive_place.0.as_str())
    };
    let of = |row: &Row| match (is_chosen(row), shares(row)) {
        (true, _) => Use::Choosing,
        (false, true) => Use::Neither,
        (false, false) => Use::Training,
    };
    rows.iter().map(of).collect()
}

/// Documents that are no negatives in training since they answer queries that choose: seen as wrong alone,
/// they might be learned as wrong.
fn kept_out<'a>(rows: &'a [Row], uses: &[Use]) -> BTreeSet<&'a str> {
    let choosing = rows
        .iter()
        .zip(uses)
        .filter(|(_, of)| **of == Use::Choosing);
    choosing
        .map(|(row, _)| row.positive_place.0.as_str())
        .collect()
}

/// For each row the first of those that it is joined with, directly or through others.
fn groups(rows: &[Row]) -> Vec<usize> {
    fn first_of(groups: &mut [usize], mut row: usize) -> usize {
        while groups[row] != row {
            groups[row] = groups[groups[row]];
            row = groups[row];
        }
        row
    }
    let mut known: BTreeMap<(u8, &str), usize> = BTreeMap::new();
    let mut groups: Vec<usize> = (0..rows.len()).collect();
    for (place, row) in rows.iter().enumerate() {
        let keys = [
            (0, row.query_id.as_str()),
            (1, row.positive_place.0.as_str()),
            (2, row.positive.as_str()),
            (3, row.anchor.as_str()),
        ];
        for key in keys {
            let other = *known.entry(key).or_insert(place);
            let (a, b) = (first_of(&mut groups, place), first_of(&mut groups, other));
            groups[a.max(b)] = a.min(b);
        }
    }
    (0..rows.len())
        .map(|place| first_of(&mut groups, place))
        .collect()
}

/// The order of `n` pairs in the round `round`.
fn order(n: usize, seed: u64, round: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    places.sort_by_cached_key(|&place| (lot(seed, &format!("round {round} {place}")), place));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use littoral_runtime::tune::sources::Source;

    fn row(query: usize, document: usize) -> Row {
        Row {
            anchor: format!("query {query}"),
            positive: format!("passage {document}"),
            negatives: Vec::new(),
            query_id: format!("q{query}"),
            source: Source::Judged,
            positive_place: (format!("d{document}"), 0),
            negative_places: Vec::new(),
        }
    }

    #[test]
    fn what_chooses_shares_no_answer_with_what_is_trained_on() {
        // By groups of four queries with one document; and all joined, each with the next.
        let grouped: Vec<Row> = (0..80).map(|q| row(q, q / 4)).collect();
        let joined: Vec<Row> = (0..80).flat_map(|q| [row(q, q), row(q, q + 1)]).collect();
        for (rows, most_left_out) in [(grouped, 0), (joined, 40)] {
            let uses = uses(&rows, 1);
            let of = |wanted: Use| {
                let found = rows.iter().zip(&uses).filter(move |(_, of)| **of == wanted);
                let found: Vec<&Row> = found.map(|(row, _)| row).collect();
                found
            };
            let queries: BTreeSet<&str> = of(Use::Choosing)
                .iter()
                .map(|r| r.query_id.as_str())
                .collect();
            assert_eq!(queries.len(), 12);
            assert!(of(Use::Neither).len() <= most_left_out);
            for trained in of(Use::Training) {
                assert!(!queries.contains(trained.query_id.as_str()));
                for chosen in of(Use::Choosing) {
                    assert_ne!(chosen.positive_place, trained.positive_place);
                }
            }
            let kept_out = kept_out(&rows, &uses);
            for chosen in of(Use::Choosing) {
                assert!(kept_out.contains(chosen.positive_place.0.as_str()));
            }
            for trained in of(Use::Training) {
                assert!(!kept_out.contains(trained.positive_place.0.as_str()));
            }
        }
    }
}
