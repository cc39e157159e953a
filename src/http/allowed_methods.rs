//! The paths of the API: the methods of each, for the `Allow` header of a 405, and its template, for the log.

use std::collections::BTreeMap;

use poem_openapi::registry::MetaApi;

/// The paths of the API with their methods.
pub(crate) struct Methods(Vec<Known>);

struct Known {
    template: String,
    segments: Vec<String>,
    allow: String,
}

impl Methods {
    /// The methods of these operations, by path.
    pub fn of(apis: &[MetaApi]) -> Self {
        let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in apis.iter().flat_map(|api| &api.paths) {
            methods.entry(path.path.clone()).or_default().extend(path.operations.iter().map(|operation| operation.method.to_string()));
        }
        let known = |(path, methods): (String, Vec<String>)| Known { segments: segments(&path), allow: allow(&methods), template: path };
        Self(methods.into_iter().map(known).collect())
    }

    /// The methods of that path, in the format of `Allow`.
    pub fn allowed(&self, path: &str) -> Option<&str> {
        self.find(path).map(|known| known.allow.as_str())
    }

    /// The path with the names of its variables in braces.
    pub fn template(&self, path: &str) -> Option<&str> {
        self.find(path).map(|known| known.template.as_str())
    }

    fn find(&self, path: &str) -> Option<&Known> {
        let asked = segments(path);
        let fits = |known: &&Known| {
            known.segments.len() == asked.len()
                && known.segments.iter().zip(&asked).all(|(part, asked)| part.starts_with('{') || part == asked)
        };
        self.0.iter().find(fits)
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// A path with `GET` also answers `HEAD`.
fn allow(methods: &[String]) -> String {
    let mut methods: Vec<&str> = methods.iter().map(String::as_str).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}
