//! A host for the component: an index in a folder, searched within bounds on memory and time.

use crate::bindings::Retrieval;
use crate::bindings::exports::littoral::retrieval::index as world;
use crate::bindings::littoral::retrieval::host::{Host, HostError, Unreadable};
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component as Part, Path, PathBuf};
use std::thread;
use std::time::Duration;
use wasmtime::component::{Component, HasSelf, Linker, ResourceAny};
use wasmtime::{Config, Engine, Result, Store, StoreLimits, StoreLimitsBuilder};

/// How often the clock of an engine ticks.
const TICK: Duration = Duration::from_millis(10);

/// Time for a call, in ticks.
const TICKS: u64 = 500;

/// Memory of an instance.
const MEMORY_BYTES: usize = 256 << 20;

/// Decoded blocks that are kept between calls, of that memory.
const CACHE_BYTES: u64 = 64 << 20;

/// What the component asks of the place it runs in: the files of one folder, and no models.
struct Folder {
    path: PathBuf,
    limits: StoreLimits,
}

impl Folder {
    fn file(&self, name: &str) -> Result<Vec<u8>, HostError> {
        // The names come out of the sandbox.
        let inside = |part| matches!(part, Part::Normal(_));
        if !Path::new(name).components().all(inside) {
            return Err(HostError::NotFound(name.to_owned()));
        }
        fs::read(self.path.join(name)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => HostError::NotFound(name.to_owned()),
            _ => HostError::Unreadable(Unreadable {
                path: name.to_owned(),
                reason: error.to_string(),
            }),
        })
    }
}

impl Host for Folder {
    fn entry(&mut self) -> Result<Vec<u8>, HostError> {
        self.file("littoral.json")
    }

    /// A host over a network would fetch these side by side.
    fn read(&mut self, paths: Vec<String>) -> Result<Vec<Vec<u8>>, HostError> {
        paths.iter().map(|path| self.file(path)).collect()
    }

    fn embed(&mut self, _model: Vec<u8>, _text: String) -> Option<Vec<f32>> {
        None
    }

    fn rerank(
        &mut self,
        _model: Vec<u8>,
        _query: String,
        _texts: Vec<String>,
        _wanted: u32,
    ) -> Option<Vec<f64>> {
        None
    }
}

/// An engine whose clock ends what takes too long.
pub fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let weak = engine.weak();
    thread::spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    });
    Ok(engine)
}

/// An index that is open in an instance of its own.
pub struct Index {
    store: Store<Folder>,
    world: Retrieval,
    index: ResourceAny,
}

impl Index {
    /// Opens the index in the folder `path`.
    pub fn open(engine: &Engine, component: &Component, path: impl Into<PathBuf>) -> Result<Self> {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_BYTES).build();
        let path = path.into();
        let mut store = Store::new(engine, Folder { path, limits });
        store.limiter(|folder| &mut folder.limits);
        store.set_epoch_deadline(TICKS);
        let mut linker = Linker::new(engine);
        Retrieval::add_to_linker::<_, HasSelf<_>>(&mut linker, |folder| folder)?;
        // For many instances: `RetrievalPre`, once.
        let world = Retrieval::instantiate(&mut store, component, &linker)?;
        let guest = world.littoral_retrieval_index();
        let opened = guest.index().call_open(&mut store, CACHE_BYTES)?;
        let index = opened.map_err(|error| failed(&error))?;
        Ok(Self {
            store,
            world,
            index,
        })
    }

    /// The five best hits of `query` as text.
    pub fn search(&mut self, query: &str) -> Result<String> {
        self.store.set_epoch_deadline(TICKS);
        let guest = self.world.littoral_retrieval_index();
        let options = world::SearchOptions {
            k: 5,
            ..guest.call_defaults(&mut self.store)?
        };
        let found = (guest.index()).call_search(&mut self.store, self.index, query, &options)?;
        let found = found.map_err(|error| failed(&error))?;
        let mut text = String::new();
        for hit in &found.hits {
            let document = &hit.document;
            writeln!(text, "{}. {} ({})", hit.rank, document.title, document.url)?;
            writeln!(text, "   {}", hit.excerpt)?;
        }
        for note in &found.notes {
            writeln!(text, "note: {}", note.message)?;
        }
        Ok(text)
    }
}

fn failed(error: &world::Error) -> wasmtime::Error {
    wasmtime::Error::msg(format!(
        "{} ({:?}) {}",
        error.message, error.code, error.hint
    ))
}
