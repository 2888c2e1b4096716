//! The engine as a component: compiled for the tests, and hosted by wasmtime over files in memory.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use crate::files::below;
use crate::memory::Stored;
use littoral_guest::HostError;
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::ENTRY_NAME;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use wasmtime::component::{Component, HasSelf, Linker, ResourceAny};
use wasmtime::{Config, Engine, Store, StoreLimits};

mod shape;

pub use bindings::exports::littoral::retrieval::index as wit;
pub use bindings::littoral::retrieval::host;
pub use shape::{as_json, asked, assert_same_error, map, native};

/// What `guest/component/wit` says, on the host's side.
#[allow(missing_docs, reason = "the docs are in wit/")]
pub mod bindings {
    wasmtime::component::bindgen!({
        path: "../guest/component/wit",
        world: "retrieval",
        additional_derives: [serde::Serialize],
    });
}

/// The component, compiled once, as `web/build.mjs` does.
pub fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        // Tests and examples lie in `<target>/<profile>/<folder>`.
        let program = std::env::current_exe().unwrap();
        let target = program.ancestors().nth(3).unwrap().join("component");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let flags = [
            "-Ctarget-feature=+simd128".to_owned(),
            format!(
                "--remap-path-prefix={}/registry/src=crates",
                cargo_home().display()
            ),
            format!("--remap-path-prefix={}=littoral", root.display()),
            "-Clinker=wasm-component-ld".to_owned(),
        ];
        let built = Command::new(cargo)
            .args(["build", "--locked", "--quiet"])
            .args(["--package", "littoral-component", "--profile", "sandbox"])
            .args(["--target", "wasm32-unknown-unknown"])
            .current_dir(root)
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .status()
            .unwrap();
        assert!(built.success(), "the component could not be built");
        target.join("wasm32-unknown-unknown/sandbox/littoral_component.wasm")
    })
}

/// Where cargo keeps what it has fetched.
pub fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")))
        .unwrap()
}

/// Gives the vector of a text.
pub type Encode = fn(&str) -> Vec<f32>;

/// Gives the relevance to a query of a text.
pub type Relevance = fn(&str, &str) -> f64;

/// A host over files in memory, by their paths.
#[derive(Clone, Default)]
pub struct Files {
    /// The files.
    pub files: Arc<BTreeMap<String, Arc<[u8]>>>,
    /// What encodes texts, by the model that it is.
    pub encoder: Option<([u8; 8], Encode)>,
    /// What reads texts beside a query, by the model that it is.
    pub reader: Option<([u8; 8], Relevance)>,
    /// Told before files are read.
    pub watch: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Rounds of files so far.
    pub rounds: u32,
    /// What the instance may use.
    pub limits: StoreLimits,
}

impl Files {
    /// The files of an index in memory.
    pub fn of(stored: &Stored) -> Self {
        let files = stored.files.iter();
        Self {
            files: Arc::new(
                files
                    .map(|(place, file)| (place.path(), Arc::clone(file)))
                    .collect(),
            ),
            ..Self::default()
        }
    }

    /// The files of the index in `folder`.
    pub fn read(folder: &Path) -> Self {
        let files = below(folder).into_iter();
        let files = files.map(|(name, file)| (name, file.into())).collect();
        Self {
            files: Arc::new(files),
            ..Self::default()
        }
    }

    fn shared(&self, path: &str) -> Result<Arc<[u8]>, HostError> {
        let file = self.files.get(path).cloned();
        file.ok_or_else(|| HostError::NotFound { path: path.into() })
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, host::HostError> {
        let file = self.shared(path);
        file.map(|file| file.to_vec())
            .map_err(|_| host::HostError::NotFound(path.to_owned()))
    }
}

impl host::Host for Files {
    fn entry(&mut self) -> Result<Vec<u8>, host::HostError> {
        self.file(ENTRY_NAME)
    }

    fn read(&mut self, paths: Vec<String>) -> Result<Vec<Vec<u8>>, host::HostError> {
        if let Some(watch) = &self.watch {
            watch();
        }
        self.rounds += 1;
        paths.iter().map(|path| self.file(path)).collect()
    }

    fn embed(&mut self, model: Vec<u8>, text: String) -> Option<Vec<f32>> {
        let (own, encode) = self.encoder?;
        (model == own).then(|| encode(&text))
    }

    fn rerank(
        &mut self,
        model: Vec<u8>,
        query: String,
        texts: Vec<String>,
        _: u32,
    ) -> Option<Vec<f64>> {
        let (own, relevance) = self.reader?;
        (model == own).then(|| texts.iter().map(|text| relevance(&query, text)).collect())
    }
}

/// The same files for the engine natively, and in the sandbox.
impl littoral_guest::Host for Files {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.shared(ENTRY_NAME)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        blocks
            .iter()
            .map(|block| self.shared(&block.path()))
            .collect()
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        let (own, encode) = self.encoder?;
        (model == own).then(|| encode(text))
    }

