//! What is taken from the framework has the form that others expect.

use super::*;
use crate::strict_json;

#[test]
fn swagger_ui_is_found_in_the_frameworks_page() {
    let SwaggerUi { css, js } = SwaggerUi::unpacked();
    assert!(css.len() > 100_000 && css.contains(".swagger-ui .opblock"), "{} bytes of style", css.len());
    assert!(js.len() > 1_000_000 && js.contains("SwaggerUIBundle"), "{} bytes of script", js.len());
    assert!(!js.contains("let spec ="), "the script is the bundle alone");
}

#[test]
fn a_described_reference_is_nothing_but_a_reference() {
    let dense: String = spec().split_whitespace().collect();
    let references: Vec<_> = dense.split("\"allOf\":[").skip(1).map(|rest| rest.split_once(']').unwrap().0).collect();
    assert!(references.len() > 5, "{references:?}");
    for reference in references {
        let is_bare = reference.starts_with("{\"$ref\":\"#/components/schemas/") && reference.matches([':', '{', '[']).count() == 2;
        assert!(is_bare, "{reference}");
    }
}

/// Generators turn such a list into a set, which has no order; the server refuses a repeated seat anyway.
#[test]
fn no_list_is_called_a_set() {
    assert!(!spec().contains("uniqueItems"));
}

/// A path or a status that is written twice would be one.
#[test]
fn no_key_of_the_document_stands_twice() {
    strict_json::read(described().spec().as_bytes()).expect("the framework repeats no key");
    strict_json::read(spec().as_bytes()).expect("a document without repeated keys");
}
