//! Asking for an event over the API and in psql: both must agree.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{TestServer, event_json};

pub(super) fn event() -> Value {
    let mut event = event_json(&[]);
    event["sections"] = json!([{"section": "A", "name": "A", "price_minor": 1, "rows": [{"row": "1", "seats": 1}]}]);
    event["starts_at"] = Value::Null;
    event
}

/// The event as psql describes it.
pub(super) fn in_psql(event: &Value) -> Value {
    let mut event = event.clone();
    let section = &mut event["sections"][0];
    section["code"] = section.as_object_mut().expect("an object").remove("section").expect("a code");
    for row in section["rows"].as_array_mut().expect("rows") {
        row["label"] = row.as_object_mut().expect("an object").remove("row").expect("a label");
    }
    event
}

/// The result of a call in psql: the answer, or the detail of the refusal.
pub(super) async fn ask(db: &Client, sql: &str, parameter: &(dyn tokio_postgres::types::ToSql + Sync)) -> Result<String, String> {
    match db.query_one(sql, &[parameter]).await {
        Ok(row) => Ok(row.get::<_, Option<String>>(0).unwrap_or_default()),
        Err(error) => {
            let refused = error.as_db_error().unwrap_or_else(|| panic!("{error:?}"));
            assert_eq!(refused.code().code(), "RL006", "{refused:?}");
            Err(refused.detail().unwrap_or_default().to_owned())
        }
    }
}

/// Creates an event both ways; both must succeed, or both must name the field and give the same reason.
pub(super) async fn both_ways(server: &TestServer, event: &Value, (api_field, sql_field): (&str, &str), expected: Option<&str>) {
    let mut body = event.clone();
    body.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    let answer = server.admin().post("/v1/events", &body).await;
    let asked = ask(&server.db, "select admin.create_event($1, 'a try')::text", &in_psql(event)).await;
    match expected {
        None => {
            answer.expect(201);
            asked.unwrap_or_else(|detail| panic!("{detail}: {event}"));
        }
        Some(expected) => {
            assert_eq!(answer.invalid(api_field)["detail"], format!("{api_field} {expected}"), "{event}");
            assert_eq!(asked, Err(format!("{sql_field}: {expected}")), "{event}");
        }
    }
}
