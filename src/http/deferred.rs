//! Answers that come later.
//!
//! While a claim waits in its lane, the framework would keep all that it built for the request: the parsed request in each of its layers,
//! about ten kilobytes, times ten thousand buyers. An operation that waits returns [`Deferred`] instead: the framework frees its memory for
//! the request, and only the [`middleware`](crate::http::middleware) waits for the answer.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};

use crate::problem::Problem;

pub(crate) type Awaited = BoxFuture<'static, Result<Response, Problem>>;

/// Answers like `T`, but later.
pub(crate) struct Deferred<T>(Awaited, PhantomData<T>);

impl<T: IntoResponse + 'static> Deferred<T> {
    pub(crate) fn new(answer: impl Future<Output = Result<T, Problem>> + Send + 'static) -> Self {
        Self(answer.map(|answer| answer.map(IntoResponse::into_response)).boxed(), PhantomData)
    }
}

/// The answer on its way through the framework, whose extensions must be `Clone`.
#[derive(Clone)]
struct Carried(Arc<Mutex<Option<Awaited>>>);

impl<T: Send> IntoResponse for Deferred<T> {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(Carried(Arc::new(Mutex::new(Some(self.0)))));
        response
    }
}

/// What the response is waiting for; `None`: it is the answer itself.
pub(crate) fn awaited_by(response: &mut Response) -> Option<Awaited> {
    let carried = response.extensions_mut().remove::<Carried>()?;
    carried.0.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl<T: ApiResponse> ApiResponse for Deferred<T> {
    fn meta() -> MetaResponses {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use poem::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn the_answer_comes_once_and_only_from_a_response_that_carries_it() {
        let mut response = Deferred::new(async { Ok::<_, Problem>(StatusCode::CREATED) }).into_response();
        let answer = awaited_by(&mut response).expect("an answer to come").await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert!(awaited_by(&mut response).is_none());
        assert!(awaited_by(&mut Response::default()).is_none());
    }
}
