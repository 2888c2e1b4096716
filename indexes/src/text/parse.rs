//! Cuts a block into literals and matches, at about the least cost: the shortest path
//! through the positions of the block, where each step costs what it would cost a model that has
//! only seen the dictionary (Katajainen and Raita, "An approximation algorithm for space-optimal
//! encoding of a text", 1989).

use std::ops::RangeInclusive;

use super::coders::Prices;
use super::matches::{Chains, Places, common};
use super::steps::{MAX_EXTRA, MIN_MATCH, MIN_REPEAT, Steps, far_context, place_bits, slot_of};

/// More bytes than this are parsed in turn, so that prices cannot overflow.
pub(super) const MAX_PARSE: usize = 1 << 20;

/// One step of a parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// One byte.
    Literal,
    /// A match at a new distance.
    Match { length: u32, distance: u32 },
    /// A match at the latest distance (`which` 0) or the one before it.
    Repeat { which: u32, length: u32 },
}

impl Step {
    /// Bytes that the step writes.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Literal => 1,
            Self::Match { length, .. } | Self::Repeat { length, .. } => length as usize,
        }
    }
}

/// What each step costs, from the statistics that every block starts with.
pub(super) struct Costs {
    is_match: [[u32; 2]; 4],
    repeat: [u32; 2],
    length: [[u32; MAX_EXTRA + 1]; 2],
    slot: [[u32; 64]; 3],
    /// A match in the block, by its place; one in the dictionary, position included.
    near: [u32; 16],
    far: [u32; 16],
}

impl Costs {
    /// Prices every step by `contexts`, with a dictionary of that many bytes.
    pub(super) fn new(contexts: &Steps, prices: &Prices, dictionary: usize) -> Self {
        let mut length = [[0; MAX_EXTRA + 1]; 2];
        for (costs, lengths) in length.iter_mut().zip(&contexts.length) {
            for (extra, cost) in costs.iter_mut().enumerate() {
                *cost = lengths.price(prices, extra as u32);
            }
        }
        let mut slot = [[0; 64]; 3];
        for (extra, costs) in slot.iter_mut().enumerate() {
            for (slot, cost) in costs.iter_mut().enumerate() {
                *cost = contexts.price_of_slot(prices, extra, slot as u32);
            }
        }
        let is_repeat = contexts.is_repeat[0];
        let new = prices.of(is_repeat, false);
        let again = prices.of(is_repeat, true);
        Self {
            is_match: std::array::from_fn(|run| {
                [
                    prices.of(contexts.is_match[run][0], false),
                    prices.of(contexts.is_match[run][0], true),
                ]
            }),
            repeat: [
                again + prices.of(contexts.is_repeat1[0], false),
                again + prices.of(contexts.is_repeat1[0], true),
            ],
            length,
            slot,
            near: contexts.is_far.map(|far| prices.of(far, false) + new),
            far: contexts
                .is_far
                .map(|far| prices.of(far, true) + new + 32 * place_bits(dictionary)),
        }
    }
}

/// How many candidates are looked at in the block, and twice as many in the dictionary. With 4 the
/// text is 0.5 % larger, with 32 it is 0.3 % smaller and takes longer to write.
const DEPTH: usize = 3;
/// A dictionary match that goes on for this long is not improved upon.
const LONG: usize = 8;
/// After a match longer than this, half of it is not searched: long repetitions cost linear time.
const VERY_LONG: usize = 20;

/// The cheapest way known to a position.
#[derive(Clone, Copy)]
struct Node {
    cost: u32,
    length: u32,
    /// 0: a literal; 1 and 2: a repeat; else a match at this distance plus 2.
    what: u32,
    repeats: [u32; 2],
    run: u32,
}

impl Node {
    fn step(self) -> Step {
        let length = self.length;
        match self.what {
            0 => Step::Literal,
            what @ 1..=2 => Step::Repeat {
                which: what - 1,
                length,
            },
            what => Step::Match {
                length,
                distance: what - 2,
            },
        }
    }
}

/// The cheapest ways to all positions from the start of the block.
struct Paths<'a> {
    costs: &'a Costs,
    nodes: Vec<Node>,
}

