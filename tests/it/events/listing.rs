//! The list of events: soonest first, page by page, by status, start and name.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::harness::{Caller, EventHandle, TestServer, event_json};

/// An open event with that name and start.
async fn event(server: &TestServer, name: &str, starts_at: Option<&str>) -> EventHandle {
    server.event(described(name, starts_at)).await
}

fn described(name: &str, starts_at: Option<&str>) -> Value {
    let mut described = event_json(&[("A", 1000, 1)]);
    described["name"] = json!(name);
    if let Some(starts_at) = starts_at {
        described["starts_at"] = json!(starts_at);
    }
    described
}

fn names(page: &Value) -> Vec<String> {
    page["events"].as_array().expect("a list").iter().map(|event| event["name"].as_str().expect("a name").to_owned()).collect()
}

async fn list(caller: &Caller, query: &str) -> Vec<String> {
    names(&caller.get(&format!("/v1/events?{query}")).await.expect(200))
}

/// Follows `next` from the first page to the last.
async fn pages(caller: &Caller, query: &str) -> Vec<Vec<String>> {
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("/v1/events?{query}{after}")).await.expect(200);
        seen.push(names(&page));
        let Some(next) = page.get("next") else { return seen };
        after = format!("&after={next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_soonest_comes_first_page_by_page_and_what_has_no_date_last() {
    let server = TestServer::start().await;
    event(&server, "undated 1", None).await;
    event(&server, "June", Some("2030-06-01T20:00:00Z")).await;
    event(&server, "May, first", Some("2030-05-01T20:00:00Z")).await;
    event(&server, "May, second", Some("2030-05-01T20:00:00Z")).await;
    event(&server, "undated 2", None).await;
    event(&server, "April", Some("2030-04-01T20:00:00Z")).await;
    server.draft(described("draft", Some("2030-05-15T20:00:00Z"))).await;
    let all = ["April", "May, first", "May, second", "June", "undated 1", "undated 2"];
    let anyone = server.anyone();
    assert_eq!(list(&anyone, "").await, all);
    for limit in 1..=6 {
        let expected: Vec<Vec<&str>> = all.chunks(limit).map(<[&str]>::to_vec).collect();
        assert_eq!(pages(&anyone, &format!("limit={limit}")).await, expected, "a full last page has no next");
    }
    let with_draft = [&all[..3], &["draft"], &all[3..]].concat();
    assert_eq!(list(&server.admin(), "").await, with_draft);
    assert_eq!(pages(&server.admin(), "limit=4").await.concat(), with_draft);

    let one = anyone.get("/v1/events?limit=1").await.expect(200);
    let mut read = anyone.get(&format!("/v1/events/{}", one["events"][0]["event_id"])).await.expect(200);
    read.as_object_mut().expect("an object").remove("sections");
    assert_eq!(one["events"][0], read, "an event of the list, without its sections");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_narrowed_by_status_beginning_and_name_together() {
    let server = TestServer::start().await;
    let (anyone, admin) = (server.anyone(), server.admin());
    event(&server, "Spring Tour", Some("2030-05-01T20:00:00Z")).await;
    let paused = event(&server, "Summer tour", Some("2030-06-01T20:00:00Z")).await;
    let closed = event(&server, "Spring Gala", Some("2030-06-01T20:00:00.001Z")).await;
    event(&server, "100% off_sale", None).await;
    server.draft(described("Autumn Tour", Some("2030-09-01T20:00:00Z"))).await;
    server.set_status(&paused, "paused").await;
    server.set_status(&closed, "closed").await;

    assert_eq!(list(&anyone, "status=open").await, ["Spring Tour", "100% off_sale"]);
    assert_eq!(list(&anyone, "status=paused").await, ["Summer tour"]);
    assert_eq!(list(&anyone, "status=closed").await, ["Spring Gala"]);
    assert_eq!(list(&admin, "status=draft").await, ["Autumn Tour"]);
    assert_eq!(list(&anyone, "starts_after=2030-06-01T20:00:00Z").await, ["Spring Gala"], "strictly after, and only what has a date");
    assert_eq!(list(&admin, "starts_after=2030-06-02T04:00:00%2B08:00").await, ["Spring Gala", "Autumn Tour"]);
    assert_eq!(list(&anyone, "name=TOUR").await, ["Spring Tour", "Summer tour"]);
    assert_eq!(list(&anyone, "name=%25").await, ["100% off_sale"], "a percent sign is one");
    assert_eq!(list(&anyone, "name=f_s").await, ["100% off_sale"]);
    assert_eq!(list(&anyone, "name=r_").await, [""; 0], "an underscore is one");
    assert_eq!(list(&anyone, "name=spring&status=open").await, ["Spring Tour"]);
    assert_eq!(list(&anyone, "name=spring&starts_after=2030-05-01T20:00:00Z").await, ["Spring Gala"]);
    assert_eq!(pages(&admin, "name=tour&limit=1").await, [["Spring Tour"], ["Summer tour"], ["Autumn Tour"]]);
    assert_eq!(pages(&anyone, "starts_after=2030-05-01T20:00:00Z&limit=1").await, [["Summer tour"], ["Spring Gala"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listed_is_refused_by_name() {
    let server = TestServer::start().await;
    let draft = server.draft(event_json(&[("A", 1000, 1)])).await;
    let anyone = server.anyone();
    let refused = anyone.get("/v1/events?status=draft").await;
    refused.problem(401, "unauthorized");
    assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("ApiKey")));
    for (query, field) in [
        ("status=opened", "status"),
        ("starts_after=tomorrow", "starts_after"),
        ("starts_after=2030-05-01", "starts_after"),
        ("name=", "name"),
        ("name=a%00b", "name"),
        ("name=a%0Ab", "name"),
        ("after=0", "after"),
        ("after=4711", "after"),
    ] {
        anyone.get(&format!("/v1/events?{query}")).await.invalid(field);
    }
    anyone.get(&format!("/v1/events?name={}", "x".repeat(201))).await.invalid("name");
    let after_a_draft = format!("/v1/events?after={}", draft.id);
    anyone.get(&after_a_draft).await.invalid("after");
    server.admin().get(&after_a_draft).await.expect(200);
}

/// What an event has besides, and values for it.
const SETTINGS: &str = "venue, window_ms, seats_per_customer, unpaid_orders_max, cooldown_ms";
const VALUES: &str = "'', 10000, 10, 5, 120000";

/// However many events there are, a search by name reads two thousand of them and says where to continue.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_by_name_is_bounded_and_goes_on_where_it_stopped() {
    let server = TestServer::start().await;
    let fill = format!(
        "insert into rowlock.events (name, starts_at, status, opened_at, currency, {SETTINGS})
        select case when n in (5, 2000, 2001) then 'needle ' || n else 'hay' end, timestamptz '2030-01-01Z' + n * interval '1 minute',
            'open', now(), 'TWD', {VALUES}
        from generate_series(1, 2002) as n"
    );
    server.db.batch_execute(&fill).await.expect("many events");
    let anyone = server.anyone();
    assert_eq!(pages(&anyone, "name=needle").await, [vec!["needle 5", "needle 2000"], vec!["needle 2001"]]);
    assert_eq!(pages(&anyone, "name=needle&limit=1").await, [["needle 5"], ["needle 2000"], ["needle 2001"]]);
    assert_eq!(pages(&anyone, "name=none").await, [[""; 0], [""; 0]]);
    assert_eq!(list(&anyone, "limit=1&starts_after=2030-01-02T09:21:00Z").await, ["hay"]);
}

const PARAMETERS: [&str; 6] = ["p_after_event_id", "p_limit", "p_with_drafts", "p_status", "p_starts_after", "p_name"];

/// Neither drafts nor what was never opened may slow the public's list down, and no list may read what other pages hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_few_events_however_many_there_are() {
    let server = TestServer::start().await;
    let fill = format!(
        "insert into rowlock.events (name, starts_at, currency, status, {SETTINGS})
        select 'hidden ' || n, timestamptz '2029-01-01Z' + n * interval '1 minute', 'TWD',
            case when n % 2 = 0 then 'draft' else 'closed' end::rowlock.event_status, {VALUES}
        from generate_series(1, 20000) as n;
        insert into rowlock.events (name, starts_at, currency, status, opened_at, {SETTINGS})
        select 'shown ' || n, timestamptz '2030-01-01Z' + n * interval '1 minute', 'TWD',
            case when n % 100 = 0 then 'closed' else 'open' end::rowlock.event_status, now(), {VALUES}
        from generate_series(1, 20000) as n;
        analyze rowlock.events"
    );
    server.db.batch_execute(&fill).await.expect("many events");
    let reads = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_xact_user_tables where relname = 'events'";
    for (arguments, reads_max) in [
        ("null, 101, false, null, null, null", 300),
        ("null, 101, false, 'open', null, null", 300),
        ("null, 101, false, 'closed', null, null", 300),
        ("null, 101, true, 'closed', null, null", 300),
        ("null, 101, true, 'draft', null, null", 300),
        ("30000, 101, false, null, null, null", 300),
        ("30000, 101, false, 'closed', null, null", 300),
        ("30000, 101, true, 'open', null, null", 300),
        ("null, 101, false, null, '2030-01-07Z', null", 300),
        ("null, 101, false, 'open', '2030-01-07Z', null", 300),
        ("null, 101, false, null, null, 'shown'", 300),
        ("null, 101, false, 'open', null, 'shown'", 300),
        ("null, 101, false, null, null, 'nowhere'", 2010),
        ("null, 101, false, 'open', null, 'nowhere'", 2010),
    ] {
        // Within a transaction: only then are they counted at once.
        server.db.batch_execute("begin").await.expect("a transaction");
        let before = server.ask::<i64>(reads).await;
        let named: Vec<_> = PARAMETERS.iter().zip(arguments.split(", ")).map(|(name, value)| format!("{name} => {value}")).collect();
        let found = server.ask::<i64>(&format!("select count(*) from rowlock.list_events({})", named.join(", "))).await;
        let reads = server.ask::<i64>(reads).await - before;
        server.db.batch_execute("commit").await.expect("its end");
        assert!(found > 0 && reads <= reads_max, "{arguments}: {reads} events were read for {found}");
    }
}
