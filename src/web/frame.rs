//! What all pages share: head, style, icon and policy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use poem::http::HeaderValue;
use sha2::{Digest, Sha256};

use super::THEME;

const STYLE: &str = include_str!("page.css");
/// Three seats, one of them taken.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='4' height='8' y='4' \
                    rx='1.5' fill='%232563eb'/%3E%3Crect width='4' height='8' x='6' y='4' rx='1.5' fill='%232563eb'/%3E%3Crect width='4' \
                    height='8' x='12' y='4' rx='1.5' fill='%23e07b12'/%3E%3C/svg%3E";
/// Nothing is loaded from elsewhere, no other page may frame this one, and images may only be inline.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:";

/// A page and what the browser may do with it.
pub(crate) struct Html {
    pub text: String,
    pub policy: HeaderValue,
}

/// A page that loads nothing and has no script.
pub(crate) fn still_page(title: &str, content: &Markup) -> Html {
    let style = format!("{THEME}{STYLE}");
    let hash = STANDARD.encode(Sha256::digest(&style));
    let head = html! { style { (PreEscaped(&style)) } };
    Html { text: document(title, &head, &html! { main { (content) } }), policy: policy(&format!("style-src 'sha256-{hash}'")) }
}

/// A page with that head and body.
pub(crate) fn document(title: &str, head: &Markup, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href=(PreEscaped(ICON));
                (head)
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// The policy of a page that may do only this.
pub(crate) fn policy(allowed: &str) -> HeaderValue {
    HeaderValue::try_from(format!("{NOTHING}; {allowed}")).unwrap_or(HeaderValue::from_static(NOTHING))
}

/// A text of the error table: what is between backticks is code.
pub(crate) fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_still_page_allows_its_own_style_and_nothing_else() {
        let page = still_page("Title", &html! { p { "text" } });
        let style = page.text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
        let policy = page.policy.to_str().unwrap();
        assert!(policy.contains(&format!("style-src 'sha256-{}'", STANDARD.encode(Sha256::digest(style)))), "{policy}");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("script-src"));
        assert!(!page.text.contains("<script") && !page.text.contains("style=\""));
    }

    #[test]
    fn backticks_become_code_and_everything_is_escaped() {
        assert_eq!(prose("a `b < c` d & e").into_string(), "a <code>b &lt; c</code> d &amp; e");
    }
}
