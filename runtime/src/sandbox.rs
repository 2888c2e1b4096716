//! The engine in a sandbox: the same code as the native engine, compiled to WebAssembly and run by
//! wasmtime with nothing to reach but the blocks of one index.
//!
//! ```text
//! Sandbox ── open(host) ─→ SandboxedIndex ── search ─→ result, or a typed error for this index alone
//!  module, pool, clock      memory of its own, a host that reads
//! ```
//!
//! A sandbox has no WASI, no clock and no randomness. Its memory, its stack, its time and its calls
//! of the host are bounded; what goes beyond ends with a [`SandboxError`], after which the instance is
//! not used again. Whatever comes out of it is read as a stranger's text.

mod bounds;
mod clock;
mod error;
mod imports;
mod index;

pub use error::SandboxError;
pub use index::SandboxedIndex;

use bounds::State;
use clock::Clock;
use littoral_guest::Host;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, InstancePre, Linker, Module, OptLevel,
    PoolingAllocationConfig, Store, UpdateDeadline,
};

/// The engine, as `guest/sandbox` is compiled.
static MODULE: &[u8] = include_bytes!(env!("LITTORAL_SANDBOX_MODULE"));

/// Elements of a table of functions, at most; the engine has some hundreds.
const TABLE_ELEMENTS: usize = 20_000;

/// What an instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory: with little, large indexes cannot be searched; all of it may be used by each
    /// instance.
    pub memory_bytes: usize,
    /// Decoded blocks kept between queries, of that memory.
    pub cache_bytes: usize,
    /// Time for one call, without the time of encoders of the host.
    pub time: Duration,
    /// Stack in bytes.
    pub stack_bytes: usize,
    /// Instances at a time, over all indexes.
    pub instances: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            cache_bytes: 64 << 20,
            time: Duration::from_secs(10),
            stack_bytes: 512 << 10,
            instances: 1,
        }
    }
}

/// Compiled once, opens any number of indexes.
#[derive(Clone)]
pub struct Sandbox {
    module: Module,
    clock: Arc<Clock>,
    limits: Limits,
}

impl Sandbox {
    /// A sandbox for the engine. Compiling it takes a second or two of computing time.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when this machine cannot have one.
    pub fn new(limits: Limits) -> Result<Self, SandboxError> {
        Self::of_module(MODULE, limits)
    }

    /// A sandbox for another module with the exports of `guest/sandbox`.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when the module is none, or this machine cannot have a sandbox.
    pub fn of_module(module: &[u8], limits: Limits) -> Result<Self, SandboxError> {
        let engine = Engine::new(&configuration(&limits)).map_err(|e| unavailable(&e))?;
        let module = Module::new(&engine, module).map_err(|e| unavailable(&e))?;
        Ok(Self {
            module,
            clock: Arc::new(Clock::start(engine)),
            limits,
        })
    }

    /// The same sandbox with less memory for each instance: at most what it was made for.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.limits.memory_bytes = self.limits.memory_bytes.min(bytes);
        self.limits.cache_bytes = self.limits.cache_bytes.min(bytes / 4);
        self
    }

    /// What an instance may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// All that can be done ahead for indexes that hosts of one kind hold.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when the module asks for what no sandbox has.
    pub fn prepare<H: Host + Send + 'static>(&self) -> Result<Prepared<H>, SandboxError> {
        let mut linker = Linker::new(self.module.engine());
        imports::define(&mut linker).map_err(|e| unavailable(&e))?;
        let instance = linker
            .instantiate_pre(&self.module)
            .map_err(|e| unavailable(&e))?;
        Ok(Prepared {
            instance,
            sandbox: self.clone(),
        })
    }

    /// Opens the index that `host` holds.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub fn open<H: Host + Send + 'static>(
        &self,
        host: H,
    ) -> Result<SandboxedIndex<H>, SandboxError> {
        self.prepare()?.open(host)
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A sandbox whose module and imports are joined: what is left to do for an index is microseconds.
pub struct Prepared<H: 'static> {
    instance: InstancePre<State<H>>,
    sandbox: Sandbox,
}

impl<H: Host + Send + 'static> Prepared<H> {
    /// Opens the index that `host` holds.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub fn open(&self, host: H) -> Result<SandboxedIndex<H>, SandboxError> {
        let limits = self.sandbox.limits;
        let mut store = Store::new(self.instance.module().engine(), State::new(host, limits));
        store.limiter(|state| state);
        store.epoch_deadline_callback(|context| {
            let ticks = context
                .data()
                .ticks_left()
                .ok_or(wasmtime::Trap::Interrupt)?;
            Ok(UpdateDeadline::Continue(ticks))
        });
        // A module may have a function that runs at its start.
        store.set_epoch_deadline(1);
        let running = self.sandbox.clock.running();
        let instance = self.instance.instantiate(&mut store);
        drop(running);
        let denied = store.data().denied;
        let instance = instance.map_err(|error| error::not_started(&error, denied, &limits))?;
        SandboxedIndex::open(store, instance, Arc::clone(&self.sandbox.clock))
    }
}

impl<H> std::fmt::Debug for Prepared<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

fn configuration(limits: &Limits) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(limits.instances)
        .total_memories(limits.instances)
        .total_tables(limits.instances)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .max_memory_size(limits.memory_bytes)
        .table_elements(TABLE_ELEMENTS);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes)
        .memory_init_cow(true)
        // What the engine does not use a module cannot abuse.
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_tail_call(false);
    config
}

fn unavailable(error: &wasmtime::Error) -> SandboxError {
    SandboxError::Unavailable {
        reason: format!("{error:#}"),
    }
}
