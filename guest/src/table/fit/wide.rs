//! Loops compiled for vectors wider than those that every processor has.

/// Does `work` with what is inlined into it compiled for the widest vectors of this processor. Products are
/// not fused with sums, and sums keep their order, so the numbers are those of any other host.
#[inline(always)]
pub(super) fn wide<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    return pulp::Arch::new().dispatch(work);
    #[cfg(not(target_arch = "x86_64"))]
    work()
}
