use super::*;
use crate::build::OneThread;

const DIMS: usize = 16;
const WORDS: usize = 40;
const DOCUMENTS: usize = 60;

/// Words that mean something else than their rows say: rows are turned by a permutation of the axes.
struct World {
    rows: Vec<f32>,
    chunks: Vec<f32>,
    documents: Vec<(u32, u32)>,
    examples: Vec<Example>,
}

impl World {
    fn new() -> Self {
        let mut draw = Draw::new(5);
        let mut number = || draw.below(2001) as f32 / 1000.0 - 1.0;
        let truth: Vec<f32> = (0..WORDS * DIMS).map(|_| number()).collect();
        let rows = truth.chunks_exact(DIMS).flat_map(|row| {
            let mut row = row.to_vec();
            row.rotate_left(1);
            let half = row.clone();
            row.iter_mut()
                .enumerate()
                .for_each(|(i, x)| *x = half[i] + 0.6 * half[(i + 5) % DIMS]);
            row
        });
        let rows = rows.collect();
        let mut chunks = Vec::new();
        let mut examples = Vec::new();
        for document in 0..DOCUMENTS {
            let words: Vec<u32> = (0..4).map(|_| draw.below(WORDS) as u32).collect();
            let mut vector = vec![0.0; DIMS];
            for &word in &words {
                add(&mut vector, 1.0, &truth[word as usize * DIMS..][..DIMS]);
            }
            normalise(&mut vector);
            chunks.extend(vector);
            examples.push(Example {
                rows: words,
                documents: vec![document as u32],
                negatives: Vec::new(),
            });
        }
        Self {
            rows,
            chunks,
            documents: (0..DOCUMENTS as u32).map(|d| (d, 1)).collect(),
            examples,
        }
    }

    fn input(&self) -> TuneInput<'_> {
        let (examples, choosing) = self.examples.split_at(40);
        TuneInput {
            dims: DIMS,
            rows: &self.rows,
            examples,
            choosing,
            general: &[],
            chunks: &self.chunks,
            documents: &self.documents,
        }
    }
}

#[test]
fn queries_that_were_not_trained_on_rank_better_and_the_result_depends_on_no_order() {
    let world = World::new();
    let options = TuneOptions {
        map_rate: 2e-2,
        steps: 300,
        gain_rate: 1e-2,
        move_rate: 1e-3,
        ..TuneOptions::default()
    };
    let mut looks = Vec::new();
    let (correction, best) = tune(&world.input(), &options, &OneThread, |look| {
        looks.push(*look);
    });
    assert!(best.ndcg > looks[0].ndcg + 0.2, "{looks:?}");
    let (again, _) = tune(
        &world.input(),
        &options,
        &super::super::fit::Backwards,
        |_| {},
    );
    assert_eq!(correction, again);
}

#[test]
fn the_slopes_are_those_of_the_loss() {
    let world = World::new();
    let input = TuneInput {
        general: &[],
        ..world.input()
    };
    let options = TuneOptions {
        temperature: 0.5,
        ..TuneOptions::default()
    };
    let mut state = State::new(&input);
    // Somewhere that is no start.
    let mut draw = Draw::new(3);
    for x in state
        .map
        .iter_mut()
        .chain(&mut state.moves)
        .chain(&mut state.gains)
    {
        *x = draw.below(1000) as f32 / 5000.0 - 0.1;
    }
    let batch: Vec<u32> = (0..12).collect();
    let candidates: Vec<u32> = (0..DOCUMENTS as u32).collect();
    let of = |state: &State| {
        Slopes::of(
            &input,
            state,
            &batch,
            &[],
            &candidates,
            &options,
            &OneThread,
        )
    };
    let slopes = of(&state);
    let step = 1e-2;
    let check = |what: &str, expected: f32, change: &dyn Fn(&mut State, f32)| {
        let mut sides = [step, -step].map(|by| {
            let mut moved = state.clone();
            change(&mut moved, by);
            of(&moved).loss
        });
        sides[0] -= sides[1];
        let measured = sides[0] / (2.0 * step);
        assert!(
            (measured - expected).abs() < 2e-3,
            "{what}: {measured} and {expected}"
        );
    };
    for place in [0, 7, DIMS * 3 + 2, DIMS * DIMS - 1] {
        check("map", slopes.map[place], &|state, by| {
            state.map[place] += by;
        });
    }
    for (row, slope) in slopes.rows.iter().step_by(5) {
        let row = *row as usize;
        check("move", slope[3], &|state, by| {
            state.moves[row * DIMS + 3] += by;
        });
        let gain = dot(slope, &state.base[row * DIMS..][..DIMS]) * libm::expf(state.gains[row]);
        check("gain", gain, &|state, by| state.gains[row] += by);
    }
}

#[test]
fn what_no_query_teaches_stays_as_it_was() {
    let world = World::new();
    let input = TuneInput {
        examples: &world.examples[..3],
        choosing: &[],
        ..world.input()
    };
    let options = TuneOptions {
        map_rate: 0.0,
        gain_rate: 1e-2,
        steps: 30,
        ..TuneOptions::default()
    };
    let (correction, _) = tune(&input, &options, &OneThread, |_| {});
    assert!(correction.map.iter().all(|x| *x == 0.0));
    let taught: Vec<u32> = input.examples.iter().flat_map(|e| e.rows.clone()).collect();
    for word in 0..WORDS {
        let at = word * DIMS..(word + 1) * DIMS;
        let pairs = correction.rows[at.clone()].iter().zip(&world.rows[at]);
        let moved = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert_eq!(moved > 1e-5, taught.contains(&(word as u32)), "{word}");
    }
}
