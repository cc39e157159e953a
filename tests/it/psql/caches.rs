//! What changes in psql is in force at once, and every server shows it within half a second.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::logins::Logins;
use crate::harness::{EventHandle, TestServer, eventually};

const SHOWN_WITHIN: Duration = Duration::from_millis(500);

/// An operator and two servers with full caches.
struct Scene {
    servers: [TestServer; 2],
    logins: Logins,
    event: EventHandle,
}

impl Scene {
    async fn new() -> Self {
        let first = TestServer::start().await;
        let servers = [first.second().await, first];
        let logins = Logins::new(&servers[0].database_url).await;
        let event = servers[0].small_event(&[("A", 1000, 10)]).await;
        Self { servers, logins, event }
    }

    /// Changes something, having read everything a moment ago, and waits until both servers show it.
    async fn change(&self, sql: &str, path: &str, shown: impl Fn(&Value) -> bool) {
        let olivia = self.logins.connect("olivia").await;
        for server in &self.servers {
            eventually(SHOWN_WITHIN, || async { !shown(&server.anyone().get(path).await.expect(200)) }).await;
        }
        olivia.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        for server in &self.servers {
            eventually(SHOWN_WITHIN, || async { shown(&server.anyone().get(path).await.expect(200)) }).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_from_psql_stops_claims_at_once_and_is_shown_within_half_a_second() {
    let scene = Scene::new().await;
    let (id, event) = (scene.event.id, scene.event);
    let alice = scene.servers[1].customer("alice");
    alice.claim_seats(&event, &[("A", 1)]).await.expect(201);
    let olivia = scene.logins.connect("olivia").await;
    olivia.batch_execute(&format!("select admin.pause_event({id}, 'a test')")).await.expect("paused");
    let problem = alice.claim_seats(&event, &[("A", 2)]).await.problem(409, "not_on_sale");
    assert_eq!(problem["code"], "not_on_sale");
    eventually(SHOWN_WITHIN, || async { scene.servers[0].anyone().get(&event.path()).await.expect(200)["status"] == "paused" }).await;

    scene.change(&format!("select admin.open_event({id}, 'a test')"), &event.path(), |shown| shown["status"] == "open").await;
    alice.claim_seats(&event, &[("A", 2)]).await.expect(201);
    scene.change(&format!("select admin.close_event({id}, 'a test')"), &event.path(), |shown| shown["status"] == "closed").await;
    alice.claim_seats(&event, &[("A", 3)]).await.problem(409, "not_on_sale");
    scene.logins.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_and_blocked_seats_from_psql_are_shown_within_half_a_second() {
    let scene = Scene::new().await;
    let (id, event) = (scene.event.id, scene.event);
    let window = format!("select admin.change_window({id}, 77000, 'a test')");
    scene.change(&window, &event.path(), |shown| shown["window_ms"] == 77_000).await;
    let order = scene.servers[0].customer("alice").claim_seats(&event, &[("A", 1)]).await.expect(201);
    let window = format!(
        "select (extract(epoch from expires_at - created_at) * 1000)::bigint from rowlock.orders where order_id = '{}'",
        order["order_id"].as_str().expect("an id")
    );
    assert_eq!(scene.servers[0].ask::<i64>(&window).await, 77_000);

    let block = format!("select admin.block_seats({id}, 'A 4-6', 'a test')");
    scene.change(&block, &event.at("sections/A/seats"), |shown| shown["seats"][4]["status"] == "blocked").await;
    let unblock = format!("select admin.unblock_seats({id}, 'A', 'a test')");
    // Its held seat makes the call fail for the whole section, and nothing changes.
    let olivia = scene.logins.connect("olivia").await;
    olivia.batch_execute(&unblock).await.expect_err("a held seat");
    let unblock = format!("select admin.unblock_seats({id}, 'A 4-6', 'a test')");
    scene.change(&unblock, &event.at("sections"), |shown| shown["sections"][0]["available"] == 9).await;
    let release = format!("select admin.release_order({id}, '{}', 'a test')", order["order_id"].as_str().expect("an id"));
    scene.change(&release, &event.at("sections"), |shown| shown["sections"][0]["available"] == 10).await;
    scene.logins.gone().await;
}
