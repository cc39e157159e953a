//! What reaches an operation, and what each refusal says.

use poem::endpoint::make;
use poem::http::StatusCode;
use poem::{Body, IntoResponse};
use poem_openapi::OpenApi;

use super::*;
use crate::api::Apis;

fn accepted() -> AcceptedInput {
    AcceptedInput::of(&Apis::meta())
}

fn fault(query: &str, taken: &[&str]) -> Option<(String, String)> {
    let taken: Vec<_> = taken.iter().map(|name| (*name).to_owned()).collect();
    let problem = check_query(query, &taken).err()?;
    Some((problem.field().unwrap_or_default().to_owned(), problem.detail().to_owned()))
}

#[test]
fn parameters_are_known_once_and_text() {
    let taken = &["status", "after", "limit"];
    for good in ["limit=5", "limit=5&after=x", "a%66ter=%E6%97%A5", "limit=5&", "&&", "limit", "after=a+b&limit=%35"] {
        assert_eq!(fault(good, taken), None, "{good}");
    }
    let bad = [
        ("customer_id=alice", "customer_id", "customer_id is not a parameter of this operation, which takes status, after and limit"),
        ("limit=5&b=1&a=1&b=2", "b", "b and a are not parameters of this operation, which takes status, after and limit"),
        ("Limit=5", "Limit", "Limit is not a parameter of this operation, which takes status, after and limit"),
        ("limit%3D5", "limit=5", "limit=5 is not a parameter of this operation, which takes status, after and limit"),
        ("limit=5&%6Cimit=5", "limit", "limit must be given only once"),
        ("after=%ff", "after", "after is not UTF-8 when its percent-encoding is decoded"),
        ("after=%c3", "after", "after is not UTF-8 when its percent-encoding is decoded"),
        ("after=%4", "after", "after has a % without two hexadecimal digits after it"),
        ("after=%+4", "after", "after has a % without two hexadecimal digits after it"),
        ("after=100%", "after", "after has a % without two hexadecimal digits after it"),
        ("after=a%00", "after", "after must not contain control characters"),
        ("=1", "query", "query has a parameter without a name"),
        ("%ff=1", "query", "query has a parameter whose name is not UTF-8 when its percent-encoding is decoded"),
    ];
    for (query, field, detail) in bad {
        assert_eq!(fault(query, taken), Some((field.to_owned(), detail.to_owned())), "{query}");
    }
    assert_eq!(fault("x=1", &[]).unwrap().1, "x is not a parameter of this operation, which takes none in the query");
    assert_eq!(fault("x=1", &["only"]).unwrap().1, "x is not a parameter of this operation, which takes only");
}

/// `Some` with the operation's credential, and whether that may be left out, for an unexpected body; the error is the invalid parameter.
fn checked(
    method: Method,
    path: &'static str,
    header: Option<(&'static str, &'static str)>,
) -> Result<Option<Option<(Credential, bool)>>, Option<String>> {
    let request = Request::builder().method(method).uri(path.parse().unwrap());
    let request = header.into_iter().fold(request, |request, (name, value)| request.header(name, value)).finish();
    let accepted = accepted();
    match accepted.check(&request) {
        Some(Unaccepted { fault: Some(problem), .. }) => Err(problem.field().map(str::to_owned)),
        unexpected => Ok(unexpected.map(|odd| odd.operation.credential)),
    }
}

#[test]
fn each_operation_is_held_to_its_own_parameters() {
    let refused = |field: &str| Err(Some(field.to_owned()));
    assert_eq!(checked(Method::GET, "/v1/admin/events/7/orders?status=paid&limit=1", None), Ok(None));
    assert_eq!(checked(Method::GET, "/v1/events/7/orders?status=paid&limit=1", None), refused("status"));
    assert_eq!(checked(Method::HEAD, "/v1/events?seats=1", None), refused("seats"));
    assert_eq!(checked(Method::POST, "/v1/events?dry_run=true", None), refused("dry_run"));
    assert_eq!(checked(Method::GET, "/v1/events?", None), Ok(None));
    for lenient in ["/livez?x=1", "/metrics?x=1", "/docs?x=1", "/v1/nowhere?x=1"] {
        assert_eq!(checked(Method::GET, lenient, None), Ok(None), "{lenient}");
    }
}

#[test]
fn a_body_is_expected_where_an_operation_takes_one() {
    let (order, redrive) = ("/v1/events/7/orders/x", "/v1/admin/dead-letters/7/x/redrive");
    for announced in [("content-length", "1"), ("transfer-encoding", "chunked")] {
        for method in [Method::DELETE, Method::GET, Method::HEAD] {
            assert_eq!(checked(method, order, Some(announced)), Ok(Some(Some((Credential::BearerToken, false)))));
        }
        assert_eq!(checked(Method::POST, redrive, Some(announced)), Ok(Some(Some((Credential::ApiKey, false)))));
        assert_eq!(checked(Method::GET, "/v1/events/7", Some(announced)), Ok(Some(Some((Credential::ApiKey, true)))));
        assert_eq!(checked(Method::POST, "/v1/payments", Some(announced)), Ok(None));
        assert_eq!(checked(Method::PATCH, "/v1/events/7", Some(announced)), Ok(None));
    }
    assert_eq!(checked(Method::DELETE, order, Some(("content-length", "0"))), Ok(None));
}

#[tokio::test]
async fn an_operation_without_a_body_runs_when_nothing_was_in_it() {
    let call = async |body: Body| {
        let endpoint =
            Accepting::new(make(|_| async { Ok::<_, poem::Error>(StatusCode::OK.into_response()) }), accepted(), Duration::from_secs(30));
        let request =
            Request::builder().uri("/v1/events/7".parse().unwrap()).header("host", "x").header("transfer-encoding", "chunked").body(body);
        endpoint.call(request).await.map(|_| ()).map_err(|error| error.downcast::<Problem>().unwrap().detail().to_owned())
    };
    assert_eq!(call(Body::empty()).await, Ok(()));
    assert_eq!(call(Body::from("{}")).await, Err("body must be absent: this operation takes none".to_owned()));
}

/// A list would be a parameter repeated once per value, which is refused.
#[test]
fn no_parameter_of_a_query_is_a_list() {
    let parameters = Apis::meta().into_iter().flat_map(|api| api.paths).flat_map(|path| path.operations);
    for parameter in parameters.flat_map(|operation| operation.params) {
        let schema = serde_json::to_value(&parameter.schema).unwrap();
        assert_ne!(schema["type"], "array", "{}", parameter.name);
    }
}

#[test]
fn every_operation_that_is_held_to_its_input_documents_the_refusal() {
    for path in Apis::meta().into_iter().flat_map(|api| api.paths).filter(|path| path.path.starts_with(STRICT)) {
        for operation in path.operations {
            let documents = operation.responses.responses.iter().any(|response| response.status == Some(400));
            assert!(documents, "{} {}", operation.method, path.path);
        }
    }
}
