//! What is read from the operations themselves: the list of them, and which methods a path has.

use std::collections::BTreeMap;

use poem_openapi::OpenApi;

use crate::api::{Apis, pages};

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
    use super::*;

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