    async fn rerank(
        &self,
        model: [u8; 8],
        query: &str,
        texts: &[&str],
        _: usize,
    ) -> Option<Vec<f64>> {
        let (own, relevance) = self.reader?;
        (model == own).then(|| texts.iter().map(|text| relevance(query, text)).collect())
    }
}

/// A component that is compiled and joined with its imports.
pub struct Compiled {
    /// What it runs on.
    pub engine: Engine,
    /// The component.
    pub component: Component,
    pre: bindings::RetrievalPre<Files>,
}

/// One for the tests of a program, compiled once; a clock may end its instances.
pub fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let mut config = Config::new();
        config.epoch_interruption(true);
        Compiled::new(Engine::new(&config).unwrap())
    })
}

impl Compiled {
    /// Compiles the component for `engine`.
    pub fn new(engine: Engine) -> Self {
        let component = Component::from_file(&engine, component()).unwrap();
        let mut linker = Linker::new(&engine);
        bindings::Retrieval::add_to_linker::<_, HasSelf<_>>(&mut linker, |files| files).unwrap();
        let pre = linker.instantiate_pre(&component).unwrap();
        Self {
            pre: bindings::RetrievalPre::new(pre).unwrap(),
            engine,
            component,
        }
    }

    /// An instance whose host is `files`, without a bound on time.
    pub fn instance(&self, files: Files) -> wasmtime::Result<Instance> {
        let mut store = Store::new(&self.engine, files);
        store.limiter(|files| &mut files.limits);
        store.set_epoch_deadline(u64::MAX >> 1);
        let world = self.pre.instantiate(&mut store)?;
        Ok(Instance { store, world })
    }

    /// An open index.
    pub fn open(&self, files: Files) -> wasmtime::Result<Result<Opened, wit::Error>> {
        self.instance(files)?.open()
    }
}

/// An instance.
pub struct Instance {
    /// Its host and what it may use.
    pub store: Store<Files>,
    world: bindings::Retrieval,
}

impl Instance {
    /// Opens the index that the host holds.
    pub fn open(mut self) -> wasmtime::Result<Result<Opened, wit::Error>> {
        let guest = self.world.littoral_retrieval_index();
        let opened = guest.index().call_open(&mut self.store, 64 << 20)?;
        Ok(opened.map(|index| Opened {
            instance: self,
            index,
        }))
    }

    /// Options as they are where nothing is said.
    pub fn defaults(&mut self) -> wasmtime::Result<wit::SearchOptions> {
        let guest = self.world.littoral_retrieval_index();
        guest.call_defaults(&mut self.store)
    }
}

/// An open index: what it is asked, through the component.
pub struct Opened {
    /// The instance.
    pub instance: Instance,
    index: ResourceAny,
}

/// What a call gives: an answer, an error of the engine, or that the instance was ended.
pub type Called<T> = wasmtime::Result<Result<T, wit::Error>>;

impl Opened {
    fn ask<T>(
        &mut self,
        call: impl FnOnce(wit::GuestIndex<'_>, &mut Store<Files>, ResourceAny) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let Instance { store, world } = &mut self.instance;
        call(world.littoral_retrieval_index().index(), store, self.index)
    }

    /// `index.stats`
    pub fn stats(&mut self) -> wasmtime::Result<wit::Stats> {
        self.ask(|guest, store, index| guest.call_stats(store, index))
    }

    /// `index.filters`
    pub fn filters(&mut self) -> Called<Vec<wit::Facets>> {
        self.ask(|guest, store, index| guest.call_filters(store, index))
    }

    /// `index.search`
    pub fn search(
        &mut self,
        query: &str,
        options: &wit::SearchOptions,
    ) -> Called<wit::SearchResult> {
        self.ask(|guest, store, index| guest.call_search(store, index, query, options))
    }

    /// `index.context`
    pub fn context(
        &mut self,
        query: &str,
        options: &wit::SearchOptions,
        max_tokens: u32,
    ) -> Called<wit::Context> {
        self.ask(|guest, store, index| guest.call_context(store, index, query, options, max_tokens))
    }

    /// `index.answer`
    pub fn answer(
        &mut self,
        question: &str,
        options: &wit::SearchOptions,
        asked: wit::AnswerOptions,
    ) -> Called<wit::Answer> {
        self.ask(|guest, store, index| guest.call_answer(store, index, question, options, asked))
    }

    /// `index.read`
    pub fn read(
        &mut self,
        document: &str,
        first: u32,
        count: u32,
    ) -> Called<Option<wit::ReadDocument>> {
        self.ask(|guest, store, index| guest.call_read(store, index, document, first, count))
    }
}
