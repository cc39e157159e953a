//! `/`: what runs here, its state, and where to go next.

use maud::{Markup, html};

use super::frame::{Html, prose, still_page};
use crate::api::health::{Readiness, Ready, RedisState};
use crate::problem::Problem;

/// Path, name, description. The paths are relative, so that they work behind a proxy that serves the server below a path.
const DOORS: [(&str, &str, &str); 6] = [
    ("docs", "Try the API", "Swagger UI: every operation explained, with examples that work here."),
    ("openapi.json", "The contract", "The OpenAPI document, from which clients are generated."),
    ("errors", "Errors", "Every refusal by its code: what it means, what to do, what to tell the buyer."),
    ("v1/events", "Events", "What is on sale, as JSON."),
    ("readyz", "Readiness", "Whether this server can carry out claims: for load balancers."),
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
            @if let Some(reason) = reason(&readiness) { p.reason { (prose(reason)) } }
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
    let (tone, words) = match readiness {
        Ok(Readiness { status: Ready::Ready, .. }) => ("good", "Ready"),
        Ok(Readiness { redis: RedisState::Down, detail: None, .. }) => ("fair", "Ready, but Redis is down"),
        Ok(Readiness { redis: RedisState::Down, .. }) => ("fair", "Ready, but Redis is down and some claims fail"),
        Ok(_) => ("fair", "Ready, but some claims fail"),
        Err(_) => ("bad", "Not ready"),
    };
    html! { a.state.(tone) href="readyz" { (words) } }
}

/// What hinders claims, if anything does.
fn reason(readiness: &Result<Readiness, Problem>) -> Option<&str> {
    match readiness {
        Ok(readiness) => readiness.detail.as_ref().map(|detail| detail.0.as_str()),
        Err(problem) => Some(problem.detail()),
    }
}

/// A seat map that fills from the front.
fn seats() -> Markup {
    const ROWS: u32 = 5;
    const SEATS: u32 = 26;
    html! {
        svg.seats viewBox={ "0 0 " (SEATS * 20 + 6) " " (ROWS * 20 - 6) } aria-hidden="true" {
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

    fn text(status: Ready, redis: RedisState, detail: Option<&str>) -> String {
        let detail = detail.map(|detail| detail.to_owned().into());
        page(Ok(Readiness { status, postgresql: PostgresState::Up, redis, detail, version: "0".into() })).text
    }

    #[test]
    fn it_says_how_ready_the_server_is_and_what_hinders_claims() {
        let reason = "a lock: `admin.lock_waits` says whose";
        for (status, redis, detail, expected) in [
            (Ready::Ready, RedisState::Up, None, "good\" href=\"readyz\">Ready<"),
            (Ready::Ready, RedisState::Off, None, "good\" href=\"readyz\">Ready<"),
            (Ready::Degraded, RedisState::Down, None, "fair\" href=\"readyz\">Ready, but Redis is down<"),
            (Ready::Degraded, RedisState::Up, Some(reason), "fair\" href=\"readyz\">Ready, but some claims fail<"),
            (Ready::Degraded, RedisState::Off, Some(reason), "fair\" href=\"readyz\">Ready, but some claims fail<"),
            (Ready::Degraded, RedisState::Down, Some(reason), "fair\" href=\"readyz\">Ready, but Redis is down and some claims fail<"),
        ] {
            let page = text(status, redis, detail);
            assert!(page.contains(&format!("class=\"state {expected}")), "{expected}: {page}");
            assert_eq!(page.contains("a lock: <code>admin.lock_waits</code> says whose"), detail.is_some(), "{page}");
        }
        let down = page(Err(Problem::new(Code::Unavailable, "not migrated: run `rowlock migrate`"))).text;
        assert!(down.contains("class=\"state bad\" href=\"readyz\">Not ready<") && down.contains("run <code>rowlock migrate</code>"));
    }
}
