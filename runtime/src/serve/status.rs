//! How a server is: for those who watch it.

use super::answer::Service;
use super::body::Body;
use super::keys::Access;
use super::refusal::Refusal;
use super::reply::Reply;
use crate::rerank::GpuState;
use hyper::StatusCode;
use serde_json::{Value, json};

impl Service {
    /// Whether it answers, and for those who may know, what.
    pub(super) fn health(&self, access: Option<&Access>) -> Value {
        let Some(access) = access else {
            return json!({"status": "ok"});
        };
        let tenants = self.tenants.all().iter();
        let indexes: Vec<Value> = tenants
            .filter(|tenant| access.allows(tenant.name()))
            .map(|tenant| {
                let opened = tenant.opened();
                json!({
                    "name": tenant.name(),
                    "build": opened.build,
                    "documents": opened.documents,
                    "chunks": opened.chunks,
                    "embedder": opened.embedder,
                    // What is wrong with it is in the log: it names files.
                    "stale": tenant.trouble().is_some(),
                })
            })
            .collect();
        json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "host": self.tenants.place.name(),
            "gpu": self.gpu_now(),
            "indexes": indexes,
        })
    }

    /// What is chosen for the GPU, or what became of it.
    fn gpu_now(&self) -> String {
        let reranker = self.tenants.models.reranker();
        match reranker.and_then(|reranker| reranker.gpu()) {
            Some(GpuState {
                adapter,
                trouble: Some(trouble),
                ..
            }) => format!("{adapter}, no longer used: {trouble}"),
            _ => self.gpu.clone(),
        }
    }

    /// The counters, for those who may see all of them.
    ///
    /// # Errors
    /// [`Refusal`] for a key of some indexes.
    pub(super) fn metrics_for(&self, access: &Access) -> Result<Reply, Refusal> {
        if *access != Access::All {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "a key for some indexes does not show the counters of all",
                "",
            ));
        }
        let stale = self
            .tenants
            .all()
            .iter()
            .filter(|t| t.trouble().is_some())
            .count();
        let reranker = self.tenants.models.reranker();
        let gpu = reranker.and_then(|reranker| reranker.gpu());
        let gauges = [
            (
                "littoral_indexes",
                "Open indexes.",
                self.tenants.all().len() as u64,
            ),
            (
                "littoral_indexes_stale",
                "Indexes whose folder could not be opened again.",
                stale as u64,
            ),
            (
                "littoral_queue",
                "Requests that wait for a worker.",
                self.gate.waiting() as u64,
            ),
            (
                "littoral_workers",
                "Engines at work at a time.",
                self.bounds.workers as u64,
            ),
            (
                "littoral_gpu",
                "Whether a GPU reranks.",
                u64::from(gpu.as_ref().is_some_and(|gpu| gpu.trouble.is_none())),
            ),
            (
                "littoral_reranked_gpu",
                "Pairs of query and passage that the GPU read.",
                gpu.map_or(0, |gpu| gpu.pairs),
            ),
            (
                "littoral_reranked_cpu",
                "Pairs that the CPU read, those that it read again among them.",
                reranker.map_or(0, |reranker| reranker.cpu_pairs()),
            ),
        ];
        Ok(Reply {
            status: StatusCode::OK,
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body: Body::text(self.metrics.text(&gauges)),
        })
    }
}
