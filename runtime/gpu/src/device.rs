//! An adapter, opened and tested, and the few calls that kernels are run with.

use crate::GpuError;
#[cfg(not(target_arch = "wasm32"))]
use crate::blocking;
use crate::scan::self_test;
use futures_channel::oneshot;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::util::{BufferInitDescriptor, DeviceExt};
use wgpu::{BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor, DeviceType};

/// Bytes sent to the device before it is waited for.
const UPLOAD_BYTES: usize = 32 << 20;

/// Which adapters may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapters {
    /// Hardware alone: a GPU that is emulated is slower than the CPU that emulates it.
    Hardware,
    /// Also emulated ones, for tests.
    Any,
}

/// What went wrong on a device since it was last asked.
#[derive(Debug, Default)]
struct Watch {
    error: Mutex<Option<GpuError>>,
    lost: Mutex<Option<String>>,
    /// Calls that are to find no memory.
    n_without_memory: AtomicUsize,
}

/// An opened device that passed its test.
#[derive(Debug)]
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    name: String,
    is_software: bool,
    has_dot: bool,
    /// By their sources: what was compiled is compiled.
    kernels: Mutex<BTreeMap<String, wgpu::ComputePipeline>>,
    watch: Arc<Watch>,
}

impl Gpu {
    /// Opens the best adapter: discrete before integrated before others.
    ///
    /// # Errors
    /// [`GpuError::Absent`] when there is none, else what the last one tried gave.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(adapters: Adapters) -> Result<Arc<Self>, GpuError> {
        blocking::wait(Self::open_async(adapters))
    }

    /// As [`Gpu::open`], in a page the adapter that the browser gives.
    ///
    /// # Errors
    /// As there.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(clippy::arc_with_non_send_sync, reason = "a page has one thread")
    )]
    pub async fn open_async(adapters: Adapters) -> Result<Arc<Self>, GpuError> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.flags = wgpu::InstanceFlags::empty();
        let instance = wgpu::Instance::new(descriptor);
        let has_dot = instance
            .wgsl_language_features()
            .contains(wgpu::WgslLanguageFeatures::Packed4x8IntegerDotProduct);
        let mut found = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
        let n_found = found.len();
        if adapters == Adapters::Hardware {
            found.retain(|adapter| adapter.get_info().device_type != DeviceType::Cpu);
        }
        found.sort_by_key(|adapter| rank(adapter.get_info().device_type));
        let mut last = GpuError::Absent {
            reason: match n_found {
                0 => NO_ADAPTER.into(),
                _ => "the only adapters are emulated by the CPU".into(),
            },
        };
        for adapter in found {
            let opened = match Self::with(&adapter, has_dot).await {
                Ok(gpu) => {
                    let gpu = Arc::new(gpu);
                    self_test::run(&gpu).await.map(|()| gpu)
                }
                Err(error) => Err(error),
            };
            match opened {
                Ok(gpu) => return Ok(gpu),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn with(adapter: &wgpu::Adapter, has_dot: bool) -> Result<Self, GpuError> {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: wgpu::Limits {
                max_storage_buffer_binding_size: limits.max_storage_buffer_binding_size,
                max_buffer_size: limits.max_buffer_size,
                ..wgpu::Limits::default()
            },
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let opened = adapter.request_device(&descriptor).await;
        let (device, queue) = opened.map_err(|error| GpuError::Absent {
            reason: format!("{} does not open: {error}", info.name),
        })?;
        let watch = Arc::new(Watch::default());
        // A page asks by scopes: wgpu ends the module upon an internal error that it hears of itself.
        #[cfg(not(target_arch = "wasm32"))]
        {
            let heard = Arc::clone(&watch);
            device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
                heard.report(error.into());
            }));
        }
        let heard = Arc::clone(&watch);
        device.set_device_lost_callback(move |reason, message| {
            // Without `Debug`, which the page's module does not have.
            let reason = match reason {
                wgpu::DeviceLostReason::Destroyed => "destroyed",
                wgpu::DeviceLostReason::Unknown => "reason unknown",
            };
            *lock(&heard.lost) = Some(format!("{reason} {message}").trim_end().to_owned());
        });
        Ok(Self {
            device,
            queue,
            name: info.name,
            is_software: info.device_type == DeviceType::Cpu,
            has_dot,
            kernels: Mutex::default(),
            watch,
        })
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the CPU emulates it.
    pub fn is_software(&self) -> bool {
        self.is_software
    }

    /// Whether WGSL's packed dot product of 4 × 8 bits may be written here.
    pub(crate) fn has_dot(&self) -> bool {
        self.has_dot
    }

    /// As if it may not.
    #[cfg(test)]
    pub(crate) fn forbid_dot(&mut self) {
        self.has_dot = false;
    }

    /// Loses the device on purpose, as a reset of the driver would: what runs on it from now on gives
    /// [`GpuError::Lost`].
    pub fn lose(&self) {
        self.device.destroy();
        *lock(&self.watch.lost) = Some("destroyed".into());
    }

    /// Has the next `n` calls find no memory, as where other programs take it.
    pub fn exhaust(&self, n: usize) {
        self.watch.n_without_memory.store(n, Ordering::Relaxed);
    }

    /// Largest buffer that a kernel can be given, in bytes.
    pub(crate) fn max_binding(&self) -> u64 {
        let limits = self.device.limits();
        limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size)
    }

    /// What went wrong since this was last asked.
    pub(crate) fn check(&self) -> Result<(), GpuError> {
        let error = lock(&self.watch.error).take();
        if let Some(reason) = lock(&self.watch.lost).clone() {
            return Err(GpuError::Lost { reason });
        }
        error.map_or(Ok(()), Err)
    }

    /// Runs `f`, and gives what went wrong in it. In a page one at a time: errors are asked for by
    /// scopes, of which the browser keeps a stack.
    pub(crate) async fn run<T>(
        &self,
        f: impl AsyncFnOnce() -> Result<T, GpuError>,
    ) -> Result<T, GpuError> {
        self.check()?;
        let left = &self.watch.n_without_memory;
        let less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if less.is_ok() {
            return Err(GpuError::OutOfMemory);
        }
        #[cfg(target_arch = "wasm32")]
        let scopes = SCOPES.map(|filter| self.device.push_error_scope(filter));
        let result = f().await;
        // A driver of this machine has said by now what it has to say; a browser is asked.
        #[cfg(target_arch = "wasm32")]
        for scope in scopes.into_iter().rev() {
            if let Some(error) = scope.pop().await {
                self.watch.report(error.into());
            }
        }
        // The device's own word comes first: a call that failed for want of it says less.
        self.check()?;
        result
    }

    /// Waits for `future`, and gives what went wrong in it.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn wait_for<T>(
        &self,
        future: impl Future<Output = Result<T, GpuError>>,
    ) -> Result<T, GpuError> {
        let result = blocking::wait(future);
        self.check()?;
        result
    }

    /// A kernel from its source.
    pub(crate) fn kernel(&self, source: &str) -> wgpu::ComputePipeline {
        let mut kernels = lock(&self.kernels);
        if let Some(kernel) = kernels.get(source) {
            return kernel.clone();
        }
        let kernel = self.compiled(source);
        // One that failed is tried again.
        if lock(&self.watch.error).is_none() {
            kernels.insert(source.to_owned(), kernel.clone());
        }
        kernel
    }

    fn compiled(&self, source: &str) -> wgpu::ComputePipeline {
        let module = self
            .device
            .create_shader_module(wgpu::ShaderModuleDescriptor {
                label: None,
                source: wgpu::ShaderSource::Wgsl(source.into()),
            });
        self.device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
    }

    /// A buffer of the device's own.
    pub(crate) fn buffer(&self, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        let limit = self.max_binding();
        if bytes > limit {
            return Err(GpuError::TooLarge {
                what: "a buffer",
                size: bytes,
                limit,
            });
        }
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes.next_multiple_of(16).max(16),
            usage: BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        self.check()?;
        Ok(buffer)
    }

    /// A buffer with `words` in it.
    pub(crate) fn storage(&self, words: &[u32]) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.buffer(words.len() as u64 * 4)?;
        for (i, part) in words.chunks(UPLOAD_BYTES / 4).enumerate() {
            let bytes: &[u8] = bytemuck::cast_slice(part);
            self.queue
                .write_buffer(&buffer, (i * UPLOAD_BYTES) as u64, bytes);
            if bytes.len() == UPLOAD_BYTES {
                self.wait()?;
            }
        }
        Ok(buffer)
    }

    /// A small buffer of parameters, padded to whole 16 bytes.
    pub(crate) fn uniform(&self, words: &[u32]) -> wgpu::Buffer {
        let mut padded = words.to_vec();
        padded.resize(words.len().next_multiple_of(4), 0);
        self.device.create_buffer_init(&BufferInitDescriptor {
            label: None,
            contents: bytemuck::cast_slice(&padded),
            usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
        })
    }

    /// Records a run of `kernel` with `buffers` at its bindings, in order.
    pub(crate) fn dispatch(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        kernel: &wgpu::ComputePipeline,
        buffers: &[&wgpu::Buffer],
        groups: [u32; 3],
    ) {
        pass.set_pipeline(kernel);
        pass.set_bind_group(0, &self.bind(kernel, buffers), &[]);
        pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
    }

    /// `buffers` at the bindings of `kernel`, in order.
    pub(crate) fn bind(
        &self,
        kernel: &wgpu::ComputePipeline,
        buffers: &[&wgpu::Buffer],
    ) -> wgpu::BindGroup {
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &kernel.get_bind_group_layout(0),
            entries: &entries,
        })
    }

    /// Runs what was recorded and reads `n_words` from the beginning of `buffer`.
    pub(crate) async fn finish(
        &self,
        mut commands: wgpu::CommandEncoder,
        buffer: &wgpu::Buffer,
        n_words: usize,
    ) -> Result<Vec<u32>, GpuError> {
        let bytes = n_words as u64 * 4;
        let landing = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes.max(4),
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        commands.copy_buffer_to_buffer(buffer, 0, &landing, 0, bytes);
        self.queue.submit([commands.finish()]);
        let (send, mapped) = oneshot::channel();
        landing.map_async(wgpu::MapMode::Read, .., move |result| {
            // Nobody listens when the wait below failed first.
            let _ = send.send(result);
        });
        self.wait()?;
        let refused = |reason: String| GpuError::Refused { reason };
        let mapped = mapped.await.map_err(|error| refused(error.to_string()))?;
        mapped.map_err(|error| refused(error.to_string()))?;
        let view = landing.get_mapped_range(..);
        let view = view.map_err(|error| refused(error.to_string()))?;
        let words = view[..n_words * 4].as_chunks::<4>().0;
        Ok(words.iter().map(|&word| u32::from_le_bytes(word)).collect())
    }

    /// Sends what is pending and waits until it is done; in a page, where nothing may wait, only sends
    /// it.
    pub(crate) fn wait(&self) -> Result<(), GpuError> {
        self.queue.submit([]);
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        polled.map(|_| ()).map_err(|error| GpuError::Refused {
            reason: error.to_string(),
        })
    }

    /// Records commands with `f` in one pass.
    pub(crate) fn record(
        &self,
        f: impl FnOnce(&mut wgpu::ComputePass<'_>) -> Result<(), GpuError>,
    ) -> Result<wgpu::CommandEncoder, GpuError> {
        let mut commands = self
            .device
            .create_command_encoder(&CommandEncoderDescriptor::default());
        let mut pass = commands.begin_compute_pass(&ComputePassDescriptor::default());
        f(&mut pass)?;
        drop(pass);
        Ok(commands)
    }
}

/// What a browser is asked for after a call. A kernel that it cannot compile is invalid where it is used.
#[cfg(target_arch = "wasm32")]
const SCOPES: [wgpu::ErrorFilter; 2] = [
    wgpu::ErrorFilter::Validation,
    wgpu::ErrorFilter::OutOfMemory,
];

const NO_ADAPTER: &str = if cfg!(target_arch = "wasm32") {
    "the browser gives no WebGPU adapter"
} else {
    "no driver for Vulkan, Metal or DirectX 12 answers"
};

impl Watch {
    /// Keeps the first error.
    fn report(&self, error: GpuError) {
        lock(&self.error).get_or_insert(error);
    }
}

fn rank(kind: DeviceType) -> u8 {
    match kind {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
