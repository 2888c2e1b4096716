//! The seam: the engine asks whoever keeps the sandbox.
#![expect(
    unsafe_code,
    reason = "imports take addresses; each is of a slice that outlives the call"
)]

use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::ENTRY_NAME;
use std::sync::Arc;

#[link(wasm_import_module = "littoral")]
unsafe extern "C" {
    /// Bytes of the answer about the blocks of `keys`, or about the entry where there are none.
    fn find(keys: *const u8, bytes: usize) -> i64;
    /// Bytes of the vector of a text, or -1.
    fn embed(model: *const u8, text: *const u8, bytes: usize) -> i64;
    /// Bytes of the relevance of texts, each behind its length, of which the best are wanted, or -1.
    fn rerank(
        model: *const u8,
        query: *const u8,
        query_bytes: usize,
        texts: *const u8,
        texts_bytes: usize,
        wanted: usize,
    ) -> i64;
    /// Copies the next `bytes` of the last answer to `out`.
    fn take(out: *mut u8, bytes: usize);
}

/// The host outside the sandbox.
pub(crate) struct Imports;

impl Host for Imports {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        let mut files = files(&[], || ENTRY_NAME.to_owned())?;
        Ok(files.swap_remove(0))
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<u8> = blocks.iter().flat_map(|block| block.key()).collect();
        files(&keys, || blocks[0].path())
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        // SAFETY: the addresses are of slices that outlive the call.
        let bytes = unsafe { embed(model.as_ptr(), text.as_ptr(), text.len()) };
        let answer = taken(usize::try_from(bytes).ok()?);
        let (numbers, _) = answer.as_chunks();
        Some(numbers.iter().map(|&n| f32::from_le_bytes(n)).collect())
    }

    async fn rerank(
        &self,
        model: [u8; 8],
        query: &str,
        texts: &[&str],
        wanted: usize,
    ) -> Option<Vec<f64>> {
        let mut packed = Vec::new();
        for text in texts {
            packed.extend_from_slice(&(text.len() as u32).to_le_bytes());
            packed.extend_from_slice(text.as_bytes());
        }
        // SAFETY: the addresses are of slices that outlive the call.
        let bytes = unsafe {
            rerank(
                model.as_ptr(),
                query.as_ptr(),
                query.len(),
                packed.as_ptr(),
                packed.len(),
                wanted,
            )
        };
        let answer = taken(usize::try_from(bytes).ok()?);
        let (numbers, _) = answer.as_chunks();
        Some(numbers.iter().map(|&n| f64::from_le_bytes(n)).collect())
    }
}

/// The files of `keys`: 0 and the length of each in front of them; or 1 and the path of one that is
/// not there; or 2, the path, a line end, and why it cannot be read.
fn files(keys: &[u8], first: impl Fn() -> String) -> Result<Vec<Arc<[u8]>>, HostError> {
    // SAFETY: the address is of a slice that outlives the call.
    let bytes = unsafe { find(keys.as_ptr(), keys.len()) };
    let unreadable = |path, reason: &str| HostError::Unreadable {
        path,
        reason: reason.to_owned(),
    };
    let Ok(bytes @ 1..) = usize::try_from(bytes) else {
        return Err(unreadable(first(), "the host gave no answer"));
    };
    let status = taken(1)[0];
    if status != 0 {
        let text = String::from_utf8_lossy(&taken(bytes - 1)).into_owned();
        return Err(match (status, text.split_once('\n')) {
            (1, _) => HostError::NotFound { path: text },
            (_, Some((path, reason))) => unreadable(path.to_owned(), reason),
            (_, None) => unreadable(first(), &text),
        });
    }
    let n_files = (keys.len() / littoral_indexes::envelope::BLOCK_KEY_BYTES).max(1);
    let lengths = taken(4 * n_files);
    let (lengths, _) = lengths.as_chunks();
    let file = |&length| taken(u32::from_le_bytes(length) as usize).into();
    Ok(lengths.iter().map(file).collect())
}

/// The next `bytes` of the last answer.
fn taken(bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    // SAFETY: the address is of a slice that outlives the call.
    unsafe { take(out.as_mut_ptr(), bytes) };
    out
}
