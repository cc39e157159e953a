//! Decodes equal bodies only once.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::plain;
use crate::client::Answer;

/// Decodes each version of a body once. Ten thousand buyers mostly read the very same bytes, and comparing bytes is far cheaper
/// than decompressing and parsing them: the two cores are the server's as well.
pub struct Memo<T>(Mutex<Vec<(Bytes, Arc<T>)>>);

/// How many versions are in use at the same time.
const MEMO_VERSIONS: usize = 4;

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Memo<T> {
    /// The decoded body of the answer, from `decode` if these bytes are new.
    ///
    /// # Errors
    /// When the body cannot be decompressed or decoded.
    pub fn read(&self, answer: &Answer, decode: impl FnOnce(&[u8]) -> anyhow::Result<T>) -> anyhow::Result<Arc<T>> {
        let known =
            |versions: &[(Bytes, Arc<T>)]| versions.iter().rev().find(|(body, _)| *body == answer.body).map(|(_, view)| view.clone());
        if let Some(view) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(view);
        }
        let view = Arc::new(decode(&plain(answer)?)?);
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.len() == MEMO_VERSIONS {
            versions.remove(0);
        }
        versions.push((answer.body.clone(), view.clone()));
        Ok(view)
    }
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    #[test]
    fn the_same_bytes_are_decoded_once() {
        let memo = Memo::default();
        let answer = |body: &'static str| Answer {
            status: StatusCode::OK,
            retry_after_s: None,
            zstd: false,
            body: Bytes::from_static(body.as_bytes()),
        };
        let first = memo.read(&answer("1"), |_| Ok(1)).expect("decoded");
        let again = memo.read(&answer("1"), |_| panic!("decoded twice")).expect("remembered");
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(*memo.read(&answer("2"), |_| Ok(2)).expect("decoded"), 2);
    }
}
