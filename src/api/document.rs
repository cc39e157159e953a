//! The OpenAPI document and what is read from it: the list of operations, and which methods a path has.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{LicenseObject, OpenApi, OpenApiService};
use serde_json::Value;

use super::{Apis, Tag, pages};

const TITLE: &str = "Rowlock";
const DESCRIPTION: &str = "\
Sells numbered concert seats to everyone at once, and never sells one twice.

- Money is in minor units (cents) of an ISO 4217 currency; times are RFC 3339 in UTC with milliseconds.
- Every refusal is a problem body (RFC 9457, `application/problem+json`) with a stable `code` and the `request_id`.
- Every response has `X-Request-Id`: the one that was sent, if it has 1 to 128 visible ASCII characters, or a new one.
- After a 503 ask again, at the earliest after `Retry-After` seconds; claims with an `Idempotency-Key` and payment notices may be sent \
again without harm.";

/// The operations without the application behind them: enough to describe them.
struct Described<T>(PhantomData<T>);

impl<T: OpenApi> OpenApi for Described<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// A service that serves `api`, or only describes it.
pub fn service<T: OpenApi>(api: T) -> OpenApiService<T, ()> {
    let license = LicenseObject::new("MIT OR Apache-2.0");
    // Relative, so that the document is the same wherever it is served from.
    OpenApiService::new(api, TITLE, env!("CARGO_PKG_VERSION")).description(DESCRIPTION).license(license).server("/")
}

fn described() -> OpenApiService<impl OpenApi, ()> {
    service(Described::<Apis>(PhantomData))
}

/// The OpenAPI document: pretty-printed JSON, the same for the same code.
pub fn spec() -> String {
    with_plain_references(&with_tags_in_order(&described().spec()))
}

/// Swagger UI, which the framework carries inside a page of its own.
pub struct SwaggerUi {
    /// Its style sheet.
    pub css: String,
    /// Its script.
    pub js: String,
}

impl SwaggerUi {
    /// Taken out of the framework's page; a test holds that both are found.
    pub fn unpacked() -> Self {
        let page = described().swagger_ui_html();
        let between = |begin: &str, end: &str| {
            let inside = page.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
            inside.map_or_else(String::new, |(inside, _)| inside.to_owned())
        };
        Self { css: between("<style charset=\"UTF-8\">", "</style>"), js: between("<script charset=\"UTF-8\">", "</script>") }
    }
}

/// The framework sorts tags by name; readers meet them in the order of a sale.
fn with_tags_in_order(spec: &str) -> String {
    const BEGIN: &str = "\n  \"tags\": ";
    const END: &str = "\n  ],";
    let Some(begin) = spec.find(BEGIN).map(|begin| begin + BEGIN.len()) else { return spec.to_owned() };
    let Some(end) = spec[begin..].find(END).map(|end| begin + end + END.len() - 1) else { return spec.to_owned() };
    let Ok(mut tags) = serde_json::from_str::<Vec<Value>>(&spec[begin..end]) else { return spec.to_owned() };
    tags.sort_by_key(|tag| Tag::ORDER.iter().position(|name| tag["name"] == *name));
    let tags = serde_json::to_string_pretty(&tags).unwrap_or_default().replace('\n', "\n  ");
    format!("{}{tags}{}", &spec[..begin], &spec[end..])
}

