//! Synonym groups, matched against a query's terms.

/// Other ways to say a stretch of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synonym {
    /// Index of the stretch's first term.
    pub first: usize,
    /// Number of terms in the stretch, at least 1.
    pub len: usize,
    /// Each alternative as the terms of a phrase, at least one term; in the order they were given.
    pub alternatives: Vec<Vec<String>>,
}

/// Groups of phrases, analysed.
#[derive(Debug, Default)]
pub(super) struct Synonyms {
    groups: Vec<Vec<Vec<String>>>,
}

impl Synonyms {
    /// Adds a group; members without a term are left out, as are groups of fewer than two.
    pub(super) fn add(&mut self, members: impl Iterator<Item = Vec<String>>) {
        let mut group: Vec<Vec<String>> = Vec::new();
        for member in members {
            if !member.is_empty() && !group.contains(&member) {
                group.push(member);
            }
        }
        if group.len() > 1 {
            self.groups.push(group);
        }
    }

    pub(super) fn find(&self, terms: &[&str]) -> Vec<Synonym> {
        let mut found: Vec<Synonym> = Vec::new();
        for group in &self.groups {
            for member in group {
                let len = member.len();
                for first in 0..(terms.len() + 1).saturating_sub(len) {
                    if !terms[first..first + len].iter().eq(member.iter()) {
                        continue;
                    }
                    let others = group.iter().filter(|&other| other != member);
                    match found.iter_mut().find(|s| (s.first, s.len) == (first, len)) {
                        Some(synonym) => {
                            for other in others {
                                if !synonym.alternatives.contains(other) {
                                    synonym.alternatives.push(other.clone());
                                }
                            }
                        }
                        None => {
                            found.push(Synonym {
                                first,
                                len,
                                alternatives: others.cloned().collect(),
                            });
                        }
                    }
                }
            }
        }
        littoral_indexes::order::sort_by_key(&mut found, |s| (s.first, std::cmp::Reverse(s.len)));
        found
    }
}
