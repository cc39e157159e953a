//! Work that would occupy a thread of the runtime for too long: everybody else's requests would wait for it.

/// How many bytes are read, written, compressed or decoded in place: a section of the reference concert, and twice that. More would take
/// milliseconds.
pub(crate) const SMALL_BYTES: usize = 150_000;

/// Runs work on a thread of its own. A panic there is passed on.
pub(crate) async fn off_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("work on another thread")
}

/// Runs work in place if it is about so few bytes that another thread is not worth its while.
pub(crate) async fn off_runtime_if_large<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= SMALL_BYTES { work() } else { off_runtime(work).await }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_work_runs_on_another_thread() {
        let here = std::thread::current().id();
        let of = async |bytes| off_runtime_if_large(bytes, || std::thread::current().id()).await;
        assert_eq!(of(SMALL_BYTES).await, here);
        assert_ne!(of(SMALL_BYTES + 1).await, here);
    }

    #[tokio::test]
    #[should_panic(expected = "no memory")]
    async fn work_that_panics_is_a_fault_and_no_result() {
        off_runtime(|| panic!("no memory")).await;
    }
}
