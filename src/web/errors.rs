//! `/errors`: the meaning of every code and what to do about it, each under the anchor to which the `type` of its problems points.

use maud::{Markup, html};
use poem::http::StatusCode;

use super::frame::{Html, prose, still_page};
use crate::problem::code::{Code, Retry};

const INTRODUCTION: &str = "Every refusal is `application/problem+json` (RFC 9457). Branch on its `code`, which never changes; `detail` is \
                            for people, and `request_id` finds the request in the server's log.";

/// The codes of each status.
fn by_status() -> impl Iterator<Item = (StatusCode, &'static [Code])> {
    Code::ALL.chunk_by(|one, next| one.status() == next.status()).map(|codes| (codes[0].status(), codes))
}

fn heading(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default())
}

pub(crate) fn page() -> Html {
    let content = html! {
        header {
            p.brand { a href="." { "Rowlock" } }
            h1 { "Errors" }
            p.lead { (prose(INTRODUCTION)) }
            dl.retries {
                @for (retry, meaning) in RETRIES { div { dt { (badge(retry)) } dd { (meaning) } } }
            }
            nav.index aria-label="Codes" {
                @for (status, codes) in by_status() {
                    p { b { (status.as_u16()) } span { @for code in codes { a href={ "#" (code.as_str()) } { (code.as_str()) } " " } } }
                }
            }
        }
        @for (status, codes) in by_status() {
            section {
                h2 id={ "status-" (status.as_u16()) } { (heading(status)) }
                @for code in codes { (entry(*code)) }
            }
        }
    };
    still_page("Errors · Rowlock", &content)
}

const RETRIES: [(Retry, &str); 3] = [
    (Retry::Later, "The same request may succeed later."),
    (Retry::Changed, "A different request may succeed; the same one will not."),
    (Retry::Never, "The answer stays the same."),
];

fn entry(code: Code) -> Markup {
    html! {
        article id=(code.as_str()) {
            h3 { a href={ "#" (code.as_str()) } { code { (code.as_str()) } } (badge(code.retry())) }
            p { (prose(code.meaning())) }
            p.advice { b { "What to do" } " " (prose(code.advice())) }
            @if let Some(text) = code.for_buyers() { p.buyer { b { "For the buyer" } " " q { (text) } } }
        }
    }
}

fn badge(retry: Retry) -> Markup {
    let tone = match retry {
        Retry::Later => "good",
        Retry::Changed => "fair",
        Retry::Never => "bad",
    };
    html! { span.badge.(tone) { (retry.as_str()) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_anchor_and_its_advice_below_its_status() {
        let page = page().text;
        let sections: Vec<_> = page.split("<section>").skip(1).collect();
        let statuses: Vec<_> = by_status().map(|(status, _)| status).collect();
        assert_eq!(sections.len(), statuses.len());
        assert!(statuses.is_sorted() && statuses.windows(2).all(|pair| pair[0] != pair[1]), "{statuses:?}");
        for code in Code::ALL {
            let anchor = format!("id=\"{}\"", code.as_str());
            let section = sections.iter().find(|section| section.contains(&anchor)).unwrap_or_else(|| panic!("no {anchor}"));
            assert!(section.contains(&format!(">{}</h2>", heading(code.status()))), "{} is under another status", code.as_str());
            assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
            let article = section.split("<article ").find(|article| article.starts_with(&anchor)).unwrap();
            for words in [prose(code.meaning()), prose(code.advice()), html! { (code.retry().as_str()) }] {
                assert!(article.contains(&words.into_string()), "{}: {article}", code.as_str());
            }
            assert_eq!(article.contains("For the buyer"), code.for_buyers().is_some());
        }
    }
}
