//! Which methods each path has, for the `Allow` header of a 405.

use std::collections::BTreeMap;

use poem_openapi::registry::MetaApi;

/// Which methods each path has, for the `Allow` header of a 405.
pub(crate) struct Methods(Vec<(Vec<String>, String)>);

impl Methods {
    /// The methods of the paths of these operations.
    pub fn of(apis: &[MetaApi]) -> Self {
        let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in apis.iter().flat_map(|api| &api.paths) {
            methods.entry(path.path.clone()).or_default().extend(path.operations.iter().map(|operation| operation.method.to_string()));
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
fn allow(methods: &[String]) -> String {
    let mut methods: Vec<&str> = methods.iter().map(String::as_str).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}
