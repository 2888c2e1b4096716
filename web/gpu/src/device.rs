//! A device that passed its test, and what is brought to it.

use crate::error::{error, of_gpu};
use crate::hits::Hits;
use crate::rows::{Rows, check};
use littoral_gpu::{Adapters, Gpu, GpuEncoder, Resident};
use littoral_guest::encoder::format::Model;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// An opened device. Of what is done with it, one thing at a time.
#[wasm_bindgen]
pub struct Device(Arc<Gpu>);

/// Opens the adapter that the browser gives; one that the CPU emulates where `software` may be.
///
/// # Errors
/// An `Error` with the code of a `GpuError`.
#[wasm_bindgen]
pub async fn open(software: bool) -> Result<Device, JsValue> {
    let adapters = if software {
        Adapters::Any
    } else {
        Adapters::Hardware
    };
    Gpu::open_async(adapters).await.map(Device).map_err(of_gpu)
}

#[wasm_bindgen]
impl Device {
    /// Brings `rows` to it.
    ///
    /// # Errors
    /// An `Error` with the code of a `GpuError`.
    pub async fn rows(&self, rows: &Rows) -> Result<DeviceRows, JsValue> {
        let resident = Resident::int8_async(&self.0, rows.dims, &rows.rows).await;
        resident.map(DeviceRows).map_err(of_gpu)
    }

    /// Brings a packed model to it, which the encoder's module has read before.
    ///
    /// # Errors
    /// An `Error` with the code of a `GpuError`, or of what is wrong with the model.
    pub async fn encoder(&self, model: Vec<u8>) -> Result<DeviceEncoder, JsValue> {
        let read = Model::read_again(&model).map_err(|e| error(e.code(), &e.to_string()))?;
        drop(model);
        let encoder = GpuEncoder::load_async(&self.0, &read).await;
        encoder.map(DeviceEncoder).map_err(of_gpu)
    }

    /// Loses it on purpose, as a reset of the driver would.
    pub fn lose(&self) {
        self.0.lose();
    }
}

/// Vectors of int8 on a device.
#[wasm_bindgen]
pub struct DeviceRows(Resident);

#[wasm_bindgen]
impl DeviceRows {
    /// As `Rows.nearest`.
    ///
    /// # Errors
    /// As there, and an `Error` with the code of a `GpuError`.
    pub async fn nearest(
        &self,
        queries: Vec<i16>,
        k: usize,
        allowed: Option<Vec<u32>>,
    ) -> Result<Hits, JsValue> {
        check(&queries, self.0.dims())?;
        let found = self.0.nearest_int8_async(&queries, k, allowed.as_deref());
        found.await.map(|found| Hits::new(&found)).map_err(of_gpu)
    }
}

/// A model on a device.
#[wasm_bindgen]
pub struct DeviceEncoder(GpuEncoder);

#[wasm_bindgen]
impl DeviceEncoder {
    /// Width of a vector.
    #[wasm_bindgen(getter)]
    pub fn dims(&self) -> usize {
        self.0.dims()
    }

    /// The vectors of texts, `[n, dims]`: their tokens one after the other, begin and end included,
    /// where those of each end, and how many of each are of the first type. Of a cross-encoder the
    /// vectors of first tokens.
    ///
    /// # Errors
    /// An `Error` with the code of a `GpuError`.
    pub async fn encode(
        &self,
        tokens: Vec<u32>,
        ends: Vec<u32>,
        firsts: Vec<u32>,
    ) -> Result<Vec<f32>, JsValue> {
        let mut start = 0;
        let texts = ends.iter().zip(&firsts).map(|(&end, &first)| {
            let text = tokens.get(start..end as usize).unwrap_or_default();
            start = end as usize;
            (text, first as usize)
        });
        let texts: Vec<_> = texts.collect();
        self.0.encode_texts_async(&texts).await.map_err(of_gpu)
    }
}
