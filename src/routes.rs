//! Everything the server answers: the API, the pages, and the document they all point to.

use futures_util::future::BoxFuture;
use poem::{IntoEndpoint, Request, Response};
use poem_openapi::OpenApi;
use std::sync::Arc;

use crate::api::{self, Apis};
use crate::app::SharedApp;
use crate::document;
use crate::http::accepted_input::{AcceptedInput, Accepting};
use crate::http::allowed_methods::Methods;
use crate::http::middleware::Middleware;
use crate::web::PagesApi;

/// Which routes there are beside the usual ones.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExtraRoutes {
    /// `/bench/**`, by which the server is measured.
    #[cfg(feature = "bench-routes")]
    pub(crate) bench: bool,
}

/// Answers `/v1/**`, `/livez`, `/readyz`, `/metrics`, `/`, `/docs`, `/errors` and `/openapi.json`.
#[cfg_attr(not(feature = "bench-routes"), expect(unused_variables))]
pub(crate) fn routes(app: SharedApp, extra: ExtraRoutes) -> impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static {
    let apis = (api::all(&app), PagesApi { app: app.clone() });
    #[cfg(feature = "bench-routes")]
    let endpoint = if extra.bench {
        document::service((apis, api::bench::BenchApi { app: app.clone() })).into_endpoint()
    } else {
        document::service(apis).into_endpoint()
    };
    #[cfg(not(feature = "bench-routes"))]
    let endpoint = document::service(apis).into_endpoint();
    let endpoint = Accepting::new(endpoint, AcceptedInput::of(&Apis::meta()));
    let middleware = Arc::new(Middleware::new(endpoint, Some(app), methods()));
    move |request| Box::pin(Arc::clone(&middleware).answer(request))
}

fn methods() -> Methods {
    Methods::of(&<(Apis, PagesApi) as OpenApi>::meta())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_a_path() {
        let methods = methods();
        assert_eq!(methods.allowed("/v1/events"), Some("GET, HEAD, POST"));
        assert_eq!(methods.allowed("/v1/events/7/orders/x"), Some("DELETE, GET, HEAD"));
        assert_eq!(methods.allowed("/v1/payments"), Some("POST"));
        for page in ["/", "/docs", "/docs/swagger-ui.js", "/errors", "/openapi.json"] {
            assert_eq!(methods.allowed(page), Some("GET, HEAD"), "{page}");
        }
        assert_eq!(methods.allowed("/nowhere"), None);
    }
}
