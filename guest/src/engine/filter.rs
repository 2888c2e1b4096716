//! Filters, facet counts and sort keys.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decimal;
use super::decode::Decoded;
use super::lexical::{Lexical, Place};
use super::restrict::Restriction;
use super::result::{Facet, SearchOptions, SortOrder};
use super::segment::{Bits, Segment};
use crate::host::Host;
use crate::map::Map;
use crate::query::Occur;
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::lexicon::Separators;
use littoral_indexes::manifest::FilterKey;
use littoral_indexes::order::sort_by;
use littoral_indexes::sort::DOCUMENTS_PER_BLOCK;
use std::cmp::Ordering;
use std::sync::Arc;

/// The filters of a query, by key, with the blocks that answer them.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// `(key, values)`.
    keys: Vec<(String, Vec<String>)>,
    /// What to read in the first round.
    pub(super) blocks: Vec<BlockId>,
}

impl Selection {
    /// Whether there are no filters.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl<H: Host> Index<H> {
    /// Checks that the index has what filters, facets and sorting name, and finds their blocks.
    pub(super) fn selection(&self, options: &SearchOptions) -> Result<Selection, EngineError> {
        if options.filters.is_empty() && options.facets.is_empty() && options.sort.is_none() {
            return Ok(Selection::default());
        }
        self.selected(options)
    }

    #[inline(never)]
    fn selected(&self, options: &SearchOptions) -> Result<Selection, EngineError> {
        let mut selection = Selection::default();
        for (key, value) in &options.filters {
            let value = crate::build::filter_value(value);
            match selection.keys.iter_mut().find(|(k, _)| k == key) {
                Some((_, values)) => values.push(value),
                None => selection.keys.push((key.clone(), vec![value])),
            }
        }
        let known = |names: &dyn Fn(&Segment) -> Vec<String>| {
            let mut known: Vec<String> = self.segments.iter().flat_map(names).collect();
            sort_by(&mut known, Ord::cmp);
            known.dedup();
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        };
        for key in selection
            .keys
            .iter()
            .map(|(key, _)| key)
            .chain(&options.facets)
        {
            if !self.segments.iter().any(|s| s.filter_key(key).is_some()) {
                let known = known(&|s| s.manifest.filters.iter().map(|f| f.name.clone()).collect());
                return Err(EngineError::Unknown {
                    what: "filter",
                    name: key.clone(),
                    known,
                });
            }
        }
        if let Some(order) = &options.sort
            && !self
                .segments
                .iter()
                .any(|s| s.manifest.sorts.iter().any(|k| k.name == order.key))
        {
            let known = known(&|s| s.manifest.sorts.iter().map(|k| k.name.clone()).collect());
            let name = order.key.clone();
            return Err(EngineError::Unknown {
                what: "sort key",
                name,
                known,
            });
        }
        for segment in &self.segments {
            for (key, values) in &selection.keys {
                for value in values {
                    selection.blocks.extend(segment.value_block(key, value)?);
                }
            }
            for key in &options.facets {
                selection.blocks.extend(segment.key_blocks(key));
            }
            if let Some(order) = &options.sort {
                selection.blocks.extend(segment.sort_blocks(&order.key));
            }
        }
        Ok(selection)
    }

    /// Restrictions by the filters, for each segment.
    pub(super) async fn filtered(
        &self,
        selection: &Selection,
        fetched: &mut Fetched,
    ) -> Result<Vec<Restriction>, EngineError> {
        let mut restrictions = Vec::new();
        for segment in &self.segments {
            let mut restriction = Restriction::default();
            for (key, values) in &selection.keys {
                let mut documents = Bits::default();
                for value in values {
                    let Some(block) = segment.value_block(key, value)? else {
                        continue;
                    };
                    let decoded = self.block(block, fetched).await?;
                    let Decoded::Filters(found) = &*decoded else {
                        continue;
                    };
                    if let Ok(i) = found.binary_search_by(|v| v.value.as_str().cmp(value)) {
                        documents.union(&Bits::of(&found[i].documents));
                    }
                }
                restriction.apply(documents, Occur::Must);
            }
            restrictions.push(restriction);
        }
        Ok(restrictions)
    }

    /// Counts of the values of the facets asked for, over all documents found, whose lists are read to
    /// their ends for it; most frequent first.
    pub(super) async fn facets(
        &self,
        options: &SearchOptions,
        lexical: &mut Lexical,
        fetched: &mut Fetched,
    ) -> Result<Map<String, Vec<Facet>>, EngineError> {
        let mut facets = Map::default();
        let all = vec![true; lexical.terms.len()];
        self.complete_lists(&mut lexical.terms, &all, fetched)
            .await?;
        let matching = self.matching(lexical);
        for key in &options.facets {
            let counts = self.count_values(key, Some(&matching), fetched).await?;
            facets.insert(key.clone(), counts);
        }
        Ok(facets)
    }