/// The framework writes what is said about a reference twice: beside it and once more within its `allOf`. Generators take a single
/// reference for the type it names, and more for a type of its own.
fn with_plain_references(spec: &str) -> String {
    let mut plain = String::with_capacity(spec.len());
    let mut lines = spec.lines();
    while let Some(line) = lines.next() {
        plain.extend([line, "\n"]);
        let Some(indent) = line.strip_suffix("\"allOf\": [") else { continue };
        let (last_of_first, end) = (format!("{indent}  }}"), format!("{indent}]"));
        for line in lines.by_ref().take_while(|line| line.trim_end_matches(',') != last_of_first) {
            plain.extend([line, "\n"]);
        }
        plain.extend([indent, "  }\n"]);
        let last = lines.by_ref().find(|line| line.starts_with(&end)).unwrap_or_default();
        plain.extend([last, "\n"]);
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// One line an operation, sorted: `METHOD /path operationId`. A change of the API shows as one line.
pub fn operations() -> String {
    let mut lines: Vec<_> = Apis::meta()
        .iter()
        .flat_map(|api| &api.paths)
        .flat_map(|path| path.operations.iter().map(|operation| (path.path.as_str(), operation)))
        .map(|(path, operation)| format!("{} {path} {}\n", operation.method, operation.operation_id.unwrap_or_default()))
        .collect();
    lines.sort_unstable();
    lines.concat()
}

/// Which methods each path has, for the `Allow` header of a 405.
pub struct Methods(Vec<(Vec<String>, String)>);

impl Methods {
    /// The methods of every path.
    pub fn of_all() -> Self {
        let mut methods: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let operations = operations();
        for line in operations.lines() {
            let mut words = line.split(' ');
            if let (Some(method), Some(path)) = (words.next(), words.next()) {
                methods.entry(path.to_owned()).or_default().push(method);
            }
        }
        for page in pages::PATHS {
            methods.insert(page.to_owned(), vec!["GET"]);
        }
        Self(methods.into_iter().map(|(path, methods)| (segments(&path), allow(&methods))).collect())
    }

    /// The methods of that path, as `Allow` lists them.
    pub fn allowed(&self, path: &str) -> Option<&str> {
        let asked = segments(path);
        let fits = |template: &[String]| {
            template.len() == asked.len() && template.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked)
        };
        self.0.iter().find(|(template, _)| fits(template)).map(|(_, allow)| allow.as_str())
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// A path with `GET` answers `HEAD`, too.
fn allow(methods: &[&str]) -> String {
    let mut methods = methods.to_vec();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::code::Code;

    fn document() -> Value {
        serde_json::from_str(&spec()).unwrap()
    }

    #[test]
    fn the_document_is_stable_and_its_tags_follow_the_sale() {
        assert_eq!(spec(), spec());
        let names: Vec<_> = document()["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, Tag::ORDER);
        assert!(!spec().contains("127.0.0.1") && !spec().contains("localhost"));
    }

    #[test]
    fn swagger_ui_is_found_in_the_frameworks_page() {
        let SwaggerUi { css, js } = SwaggerUi::unpacked();
        assert!(css.len() > 100_000 && css.contains(".swagger-ui .opblock"), "{} bytes of style", css.len());
        assert!(js.len() > 1_000_000 && js.contains("SwaggerUIBundle"), "{} bytes of script", js.len());
        assert!(!js.contains("let spec ="), "the script is the bundle alone");
    }

    #[test]
    fn every_operation_has_an_id_a_summary_a_description_one_tag_and_an_example_of_its_answer() {
        let document = document();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let name = format!("{method} {path}");
                for key in ["operationId", "summary", "description"] {
                    assert!(operation[key].as_str().is_some_and(|text| !text.is_empty()), "{name}: no {key}");
                }
                assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{name}");
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["description"].is_string(), "{name}: {} is not described", parameter["name"]);
                }
            }
        }
    }

    #[test]
    fn every_schema_and_every_property_is_described_and_every_object_has_an_example() {
        let document = document();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name} is not described");
            if schema["type"] == "object" {
                assert!(schema["example"].is_object(), "{name} has no example");
            }
            for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
                assert!(schema["description"].is_string(), "{name}.{property} is not described");
            }
        }
    }

    #[test]
    fn a_described_reference_is_nothing_but_a_reference() {
        fn walk(value: &Value, found: &mut Vec<Value>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("allOf").map(|_| value.clone()));
                    object.values().for_each(|value| walk(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        walk(&document(), &mut found);
        assert!(found.len() > 5, "{found:?}");
        for reference in found {
            assert!(reference["description"].is_string(), "{reference}");
            let all = reference["allOf"].as_array().unwrap();
            assert!(all.len() == 1 && all[0].as_object().unwrap().keys().eq(["$ref"]), "{reference}");
        }
    }

    #[test]
    fn every_code_is_documented_somewhere_but_the_two_that_any_path_may_answer() {
        let everywhere = BTreeSet::from([Code::NotFound, Code::MethodNotAllowed]);
        let spec = spec();
        let missing: Vec<_> = Code::ALL.iter().filter(|code| !spec.contains(&format!("`{}`: ", code.as_str()))).copied().collect();
        assert_eq!(missing.into_iter().collect::<BTreeSet<_>>(), everywhere);
    }

    #[test]
    fn no_path_and_no_status_stands_twice() {
        // The document is written by hand from parts, so a JSON parser would hide a repeated key.
        let paths: Vec<_> = Apis::meta().into_iter().flat_map(|api| api.paths).map(|path| path.path).collect();
        assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len(), "{paths:?}");
        for operation in Apis::meta().into_iter().flat_map(|api| api.paths).flat_map(|path| path.operations) {
            let statuses: Vec<_> = operation.responses.responses.iter().map(|response| response.status).collect();
            assert_eq!(statuses.iter().collect::<BTreeSet<_>>().len(), statuses.len(), "{:?}", operation.operation_id);
        }
    }

    #[test]
    fn operations_are_one_line_each() {
        let operations = operations();
        assert!(operations.contains("POST /v1/events/{event_id}/orders claimSeats\n"));
        assert!(operations.lines().is_sorted());
        assert_eq!(operations.lines().count(), 22);
    }

    #[test]
    fn methods_of_a_path() {
        let methods = Methods::of_all();
        assert_eq!(methods.allowed("/v1/events"), Some("GET, HEAD, POST"));
        assert_eq!(methods.allowed("/v1/events/7/orders/x"), Some("DELETE, GET, HEAD"));
        assert_eq!(methods.allowed("/v1/payments"), Some("POST"));
        for page in ["/", "/docs", "/docs/swagger-ui.js", "/errors", "/openapi.json"] {
            assert_eq!(methods.allowed(page), Some("GET, HEAD"), "{page}");
        }
        assert_eq!(methods.allowed("/nowhere"), None);
    }
}
