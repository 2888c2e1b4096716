//! How alike two texts are by the query table.

use super::EngineError;
use super::blocks::Index;
use crate::host::Host;

impl<H: Host> Index<H> {
    /// The cosine of the vectors that the query table gives `a` and `b`; `None` where there is no
    /// table, or it knows no word of one of them.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be had or is damaged.
    pub async fn similarity(&self, a: &str, b: &str) -> Result<Option<f64>, EngineError> {
        let mut fetched = self.fetched();
        let a = self.by_table(a, &mut fetched).await?;
        let b = self.by_table(b, &mut fetched).await?;
        let (Some(a), Some(b)) = (a, b) else {
            return Ok(None);
        };
        let dot = |a: &[i16], b: &[i16]| -> f64 {
            let products = a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b));
            products.sum::<i64>() as f64
        };
        let (a, b) = (a.row(), b.row());
        let lengths = (dot(a, a) * dot(b, b)).sqrt();
        Ok((lengths > 0.0).then(|| dot(a, b) / lengths))
    }
}
