//! All routes of the server: the API, the pages, and the OpenAPI document.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use poem::{IntoEndpoint, Request, Response};
use poem_openapi::OpenApi;

use crate::api::{self, Apis};
use crate::app::SharedApp;
use crate::document;
use crate::http::accepted_input::{AcceptedInput, Accepting};
use crate::http::allowed_methods::Methods;
use crate::http::expectations::Expectations;
use crate::http::hsts::Hsts;
use crate::http::middleware::Middleware;
use crate::web::PagesApi;

/// Routes beyond the usual ones.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExtraRoutes {
    /// `/bench/**`, for benchmarks.
    #[cfg(feature = "bench-routes")]
    pub(crate) bench: bool,
}

/// Answers `/v1/**`, `/livez`, `/readyz`, `/metrics`, `/`, `/docs`, `/errors` and `/openapi.json`.
#[cfg_attr(not(feature = "bench-routes"), expect(unused_variables))]
pub(crate) fn routes(
    app: SharedApp,
    extra: ExtraRoutes,
    hsts: Option<Hsts>,
) -> impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static {
    let apis = (api::all(&app), PagesApi { app: app.clone() });
    #[cfg(feature = "bench-routes")]
    let endpoint = if extra.bench {
        document::service((apis, api::bench::BenchApi { app: app.clone() })).into_endpoint()
    } else {
        document::service(apis).into_endpoint()
    };
    #[cfg(not(feature = "bench-routes"))]
    let endpoint = document::service(apis).into_endpoint();
    let endpoint = Accepting::new(endpoint, AcceptedInput::of(&Apis::meta()), app.limits.body_arrival_max);
    let middleware = Arc::new(Middleware::new(endpoint, Some(app), methods(), expectations()).with_hsts(hsts));
    move |request| Box::pin(Arc::clone(&middleware).answer(request))
}

/// Everything that is served.
#[cfg(not(feature = "bench-routes"))]
type Served = (Apis, PagesApi);
#[cfg(feature = "bench-routes")]
type Served = (Apis, PagesApi, api::bench::BenchApi);

fn methods() -> Methods {
    Methods::of(&<Served as OpenApi>::meta())
}

fn expectations() -> Expectations {
    Expectations::of::<Served>()
}

#[cfg(test)]
mod tests {
    use poem_openapi::OperationId;
    use poem_openapi::error::ParseParamError;
    use poem_openapi::types::ParseFromParameter;
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::problem::code::Code;
    use crate::types::{OrderId, Time};

    #[test]
    fn methods_of_a_path() {
        let methods = methods();
        assert_eq!(methods.allowed("/v1/events"), Some("GET, HEAD, POST"));
        assert_eq!(methods.allowed("/v1/events/7/orders/x"), Some("DELETE, GET, HEAD, PATCH"));
        assert_eq!(methods.allowed("/v1/payments"), Some("POST"));
        for page in ["/", "/docs", "/docs/swagger-ui.js", "/errors", "/openapi.json"] {
            assert_eq!(methods.allowed(page), Some("GET, HEAD"), "{page}");
        }
        assert_eq!(methods.allowed("/nowhere"), None);
    }

    #[test]
    fn the_template_of_a_path_holds_no_value_of_it() {
        let methods = methods();
        assert_eq!(methods.template("/v1/events/7/orders/x"), Some("/v1/events/{event_id}/orders/{order_id}"));
        assert_eq!(methods.template("/v1/payments"), Some("/v1/payments"));
        assert_eq!(methods.template("/v1/events/7/nothing"), None);
    }

    /// What an operation says of a parameter that the framework refused.
    fn refusal(operation: &'static str, parameter: &'static str) -> String {
        refusal_for(operation, parameter, "failed to parse \"integer\": a word of the framework")
    }

    fn refusal_for(operation: &'static str, parameter: &'static str, reason: &str) -> String {
        let mut error = poem::Error::from(ParseParamError { name: parameter, reason: reason.into() });
        error.set_data(OperationId(operation));
        let problem = expectations().refusal(&error).expect("a refusal");
        assert_eq!(problem.field(), Some(parameter));
        problem.detail().to_owned()
    }

    #[test]
    fn a_refused_parameter_is_told_its_documented_bounds() {
        assert_eq!(refusal("listEvents", "limit"), "limit must be a whole number from 1 to 100");
        assert_eq!(refusal("listDeadLetters", "limit"), "limit must be a whole number from 1 to 1000");
        assert_eq!(refusal("listDeadLetters", "event_id"), "event_id must be a whole number from 1 to 9223372036854775807");
        assert_eq!(refusal("listOrders", "after"), format!("after {}", OrderId::EXPECTED));
        let statuses = "status must be one of pending_payment, paid, expired, cancelled, refund_due, refunded";
        assert_eq!(refusal("listAllOrders", "status"), statuses);
    }

    #[test]
    fn what_a_type_of_ours_says_of_the_value_comes_before_the_bounds_of_all_values() {
        let leap = Time::parse_from_parameter("2016-12-31T23:59:60Z").unwrap_err().into_message();
        let expected = "starts_after must not be a leap second: write second 59, or second 00 of the next minute";
        assert_eq!(refusal_for("listEvents", "starts_after", &leap), expected);
    }

    #[test]
    fn every_parameter_of_every_operation_can_be_put_into_words() {
        let expectations = expectations();
        assert!(expectations.all().count() > 20);
        for (operation, parameter, expected) in expectations.all() {
            assert!(expected.starts_with("must "), "{operation} {parameter}: {expected}");
        }
    }

    #[test]
    fn only_an_error_about_a_parameter_has_bounds_and_one_of_an_unknown_parameter_is_a_fault() {
        assert!(expectations().refusal(&poem::error::NotFoundError.into()).is_none());
        let unknown = poem::Error::from(ParseParamError { name: "limit", reason: "?".into() });
        assert_eq!(expectations().refusal(&unknown).expect("a refusal").code(), Code::InternalError);
    }
}
