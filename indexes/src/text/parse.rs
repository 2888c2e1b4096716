//! Cuts a block into literals and matches, at about the least cost.

use super::matches::{Chains, common};
use super::model::{MAX_EXTRA, MIN_MATCH, MIN_REPEAT, Prices, Tokens, slot_of};
use super::{far_context, place_bits};

/// One step of a parse.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token {
    Literal,
    Match { length: u32, distance: u32 },
    Repeat { which: u32, length: u32 },
}

impl Token {
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
    pub(super) fn new(tokens: &Tokens, prices: &Prices, dictionary: usize) -> Self {
        let mut length = [[0; MAX_EXTRA + 1]; 2];
        for (costs, lengths) in length.iter_mut().zip(&tokens.length) {
            for (extra, cost) in costs.iter_mut().enumerate() {
                *cost = lengths.price(prices, extra as u32);
            }
        }
        let mut slot = [[0; 64]; 3];
        for (extra, costs) in slot.iter_mut().enumerate() {
            for (slot, cost) in costs.iter_mut().enumerate() {
                *cost = tokens.price_of_slot(prices, extra, slot as u32);
            }
        }
        let is_repeat = tokens.is_repeat[0];
        let new = prices.of(is_repeat, false);
        let again = prices.of(is_repeat, true);
        Self {
            is_match: std::array::from_fn(|run| {
                [
                    prices.of(tokens.is_match[run][0], false),
                    prices.of(tokens.is_match[run][0], true),
                ]
            }),
            repeat: [
                again + prices.of(tokens.is_repeat1[0], false),
                again + prices.of(tokens.is_repeat1[0], true),
            ],
            length,
            slot,
            near: tokens.is_far.map(|far| prices.of(far, false) + new),
            far: tokens
                .is_far
                .map(|far| prices.of(far, true) + new + 32 * place_bits(dictionary)),
        }
    }
}

#[derive(Clone, Copy)]
struct Node {
    cost: u32,
    length: u32,
    /// 0: a literal; 1 and 2: a repeat; else a match at this distance plus 2.
    what: u32,
    repeats: [u32; 2],
    run: u32,
}

/// How many candidates are looked at, in the dictionary and in the block.
const DEPTH: usize = 8;

/// The steps that write `window[start..]` after `window[..start]`.
pub(super) fn parse(
    window: &[u8],
    start: usize,
    dictionary: &Chains,
    costs: &Costs,
    literal: impl Fn(usize) -> u32,
) -> Vec<Token> {
    let n = window.len() - start;
    let mut nodes = vec![
        Node {
            cost: u32::MAX,
            length: 0,
            what: 0,
            repeats: [1, 1],
            run: 3,
        };
        n + 1
    ];
    nodes[0].cost = 0;
    let mut own = Chains::new(start, n);
    let mut skip = 0usize;
    let mut far = (0usize, 0usize);
    for i in 0..n {
        let here = nodes[i];
        let at = start + i;
        let [no, yes] = costs.is_match[here.run as usize];
        let limit = (n - i).min(MIN_MATCH + MAX_EXTRA);
        let mut relax = |length: usize, cost: u32, what: u32, repeats: [u32; 2], run: u32| {
            let node = &mut nodes[i + length];
            if cost < node.cost {
                *node = Node {
                    cost,
                    length: length as u32,
                    what,
                    repeats,
                    run,
                };
            }
        };
        relax(
            1,
            here.cost + no + literal(at),
            0,
            here.repeats,
            (here.run + 1).min(3),
        );
        if skip > 0 {
            skip -= 1;
            own.insert(window, at);
            continue;
        }
        for (which, &distance) in here.repeats.iter().enumerate() {
            let distance = distance as usize;
            if distance > at {
                continue;
            }
            let length = common(&window[at - distance..], &window[at..at + limit])
                .min(MIN_REPEAT + MAX_EXTRA);
            let base = here.cost + yes + costs.repeat[which];
            let repeats = if which == 0 {
                here.repeats
            } else {
                [here.repeats[1], here.repeats[0]]
            };
            for l in MIN_REPEAT..=length {
                relax(
                    l,
                    base + costs.length[1][l - MIN_REPEAT],
                    1 + which as u32,
                    repeats,
                    0,
                );
            }
        }
        let context = far_context(i as u32);
        let base = here.cost + yes + costs.near[context];
        let mut from = MIN_MATCH;
        own.find(
            window,
            at,
            limit,
            DEPTH,
            MIN_MATCH - 1,
            |length, position| {
                let distance = (at - position) as u32;
                let slot = slot_of(distance - 1) as usize;
                for l in from..=length {
                    let extra = l - MIN_MATCH;
                    relax(
                        l,
                        base + costs.length[0][extra] + costs.slot[extra.min(2)][slot],
                        distance + 2,
                        [distance, here.repeats[0]],
                        0,
                    );
                }
                from = length + 1;
            },
        );
        // Every place in the dictionary costs the same: only the longest match matters, and it is
        // at least what the last one left over.
        if far.0 > 0 {
            far = (far.0 - 1, far.1 + 1);
        }
        if far.0 < MIN_MATCH {
            far = (MIN_MATCH - 1, 0);
        }
        dictionary.find(window, at, limit, DEPTH, far.0, |length, position| {
            far = (length, position);
        });
        let base = here.cost + yes + costs.far[context];
        let distance = (at - far.1) as u32;
        for l in MIN_MATCH..=far.0 {
            relax(
                l,
                base + costs.length[0][l - MIN_MATCH],
                distance + 2,
                [distance, here.repeats[0]],
                0,
            );
        }
        let longest = far.0.max(from - 1);
        if longest > 64 {
            skip = longest / 2;
            far.0 -= skip.min(far.0);
            far.1 += skip;
        }
        own.insert(window, at);
    }
    let mut tokens = Vec::with_capacity(n / 3);
    let mut i = n;
    while i > 0 {
        let node = nodes[i];
        tokens.push(match node.what {
            0 => Token::Literal,
            which @ 1..=2 => Token::Repeat {
                which: which - 1,
                length: node.length,
            },
            distance => Token::Match {
                length: node.length,
                distance: distance - 2,
            },
        });
        i -= node.length as usize;
    }
    tokens.reverse();
    tokens
}
