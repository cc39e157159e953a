//! `/`: what runs here, its state, and where to go next.

use maud::{Markup, html};

use super::frame::{Html, prose, still_page};
use crate::api::health::{Readiness, Ready};
use crate::problem::Problem;

/// Path, name, description. The paths are relative, so that they work behind a proxy that serves the server below a path.
const DOORS: [(&str, &str, &str); 6] = [
    ("docs", "Try the API", "Swagger UI: every operation explained, with examples that work here."),
    ("openapi.json", "The contract", "The OpenAPI document, from which clients are generated."),
    ("errors", "Errors", "Every refusal by its code: what it means, what to do, what to tell the buyer."),
    ("v1/events", "Events", "What is on sale, as JSON."),
    ("readyz", "Readiness", "Whether PostgreSQL and Redis answer: for load balancers."),
    ("livez", "Liveness", "Whether the server answers at all: for whatever restarts it."),
];

/// The page, given how ready the server is.
pub(crate) fn page(readiness: Result<Readiness, Problem>) -> Html {
    let content = html! {
        header.hero {
            (seats())
            h1 { "Rowlock" }
            p.lead { (env!("CARGO_PKG_DESCRIPTION")) "." }
            p.facts { (state(&readiness)) span { "Version " (env!("CARGO_PKG_VERSION")) } }
            @if let Err(problem) = &readiness { p.reason { (prose(problem.detail())) } }
        }
        nav.doors aria-label="Where to go" {
            @for (path, name, what) in DOORS {
                a href=(path) { b { (name) } span { (what) } code { "/" (path) } }
            }
        }
    };
    still_page("Rowlock", &content)
}

fn state(readiness: &Result<Readiness, Problem>) -> Markup {
    let (tone, words) = match readiness.as_ref().map(|readiness| readiness.status) {
        Ok(Ready::Ready) => ("good", "Ready"),
        Ok(Ready::Degraded) => ("fair", "Ready, but Redis is down"),
        Err(_) => ("bad", "Not ready"),
    };
    html! { a.state.(tone) href="readyz" { (words) } }
}

/// A seat map that fills from the front.
fn seats() -> Markup {
    const ROWS: u32 = 5;
    const SEATS: u32 = 26;
    html! {
        svg.house viewBox={ "0 0 " (SEATS * 20 + 6) " " (ROWS * 20 - 6) } aria-hidden="true" {
            @for row in 0..ROWS { @for seat in 0..SEATS {
                @let aisle = if seat < SEATS / 2 { 0 } else { 12 };
                @let sold = (seat * 7 + row * 11) % 9 + row < 6;
                rect.sold[sold] x=(seat * 20 + aisle) y=(row * 20) width="14" height="14" rx="4" {}
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::health::PostgresState;
    use crate::problem::code::Code;
    use crate::redis::RedisHealth;

    fn text(status: Ready, redis: RedisHealth) -> String {
        page(Ok(Readiness { status, postgresql: PostgresState::Up, redis, detail: None, version: "0".into() })).text
    }

    #[test]
    fn it_says_how_ready_the_server_is() {
        assert!(text(Ready::Ready, RedisHealth::Up).contains("class=\"state good\" href=\"readyz\">Ready<"));
        assert!(text(Ready::Degraded, RedisHealth::Down).contains("class=\"state fair\" href=\"readyz\">Ready, but Redis is down<"));
        let down = page(Err(Problem::new(Code::Unavailable, "not migrated: run `rowlock migrate`"))).text;
        assert!(down.contains("class=\"state bad\" href=\"readyz\">Not ready<") && down.contains("run <code>rowlock migrate</code>"));
    }
}