impl Paths<'_> {
    #[inline]
    fn relax(&mut self, i: usize, node: Node) {
        let i = i + node.length as usize;
        if node.cost < self.nodes[i].cost {
            self.nodes[i] = node;
        }
    }

    #[inline]
    fn literal(&mut self, i: usize, price: u32) {
        let here = self.nodes[i];
        let literal = Node {
            cost: here.cost + self.costs.is_match[here.run as usize][0] + price,
            length: 1,
            what: 0,
            run: (here.run + 1).min(3),
            ..here
        };
        self.relax(i, literal);
    }

    /// Tries the last two distances at `window[at..at + limit]`.
    #[inline]
    fn repeat(&mut self, i: usize, window: &[u8], at: usize, limit: usize) {
        let here = self.nodes[i];
        for (which, &distance) in here.repeats.iter().enumerate() {
            let distance = distance as usize;
            if distance > at {
                continue;
            }
            let length = common(&window[at - distance..], &window[at..at + limit]);
            let length = length.min(MIN_REPEAT + MAX_EXTRA);
            let base = here.cost + self.costs.is_match[here.run as usize][1];
            let base = base + self.costs.repeat[which];
            let repeats = [here.repeats[which], here.repeats[1 - which]];
            for l in MIN_REPEAT..=length {
                let repeat = Node {
                    cost: base + self.costs.length[1][l - MIN_REPEAT],
                    length: l as u32,
                    what: 1 + which as u32,
                    repeats,
                    run: 0,
                };
                self.relax(i, repeat);
            }
        }
    }

    /// Tries a new distance at each of `lengths`, which costs `base` and `by_extra`.
    #[inline]
    fn distance(
        &mut self,
        i: usize,
        lengths: RangeInclusive<usize>,
        distance: usize,
        base: u32,
        by_extra: impl Fn(&Costs, usize) -> u32,
    ) {
        let here = self.nodes[i];
        let base = here.cost + self.costs.is_match[here.run as usize][1] + base;
        for l in lengths {
            let extra = l - MIN_MATCH;
            let found = Node {
                cost: base + self.costs.length[0][extra] + by_extra(self.costs, extra),
                length: l as u32,
                what: distance as u32 + 2,
                repeats: [distance as u32, here.repeats[0]],
                run: 0,
            };
            self.relax(i, found);
        }
    }

    /// The steps of the cheapest way to the end.
    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.nodes.len() / 3);
        let mut i = self.nodes.len() - 1;
        while i > 0 {
            steps.push(self.nodes[i].step());
            i -= self.nodes[i].length as usize;
        }
        steps.reverse();
        steps
    }
}

/// The steps that write `window[start..]` after `window[..start]`, `literal(at)` being the price of
/// the byte at `at`, for a walk with that run of literals and those distances to repeat. At most
/// [`MAX_PARSE`] bytes.
pub(super) fn parse(
    window: &[u8],
    start: usize,
    (run, repeats): (usize, [u32; 2]),
    dictionary: &Places,
    costs: &Costs,
    literal: impl Fn(usize) -> u32,
) -> Vec<Step> {
    let n = window.len() - start;
    debug_assert!(n <= MAX_PARSE);
    let first = Node {
        cost: 0,
        length: 0,
        what: 0,
        repeats,
        run: run as u32,
    };
    let unknown = Node {
        cost: u32::MAX,
        ..first
    };
    let mut nodes = vec![unknown; n + 1];
    nodes[0] = first;
    let mut paths = Paths { costs, nodes };
    let mut chains = Chains::new(start, n);
    let mut skip = 0usize;
    // The match in the dictionary that the last position left over: its length and position.
    let mut far = (0usize, 0usize);
    for i in 0..n {
        let at = start + i;
        paths.literal(i, literal(at));
        if skip > 0 {
            skip -= 1;
            chains.insert(window, at);
            continue;
        }
        let limit = (n - i).min(MIN_MATCH + MAX_EXTRA);
        paths.repeat(i, window, at, limit);
        let context = far_context((at - dictionary.len()) as u32);
        // In the block, each length is best had from where it occurred last.
        let mut near = MIN_MATCH - 1;
        chains.find(window, at, limit, DEPTH, near, |length, position| {
            let distance = at - position;
            let slot = slot_of(distance as u32 - 1) as usize;
            let base = costs.near[context];
            paths.distance(i, near + 1..=length, distance, base, |costs, extra| {
                costs.slot[extra.min(2)][slot]
            });
            near = length;
        });
        // In the dictionary every place costs the same, so only the longest match matters.
        far = if far.0 > MIN_MATCH {
            (far.0 - 1, far.1 + 1)
        } else {
            (MIN_MATCH - 1, 0)
        };
        if far.0 < LONG {
            far = dictionary.find(window, at, limit, 2 * DEPTH, far);
        }
        paths.distance(
            i,
            MIN_MATCH..=far.0,
            at - far.1,
            costs.far[context],
            |_, _| 0,
        );
        let longest = far.0.max(near);
        if longest > VERY_LONG {
            skip = longest / 2;
            far = (far.0.saturating_sub(skip), far.1 + skip);
        }
        chains.insert(window, at);
    }
    paths.steps()
}
