//! The paths of the API: the methods of each, for the `Allow` header of a 405, and its template, for the log.

use std::collections::BTreeMap;

use poem_openapi::registry::MetaApi;

pub(crate) struct Methods(Vec<Known>);

struct Known {
    template: String,
    allow: String,
}

impl Methods {
    pub(crate) fn of(apis: &[MetaApi]) -> Self {
        let mut methods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in apis.iter().flat_map(|api| &api.paths) {
            methods.entry(&path.path).or_default().extend(path.operations.iter().map(|operation| operation.method.as_str()));
        }
        Self(methods.into_iter().map(|(path, methods)| Known { template: path.to_owned(), allow: allow(methods) }).collect())
    }

    /// The methods of that path, in the format of `Allow`.
    pub(crate) fn allowed(&self, path: &str) -> Option<&str> {
        self.find(path).map(|known| known.allow.as_str())
    }

    /// The path with the names of its variables in braces.
    pub(crate) fn template(&self, path: &str) -> Option<&str> {
        self.find(path).map(|known| known.template.as_str())
    }

    fn find(&self, path: &str) -> Option<&Known> {
        self.0.iter().find(|known| fits(&known.template, path))
    }
}

/// A path with `GET` also answers `HEAD`.
fn allow(mut methods: Vec<&str>) -> String {
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}

/// Whether a path matches this template, such as `/v1/events/{event_id}`.
pub(crate) fn fits(template: &str, path: &str) -> bool {
    let mut asked = path.split('/');
    template.split('/').all(|part| asked.next().is_some_and(|asked| part.starts_with('{') || part == asked)) && asked.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_own_template_alone() {
        assert!(fits("/v1/events/{event_id}/orders", "/v1/events/7/orders"));
        for other in ["/v1/events/7", "/v1/events/7/orders/x", "/v1/events/7/orders/", "/v2/events/7/orders", "/v1/events/7/sections"] {
            assert!(!fits("/v1/events/{event_id}/orders", other), "{other}");
        }
    }
}
