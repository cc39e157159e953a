//! Health checks and metrics for operators.

use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use serde::Serialize;

use crate::api::Tag;
use crate::app::{App, SharedApp};
use crate::db::{DbError, Outage, OutageKind};
use crate::http::refusals::{Refusal, Refusals};
use crate::http::replies::{OkJson, answer, header};
use crate::problem::Problem;
use crate::problem::code::Code;
use crate::problem::conversions::of_outage;
use crate::readiness::Unready;
use crate::types::{Text, example};

/// The operations for operators.
pub(crate) struct HealthApi {
    pub app: SharedApp,
}

/// Probes are not limited by address.
struct GetReadiness;

impl Refusals for GetReadiness {
    const CODES: &'static [&'static [Code]] = &[&[Code::RequestTimeout, Code::InternalError, Code::Unavailable]];
}

#[OpenApi(tag = "Tag::Operations")]
impl HealthApi {
    /// Is it alive?
    ///
    /// Answers as long as the server runs: it checks neither PostgreSQL nor Redis. Restart the server when this fails.
    #[oai(path = "/livez", method = "get", operation_id = "getLiveness")]
    async fn livez(&self) -> OkJson<Liveness> {
        OkJson(Liveness { status: Alive::Alive })
    }

    /// Is it ready for requests?
    ///
    /// Ready when PostgreSQL answers, has the migrations that this server expects, and would carry out a claim. If Redis does not answer or
    /// refuses writes, the server is `degraded`: everything works, but seats of expired orders are back on sale within 2 s instead of
    /// 250 ms. It is `degraded`, too, if some claims fail because somebody's transaction keeps sections locked, lanes have no connection, or
    /// PostgreSQL has run out of something: `detail` says what hinders them.
    #[oai(path = "/readyz", method = "get", operation_id = "getReadiness")]
    async fn readyz(&self) -> Result<OkJson<Readiness>, Refusal<GetReadiness>> {
        Ok(OkJson(readiness(&self.app).await?))
    }

    /// Read the metrics
    ///
    /// Returns the metrics in the OpenMetrics text format, for Prometheus.
    #[oai(path = "/metrics", method = "get", operation_id = "getMetrics")]
    async fn metrics(&self) -> MetricsText {
        MetricsText(self.app.metrics_text())
    }
}

/// How ready the server is.
///
/// # Errors
/// `unavailable`, with the reason, when it is not.
pub(crate) async fn readiness(app: &App) -> Result<Readiness, Problem> {
    let (claims, redis) = tokio::join!(app.claims_watch.look(&app.readiness_db), app.queue.takes_writes());
    let redis = redis.map_or(RedisState::Off, |takes_writes| if takes_writes { RedisState::Up } else { RedisState::Down });
    let hindrance = claims.map_err(not_ready)?;
    let (unconnected, lanes) = app.lanes.unconnected();
    let lanes_without = format!("{unconnected} of {lanes} lanes have no connection to PostgreSQL: the log says why");
    if let Some(failure) = hindrance.failure.or_else(|| (unconnected == lanes).then(|| lanes_without.clone())) {
        return Err(of_outage(OutageKind::Unreachable).with_detail(failure));
    }
    let hindrances: Vec<_> = (unconnected > 0).then_some(lanes_without).into_iter().chain(hindrance.partial).collect();
    let is_degraded = redis == RedisState::Down || !hindrances.is_empty();
    let status = if is_degraded { Ready::Degraded } else { Ready::Ready };
    let detail = (!hindrances.is_empty()).then(|| Text::from(hindrances.join("; ")));
    Ok(Readiness { status, postgresql: PostgresState::Up, redis, detail, version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Operators ask for readiness, so the detail says what to do, without any name or address.
fn not_ready(unready: Unready) -> Problem {
    match unready {
        Unready::Behind(what_to_do) => of_outage(OutageKind::NotMigrated).with_detail(what_to_do),
        Unready::Database(DbError::Outage(Outage { kind, .. })) => {
            of_outage(kind).with_detail(format!("{}: {}", kind.meaning(), kind.advice()))
        }
        Unready::Database(error) => error.into(),
    }
}

/// The server is alive.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Liveness {
    /// Always `alive`.
    pub status: Alive,
}

/// Always `alive`.
#[derive(Clone, Copy, Debug, Enum, Serialize)]
#[oai(rename = "LivenessStatus", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Alive {
    /// It answers.
    Alive,
}

/// The server is ready for requests.
#[derive(Debug, Object, Serialize)]
#[oai(example, skip_serializing_if_is_none)]
pub(crate) struct Readiness {
    /// `degraded`: Redis does not work, or some claims fail.
    pub status: Ready,
    /// Always `up`: without PostgreSQL the server is not ready.
    pub postgresql: PostgresState,
    /// `off`: the server is configured without Redis.
    pub redis: RedisState,
    /// What hinders some of the claims, if anything does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text<1, 2000>>,
    /// Version of the server.
    #[oai(validator(pattern = "^[0-9]+[.][0-9]+[.][0-9]+"))]
    pub version: String,
}

/// How ready the server is.
#[derive(Clone, Copy, Debug, Enum, Serialize)]
#[oai(rename = "ReadinessStatus", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ready {
    /// Everything that is configured is available.
    Ready,
    /// Redis is not available, or some claims fail.
    Degraded,
}

/// State of PostgreSQL.
#[derive(Clone, Copy, Debug, Enum, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum PostgresState {
    /// It answers.
    Up,
}

/// State of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum RedisState {
    /// It answers and takes writes.
    Up,
    /// It does not answer, or refuses writes; the log says which.
    Down,
    /// The server is configured without Redis.
    Off,
}

answer!(Liveness = "Alive.");
answer!(Readiness = "Ready, possibly degraded.");

example!(Liveness { status: Alive::Alive });

example!(Readiness { status: Ready::Ready, postgresql: PostgresState::Up, redis: RedisState::Up, detail: None, version: "0.1.0".into() });

/// The metrics as text.
pub(crate) struct MetricsText(String);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl IntoResponse for MetricsText {
    fn into_response(self) -> Response {
        Response::builder().content_type(OPEN_METRICS).body(self.0)
    }
}

impl ApiResponse for MetricsText {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: OPEN_METRICS, schema: String::schema_ref() }];
        let headers = vec![header::request_id()];
        MetaResponses {
            responses: vec![MetaResponse { description: "The metrics.", status: Some(200), status_range: None, content, headers }],
        }
    }

    fn register(_: &mut Registry) {}
}