    /// The values of every filter key, and how many documents carry each: the most frequent first.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be had or is damaged.
    pub async fn filters(&self) -> Result<Map<String, Vec<Facet>>, EngineError> {
        let mut fetched = self.fetched();
        let mut facets = Map::default();
        for key in self.segments.iter().flat_map(|s| &s.manifest.filters) {
            if !facets.contains_key(&key.name) {
                let counts = self.count_values(&key.name, None, &mut fetched).await?;
                facets.insert(key.name.clone(), counts);
            }
        }
        Ok(facets)
    }

    /// How many of the documents `matching` in each segment, or of all, carry each value of `key`.
    async fn count_values(
        &self,
        key: &str,
        matching: Option<&[Bits]>,
        fetched: &mut Fetched,
    ) -> Result<Vec<Facet>, EngineError> {
        let mut counts = Vec::new();
        for (s, segment) in self.segments.iter().enumerate() {
            let is_counted = |document: u32| match matching {
                Some(matching) => matching[s].contains(document),
                None => !segment.deleted.contains(document),
            };
            for decoded in self.blocks(&segment.key_blocks(key), fetched).await? {
                let Decoded::Filters(values) = &*decoded else {
                    continue;
                };
                for value in values {
                    let count = value
                        .documents
                        .iter()
                        .filter(|&&document| is_counted(document))
                        .count();
                    counts.push(Facet {
                        value: value.value.clone(),
                        count: count as u32,
                    });
                }
            }
        }
        // The segments' counts of one value together.
        sort_by(&mut counts, |a, b| a.value.cmp(&b.value));
        counts.dedup_by(|next, kept| {
            let same = next.value == kept.value;
            if same {
                kept.count += next.count;
            }
            same
        });
        sort_by(&mut counts, |a, b| {
            b.count.cmp(&a.count).then(a.value.cmp(&b.value))
        });
        Ok(counts)
    }

    /// Orders `places` by a sort key; documents without a value come last, equals by score.
    pub(super) async fn order_by(
        &self,
        order: &SortOrder,
        places: &mut [Place],
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let mut columns: Vec<Vec<Arc<Decoded>>> = Vec::new();
        let mut is_numeric = true;
        for segment in &self.segments {
            columns.push(
                self.blocks(&segment.sort_blocks(&order.key), fetched)
                    .await?,
            );
            let key = segment
                .manifest
                .sorts
                .iter()
                .find(|key| key.name == order.key);
            is_numeric &= key.is_none_or(|key| key.is_numeric);
        }
        let value = |place: &Place| -> Option<String> {
            let document = place.ranked.document;
            let column = columns[place.segment].get((document / DOCUMENTS_PER_BLOCK) as usize)?;
            match &**column {
                Decoded::Sort(values) => values
                    .get((document % DOCUMENTS_PER_BLOCK) as usize)?
                    .clone(),
                _ => None,
            }
        };
        sort_by(places, |a, b| match (value(a), value(b)) {
            (Some(a), Some(b)) => {
                let ordering = if is_numeric {
                    decimal::compare(&a, &b)
                } else {
                    a.cmp(&b)
                };
                if order.descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        Ok(())
    }
}

impl Segment {
    fn filter_key(&self, name: &str) -> Option<&FilterKey> {
        self.manifest.filters.iter().find(|key| key.name == name)
    }

    /// The block that holds a value of a key, if the segment has the key.
    fn value_block(&self, key: &str, value: &str) -> Result<Option<BlockId>, EngineError> {
        let Some(key) = self.filter_key(key) else {
            return Ok(None);
        };
        let separators = Separators::read(&key.separators).map_err(|error| EngineError::Index {
            path: littoral_indexes::manifest::ENTRY_NAME.into(),
            error,
        })?;
        let number = key
            .first_block
            .saturating_add(separators.block_of(value.as_bytes()));
        Ok(Some(self.block(Kind::Filters, number)))
    }

    /// All blocks of a key.
    pub(super) fn key_blocks(&self, name: &str) -> Vec<BlockId> {
        let keys = &self.manifest.filters;
        let Some(i) = keys.iter().position(|key| key.name == name) else {
            return Vec::new();
        };
        let end = keys
            .get(i + 1)
            .map_or(self.manifest.n_filter_blocks, |next| next.first_block);
        (keys[i].first_block..end)
            .map(|number| self.block(Kind::Filters, number))
            .collect()
    }

    pub(super) fn sort_blocks(&self, name: &str) -> Vec<BlockId> {
        let Some(key) = self.manifest.sorts.iter().find(|key| key.name == name) else {
            return Vec::new();
        };
        let n = self.layout.n_documents().div_ceil(DOCUMENTS_PER_BLOCK);
        (key.first_block..key.first_block.saturating_add(n))
            .map(|number| self.block(Kind::Sort, number))
            .collect()
    }
}
