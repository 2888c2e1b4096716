//! What a query table is tuned with: the vectors of all chunks, and the rows of the table.

use super::EngineError;
use super::blocks::Index;
use super::decode::Decoded;
use crate::host::Host;
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::table::{TableBlock, TableManifest};

/// Blocks read at a time.
const BATCH: usize = 128;

impl<H: Host> Index<H> {
    /// The vectors of the chunks of the `s`-th segment as they are compared with queries, of length 1
    /// or all zeros: `[n_chunks, dims]`, with `dims` as the manifest has it; nothing without vectors.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be read.
    pub async fn chunk_vectors(&self, s: usize) -> Result<Vec<f32>, EngineError> {
        let segment = &self.segments[s];
        let Some(vectors) = &segment.manifest.vectors else {
            return Ok(Vec::new());
        };
        let dims = vectors.dims as usize;
        let mut out = vec![0.0; segment.layout.n_chunks() as usize * dims];
        let centroids = segment.block(Kind::Centroids, 0);
        self.block(centroids, &mut self.fetched()).await?;
        let cells: Vec<BlockId> = (0..vectors.n_cells)
            .map(|cell| segment.block(Kind::Cells, cell))
            .collect();
        for cells in cells.chunks(BATCH) {
            for decoded in self.blocks(cells, &mut self.fetched()).await? {
                let Decoded::Cell(cell) = &*decoded else {
                    continue;
                };
                let codes = cell.vectors.codes.chunks_exact(dims.max(1));
                for (&chunk, codes) in cell.chunks.iter().zip(codes) {
                    let vector = &mut out[chunk as usize * dims..][..dims];
                    for (out, &code) in vector.iter_mut().zip(codes) {
                        *out = f32::from(code);
                    }
                    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
                    for x in &mut *vector {
                        *x /= length;
                    }
                }
            }
        }
        Ok(out)
    }

    /// What the query table is, and its blocks by number; `None` where there is none.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be read.
    pub async fn table_blocks(
        &self,
    ) -> Result<Option<(TableManifest, Vec<TableBlock>)>, EngineError> {
        let Some((segment, table)) = self.table() else {
            return Ok(None);
        };
        let kind = Kind::Table;
        let all = (0..table.shape.n_blocks).map(|number| BlockId {
            segment,
            kind,
            number,
        });
        let mut blocks = Vec::new();
        for batch in all.collect::<Vec<_>>().chunks(BATCH) {
            for decoded in self.blocks(batch, &mut self.fetched()).await? {
                if let Decoded::Table(block) = &*decoded {
                    blocks.push(block.clone());
                }
            }
        }
        Ok(Some((table, blocks)))
    }
}
