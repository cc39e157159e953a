//! `/docs`: Swagger UI from the framework, our document, and a small script that fills in examples that work on this server.

use std::sync::LazyLock;

use maud::html;

use super::frame::{Html, document, policy};
use super::served::Asset;
use crate::document::SwaggerUi;

/// Swagger UI sets styles on its own elements, and its style sheet contains small images.
const ALLOWED: &str = "script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'";

static UI: LazyLock<SwaggerUi> = LazyLock::new(SwaggerUi::unpacked);

pub(crate) static PAGE: LazyLock<Asset> = LazyLock::new(|| Asset::page(page()));

/// The files that the page loads, by name.
pub(crate) fn asset(file: &str) -> Option<&'static Asset> {
    const JS: &str = "text/javascript; charset=utf-8";
    const CSS: &str = "text/css; charset=utf-8";
    static UI_CSS: LazyLock<Asset> = LazyLock::new(|| Asset::new(CSS, UI.css.as_str()));
    static UI_JS: LazyLock<Asset> = LazyLock::new(|| Asset::new(JS, UI.js.as_str()));
    static OWN_CSS: LazyLock<Asset> = LazyLock::new(|| Asset::new(CSS, concat!(include_str!("theme.css"), include_str!("swagger.css"))));
    static OWN_JS: LazyLock<Asset> = LazyLock::new(|| Asset::new(JS, include_str!("swagger.js")));
    match file {
        "swagger-ui.css" => Some(&UI_CSS),
        "swagger-ui.js" => Some(&UI_JS),
        "rowlock.css" => Some(&OWN_CSS),
        "rowlock.js" => Some(&OWN_JS),
        _ => None,
    }
}

fn page() -> Html {
    let head = html! {
        link rel="stylesheet" href="docs/swagger-ui.css";
        link rel="stylesheet" href="docs/rowlock.css";
        script src="docs/swagger-ui.js" defer {}
        script src="docs/rowlock.js" type="module" {}
    };
    let body = html! {
        nav.rowlock { a href="." { "Rowlock" } a href="errors" { "Errors" } a href="openapi.json" { "openapi.json" } }
        div #ui {
            noscript { p { "Swagger UI needs JavaScript. The contract itself is in " a href="openapi.json" { "openapi.json" } "." } }
        }
    };
    Html { text: document("Rowlock API", &head, &body), policy: policy(ALLOWED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_the_page_loads_is_there_and_nothing_else_is_loaded() {
        let page = page().text;
        let loaded: Vec<_> =
            page.split([' ', '>']).filter_map(|word| word.strip_prefix("href=\"docs/").or(word.strip_prefix("src=\"docs/"))).collect();
        assert_eq!(loaded.len(), 4, "{page}");
        for file in loaded {
            assert!(asset(file.trim_end_matches('"')).is_some(), "{file}");
        }
        assert!(!page.contains("://") || page.matches("://").count() == 1 && page.contains("http://www.w3.org/2000/svg"));
        assert!(asset("passwd").is_none());
    }
}
