//! What an instance may ask. Every address and length it names is checked against its own memory.

use super::bounds::State;
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::{BLOCK_KEY_BYTES, BlockId};
use std::ops::Range;
use std::str;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::{Caller, Error, Linker, Result, bail};

/// Blocks of one round, at most.
const MAX_BLOCKS: usize = 1 << 16;

/// Blocks read before it is looked whether they are too many bytes.
const PART_BLOCKS: usize = 64;

/// Defines the imports of `guest/sandbox`.
pub(super) fn define<H: Host + Send + 'static>(linker: &mut Linker<State<H>>) -> Result<()> {
    let module = "littoral";
    linker
        .func_wrap(module, "find", find::<H>)?
        .func_wrap(module, "embed", embed::<H>)?
        .func_wrap(module, "rerank", rerank::<H>)?
        .func_wrap(module, "take", take::<H>)?;
    Ok(())
}

type Asking<'a, H> = Caller<'a, State<H>>;

/// The memory of the instance and its state.
fn parts<'a, H: 'static>(
    caller: &'a mut Asking<'_, H>,
) -> Result<(&'a mut [u8], &'a mut State<H>)> {
    match caller.data().memory {
        Some(memory) => Ok(memory.data_and_store_mut(caller)),
        None => bail!("the host was called before there was a memory"),
    }
}

/// The `bytes` from `address` on, as a range of a memory of `size` bytes.
pub(super) fn range(size: usize, address: u32, bytes: u32) -> Result<Range<usize>> {
    let start = address as usize;
    match start.checked_add(bytes as usize) {
        Some(end) if end <= size => Ok(start..end),
        _ => bail!("{bytes} bytes at {address} lie outside the memory of {size} bytes"),
    }
}

fn bytes(memory: &[u8], address: u32, bytes: u32) -> Result<&[u8]> {
    Ok(&memory[range(memory.len(), address, bytes)?])
}

fn text(memory: &[u8], address: u32, length: u32) -> Result<&str> {
    let bytes = bytes(memory, address, length)?;
    str::from_utf8(bytes).map_err(|_| Error::msg("a text is not in UTF-8"))
}

fn model(memory: &[u8], address: u32) -> Result<[u8; 8]> {
    let mut model = [0; 8];
    model.copy_from_slice(bytes(memory, address, 8)?);
    Ok(model)
}

/// The answer about files, as `guest/sandbox` reads it.
fn find<H: Host>(mut caller: Asking<'_, H>, keys: u32, length: u32) -> Result<i64> {
    let (memory, state) = parts(&mut caller)?;
    let keys = bytes(memory, keys, length)?;
    let (keys, rest) = keys.as_chunks::<BLOCK_KEY_BYTES>();
    if !rest.is_empty() || keys.len() > MAX_BLOCKS {
        bail!("{length} bytes are no keys of blocks");
    }
    let answer = match files(state, keys)? {
        Ok(files) => {
            let mut answer = vec![0];
            for file in &files {
                answer.extend_from_slice(&(file.len() as u32).to_le_bytes());
            }
            for file in &files {
                answer.extend_from_slice(file);
            }
            answer
        }
        Err(HostError::NotFound { path }) => [b"\x01", path.as_bytes()].concat(),
        Err(HostError::Unreadable { path, reason }) => {
            [b"\x02", path.as_bytes(), b"\n", reason.as_bytes()].concat()
        }
        Err(error) => bail!("{error}"),
    };
    Ok(state.answers(answer))
}

fn files<H: Host>(
    state: &State<H>,
    keys: &[[u8; BLOCK_KEY_BYTES]],
) -> Result<Result<Vec<Arc<[u8]>>, HostError>> {
    if keys.is_empty() {
        let entry = pollster::block_on(state.host.entry());
        return Ok(entry.map(|entry| vec![entry]));
    }
    let blocks: Option<Vec<BlockId>> = keys.iter().map(|&key| BlockId::from_key(key)).collect();
    let Some(blocks) = blocks else {
        bail!("a key is of no block");
    };
    let (mut files, mut total) = (Vec::with_capacity(blocks.len()), 0);
    for part in blocks.chunks(PART_BLOCKS) {
        let read = match pollster::block_on(state.host.read(part)) {
            Ok(read) if read.len() == part.len() => read,
            Ok(_) => bail!("the host gave fewer files than it was asked for"),
            Err(error) => return Ok(Err(error)),
        };
        total += read.iter().map(|file| file.len()).sum::<usize>();
        // The instance could not hold them.
        if total > state.limits.memory_bytes {
            return Ok(Err(HostError::Unreadable {
                path: part[0].path(),
                reason: "the files of one round are larger than the memory of a sandbox".to_owned(),
            }));
        }
        files.extend(read);
    }
    Ok(Ok(files))
}

fn embed<H: Host>(
    mut caller: Asking<'_, H>,
    model_at: u32,
    text_at: u32,
    length: u32,
) -> Result<i64> {
    let (memory, state) = parts(&mut caller)?;
    let model = model(memory, model_at)?;
    let text = text(memory, text_at, length)?;
    state.encode(|host| {
        let vector = pollster::block_on(host.embed(model, text))?;
        Some(vector.iter().flat_map(|n| n.to_le_bytes()).collect())
    })
}

fn rerank<H: Host>(
    mut caller: Asking<'_, H>,
    model_at: u32,
    query_at: u32,
    query_length: u32,
    texts_at: u32,
    texts_length: u32,
    wanted: u32,
) -> Result<i64> {
    let (memory, state) = parts(&mut caller)?;
    let model = model(memory, model_at)?;
    let query = text(memory, query_at, query_length)?;
    let mut packed = bytes(memory, texts_at, texts_length)?;
    let mut texts = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((text, rest)) = rest.split_at_checked(length) else {
            bail!("a text ends behind the texts");
        };
        texts.push(str::from_utf8(text).map_err(|_| Error::msg("a text is not in UTF-8"))?);
        packed = rest;
    }
    state.encode(|host| {
        let relevance = pollster::block_on(host.rerank(model, query, &texts, wanted as usize))?;
        Some(relevance.iter().flat_map(|n| n.to_le_bytes()).collect())
    })
}

fn take<H: Host>(mut caller: Asking<'_, H>, out: u32, length: u32) -> Result<()> {
    let (memory, state) = parts(&mut caller)?;
    let out = range(memory.len(), out, length)?;
    let left = &state.answer[state.taken..];
    let Some(answer) = left.get(..out.len()) else {
        bail!("{length} bytes were taken of an answer of {}", left.len());
    };
    memory[out].copy_from_slice(answer);
    state.taken += length as usize;
    Ok(())
}

impl<H: Host> State<H> {
    fn answers(&mut self, answer: Vec<u8>) -> i64 {
        let length = answer.len() as i64;
        self.answer = answer;
        self.taken = 0;
        length
    }

    /// Lets the host's encoders answer, at the host's expense.
    fn encode(&mut self, answer: impl FnOnce(&H) -> Option<Vec<u8>>) -> Result<i64> {
        if !self.may_encode() {
            bail!("the host's encoders were asked too often");
        }
        let start = Instant::now();
        let answer = answer(&self.host);
        self.excuse(start);
        Ok(answer.map_or(-1, |answer| self.answers(answer)))
    }
}
