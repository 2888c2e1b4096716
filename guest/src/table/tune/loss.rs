//! The contrastive loss of a batch, and how it changes with what is learned.

use super::{Example, State, TuneInput, TuneOptions, add, dot, normalise};
use crate::build::Workers;

/// Texts of one piece of work.
const PIECE: usize = 8;

/// What a text's ranking should be.
pub(super) enum Target<'a> {
    /// The documents that answer come first.
    Answers(&'a Example),
    /// As before.
    Before(&'a Example),
    /// The document that the text is of comes first.
    Own(&'a Example),
}

impl Target<'_> {
    fn rows(&self) -> &[u32] {
        let (Self::Answers(example) | Self::Before(example) | Self::Own(example)) = self;
        &example.rows
    }
}

/// How the loss changes.
pub(super) struct Slopes {
    /// Mean loss of the queries.
    pub loss: f32,
    /// With the map. `[dims, dims]`
    pub map: Vec<f32>,
    /// With each row, as row and slope; rows ascending, each once.
    pub rows: Vec<(u32, Vec<f32>)>,
}

/// What one text gives.
struct Pull {
    loss: f32,
    /// With the sum before the map.
    sum: Vec<f32>,
}

impl Slopes {
    /// Those of the queries `batch` and the texts `general`, over the passages `candidates`.
    pub(super) fn of(
        input: &TuneInput<'_>,
        state: &State,
        batch: &[u32],
        general: &[u32],
        candidates: &[u32],
        options: &TuneOptions,
        workers: &impl Workers,
    ) -> Self {
        let dims = input.dims;
        let answers = batch
            .iter()
            .map(|&i| Target::Answers(&input.examples[i as usize]));
        let texts = general.iter().map(|&i| &input.general[i as usize]);
        let before = texts.clone().filter(|_| options.hold > 0.0);
        let own = texts.filter(|_| options.own > 0.0);
        let targets = answers.chain(before.map(Target::Before));
        let targets: Vec<Target<'_>> = targets.chain(own.map(Target::Own)).collect();
        let passages = candidates.iter();
        let passages: Vec<f32> = passages
            .flat_map(|&chunk| &input.chunks[chunk as usize * dims..][..dims])
            .copied()
            .collect();
        let (n, n_general) = (batch.len().max(1) as f32, general.len().max(1) as f32);
        let pieces = workers.map(
            targets.chunks(PIECE).collect(),
            |targets: &[Target<'_>]| {
                let mut map = vec![0.0; dims * dims];
                let pulls = targets.iter().map(|target| {
                    let weight = match target {
                        Target::Answers(_) => 1.0 / n,
                        Target::Before(_) => options.hold / n_general,
                        Target::Own(_) => options.own / n_general,
                    };
                    let at = (input, candidates, &passages[..]);
                    pull(state, target, at, options.temperature, weight, &mut map)
                });
                (pulls.collect::<Vec<_>>(), map)
            },
        );
        let mut slopes = Self {
            loss: 0.0,
            map: vec![0.0; dims * dims],
            rows: Vec::new(),
        };
        let mut by_row: Vec<(u32, usize)> = Vec::new();
        let mut sums: Vec<Vec<f32>> = Vec::new();
        for (pulls, map) in pieces {
            add(&mut slopes.map, 1.0, &map);
            for pull in pulls {
                let target = &targets[sums.len()];
                by_row.extend(target.rows().iter().map(|&row| (row, sums.len())));
                if matches!(target, Target::Answers(_)) {
                    slopes.loss += pull.loss / n;
                }
                sums.push(pull.sum);
            }
        }
        by_row.sort_unstable();
        for (row, text) in by_row {
            match slopes.rows.last_mut() {
                Some((last, slope)) if *last == row => add(slope, 1.0, &sums[text]),
                _ => slopes.rows.push((row, sums[text].clone())),
            }
        }
        slopes
    }
}

/// What one text gives, times `weight`; what it gives the map is added to `map`.
fn pull(
    state: &State,
    target: &Target<'_>,
    (input, candidates, passages): (&TuneInput<'_>, &[u32], &[f32]),
    temperature: f32,
    weight: f32,
    map: &mut [f32],
) -> Pull {
    let dims = state.dims;
    let (sum, mut vector) = state.sums(target.rows());
    let length = normalise(&mut vector);
    let nothing = || Pull {
        loss: 0.0,
        sum: vec![0.0; dims],
    };
    if length == 0.0 {
        return nothing();
    }
    let mut scores = scores(&vector, passages, temperature);
    let wanted = match target {
        Target::Answers(example) | Target::Own(example) => {
            answers(input, example, candidates, &mut scores)
        }
        Target::Before(example) => {
            let vector = state.vector_before(&example.rows);
            let mut before = self::scores(&vector, passages, temperature);
            softmax(&mut before);
            before
        }
    };
    let greatest = softmax(&mut scores);
    if greatest == f32::NEG_INFINITY {
        return nothing();
    }
    let mut loss = 0.0;
    let mut slope = vec![0.0; dims];
    for ((passage, &wanted), &found) in passages.chunks_exact(dims).zip(&wanted).zip(&scores) {
        if wanted > 0.0 {
            loss -= wanted * libm::logf(found.max(1e-30));
        }
        let off = (found - wanted) * weight / temperature;
        if off.abs() > 1e-9 {
            add(&mut slope, off, passage);
        }
    }
    // Along the vector itself nothing changes, and what is long turns slowly.
    let along = dot(&slope, &vector);
    for (slope, vector) in slope.iter_mut().zip(&vector) {
        *slope = (*slope - along * vector) / length;
    }
    let mut before_map = slope.clone();
    for (line, (&by, own)) in state
        .map
        .chunks_exact(dims)
        .zip(slope.iter().zip(map.chunks_exact_mut(dims)))
    {
        add(&mut before_map, by, line);
        add(own, by, &sum);
    }
    Pull {
        loss,
        sum: before_map,
    }
}

fn scores(vector: &[f32], passages: &[f32], temperature: f32) -> Vec<f32> {
    let passages = passages.chunks_exact(vector.len().max(1));
    passages
        .map(|passage| dot(vector, passage) / temperature)
        .collect()
}

/// The shares that the passages of the documents that answer should have: the nearest of each document
/// an equal one. Their other passages are taken out of the `scores`.
fn answers(
    input: &TuneInput<'_>,
    example: &Example,
    candidates: &[u32],
    scores: &mut [f32],
) -> Vec<f32> {
    let mut wanted = vec![0.0; scores.len()];
    let share = 1.0 / example.documents.len().max(1) as f32;
    for &document in &example.documents {
        let (first, n) = input.documents[document as usize];
        let start = candidates.partition_point(|&chunk| chunk < first);
        let end = candidates.partition_point(|&chunk| chunk < first + n);
        let mut best: Option<usize> = None;
        for place in start..end {
            if best.is_none_or(|best| scores[place] > scores[best]) {
                best = Some(place);
            }
        }
        for place in start..end {
            if best == Some(place) {
                wanted[place] = share;
            } else {
                scores[place] = f32::NEG_INFINITY;
            }
        }
    }
    wanted
}

/// Turns scores into shares; returns the greatest score.
fn softmax(scores: &mut [f32]) -> f32 {
    let greatest = scores.iter().fold(f32::NEG_INFINITY, |max, &s| max.max(s));
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = libm::expf(*score - greatest);
        total += *score;
    }
    for score in scores.iter_mut() {
        *score /= total;
    }
    greatest
}
