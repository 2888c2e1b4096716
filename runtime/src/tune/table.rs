//! The query table of an index, to be looked into and to be written anew.

use super::TuneError;
use littoral_guest::Host;
use littoral_guest::engine::Index;
use littoral_guest::table::{MAX_WORDS, words};
use littoral_indexes::IndexError;
use littoral_indexes::table::{Row, TableBlock, TableManifest, mark_of, write_block};
use std::collections::BTreeMap;

/// A row by what it is of: the word whose block it lies in, and the word, or the pair that the word is
/// in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The word whose block it lies in.
    pub home: String,
    /// The word, or two with a space between.
    pub key: String,
}

/// The query table of an index.
#[derive(Debug, Clone)]
pub struct Table {
    /// What the manifest says of it.
    pub manifest: TableManifest,
    blocks: Vec<TableBlock>,
}

impl Table {
    /// Reads that of `index`; `None` where its queries are encoded otherwise.
    ///
    /// # Errors
    /// [`TuneError::Engine`] when a block cannot be read.
    pub fn read<H: Host>(index: &Index<H>) -> Result<Option<Self>, TuneError> {
        let read = pollster::block_on(index.table_blocks())?;
        Ok(read.map(|(manifest, blocks)| Self { manifest, blocks }))
    }

    /// Width of a row.
    pub fn dims(&self) -> usize {
        usize::from(self.manifest.shape.dims)
    }

    /// Hash of all rows, in hexadecimal: what a tuning begins with.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for block in &self.blocks {
            for (mark, row) in block.rows() {
                hasher.update(&mark.to_le_bytes());
                hasher.update(&row.step.to_le_bytes());
                hasher.update(&row.codes.iter().map(|&c| c as u8).collect::<Vec<_>>());
            }
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// The row of `key` in the block of `home`, in units of the table.
    pub fn row(&self, home: &str, key: &str) -> Option<Vec<f32>> {
        let block = &self.blocks[self.manifest.shape.block_of(home) as usize];
        let row = block.find(mark_of(key))?;
        let mut worth = vec![0; self.dims()];
        row.add_to(&mut worth);
        Some(worth.into_iter().map(|x| x as f32).collect())
    }

    /// The names of what a text is the sum of, in its order: its words, whether they have rows or not,
    /// and the pairs that have.
    pub fn names(&self, text: &str) -> Vec<Name> {
        let mut words = words(text);
        words.truncate(MAX_WORDS);
        let mut names: Vec<Name> = words
            .iter()
            .map(|word| Name {
                home: word.clone(),
                key: word.clone(),
            })
            .collect();
        for pair in words.windows(2) {
            let key = pair.join(" ");
            let homes = pair.iter();
            let home = homes
                .into_iter()
                .find(|home| self.row(home, &key).is_some());
            names.extend(home.map(|home| Name {
                home: home.clone(),
                key,
            }));
        }
        names
    }

    /// The payloads of the blocks, by number, after every row was changed: by `change`, but for those
    /// named in `rows`, which become what that says before `change`. Rows of names that the table has
    /// not are added.
    ///
    /// # Errors
    /// [`IndexError`] when a row cannot be written.
    pub fn rewritten(
        &self,
        rows: &BTreeMap<Name, Vec<f32>>,
        change: impl Fn(&[f32]) -> Vec<f32> + Sync,
    ) -> Result<Vec<Vec<u8>>, IndexError> {
        let shape = self.manifest.shape;
        let mut given: Vec<BTreeMap<u32, &[f32]>> = vec![BTreeMap::new(); self.blocks.len()];
        for (name, row) in rows {
            let of_block = &mut given[shape.block_of(&name.home) as usize];
            // Of names that a reader cannot tell apart the first counts.
            of_block.entry(mark_of(&name.key)).or_insert(row);
        }
        let mut changed: Vec<BTreeMap<u32, Vec<f32>>> = Vec::new();
        for (block, mut given) in self.blocks.iter().zip(given) {
            let mut rows = BTreeMap::new();
            for (mark, row) in block.rows() {
                let worth = |&code: &i8| f32::from(code) * f32::from(row.step);
                let own: Vec<f32> = row.codes.iter().map(worth).collect();
                rows.insert(mark, change(given.remove(&mark).unwrap_or(&own)));
            }
            rows.extend(given.into_iter().map(|(mark, row)| (mark, change(row))));
            changed.push(rows);
        }
        let values = changed.iter().flat_map(|rows| rows.values().flatten());
        let greatest = values.fold(0.0_f32, |max, value| max.max(value.abs()));
        let unit = Row::unit(greatest, shape.bits);
        let blocks = changed.into_iter().map(|rows| {
            let rows = rows.into_iter();
            let rows = rows.map(|(mark, row)| (mark, Row::quantise(&row, shape.bits, unit)));
            write_block(shape, &rows.collect::<Vec<_>>())
        });
        blocks.collect()
    }
}
