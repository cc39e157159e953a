//! All settings, by flag or by environment variable.

mod auth_settings;
mod clients;
mod log;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use poem::http::HeaderName;

use crate::db::Endpoint;
use crate::flags::{address, header_name, whole};
use crate::secrets;

pub use auth_settings::AuthSettings;
pub use clients::{ConnectionSettings, ForwardingSettings, RateLimitSettings};
pub use log::{LogArgs, LogFilter, LogFormat};

/// The default prefix of keys in Redis.
pub const REDIS_PREFIX: &str = "rowlock";

/// Where PostgreSQL is.
#[derive(Args, Clone)]
pub struct DatabaseArgs {
    /// PostgreSQL URL: postgres://user:password@host:port/database (TLS with ?sslmode=require) [default: none; required unless a file
    /// has it]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, required_unless_present = "database_url_file")]
    pub database_url: Option<String>,
    /// File with that URL, instead of the URL itself [default: none]
    #[arg(long, env = "ROWLOCK_DATABASE_URL_FILE", conflicts_with = "database_url")]
    pub database_url_file: Option<PathBuf>,
    /// PEM file of the authority that signed PostgreSQL's certificate [default: the authorities this machine trusts]
    #[arg(long, env = "ROWLOCK_DATABASE_CA_FILE")]
    pub database_ca_file: Option<PathBuf>,
}

impl DatabaseArgs {
    /// The address, ready to connect.
    ///
    /// # Errors
    /// When the URL, its file or the authority's file cannot be read.
    pub(crate) fn endpoint(&self) -> anyhow::Result<Endpoint> {
        let url = secrets::given(self.database_url.as_ref(), self.database_url_file.as_ref(), "--database-url-file")?;
        Endpoint::new(&url.context("neither --database-url nor --database-url-file is given")?, self.database_ca_file.as_deref())
    }
}

/// Number and size of the lanes.
#[derive(Args, Clone, Copy)]
pub struct LaneSettings {
    /// Number of lanes for claims, and as many again for payments; a lane has two database connections, an event one lane of each kind
    #[arg(long, env = "ROWLOCK_LANES", default_value_t = 4, value_parser = whole::<u16>(1..=256))]
    pub lanes: u16,
    /// Maximum number of claims or payments in one call to the database
    #[arg(long, env = "ROWLOCK_BATCH_MAX", default_value_t = 256, value_parser = whole::<u16>(1..=1024))]
    pub batch_max: u16,
    /// Maximum number of claims or payments waiting in one lane; further ones are answered 503 at once
    #[arg(long, env = "ROWLOCK_WAITING_MAX", default_value_t = 20_000, value_parser = whole::<u32>(1..=u32::MAX))]
    pub waiting_max: u32,
}

/// How orders expire.
#[derive(Args, Clone, Copy)]
pub struct ExpirySettings {
    /// Number of workers for the expiry queue
    #[arg(long, env = "ROWLOCK_EXPIRY_WORKERS", default_value_t = 4, value_parser = whole::<u16>(1..=64))]
    pub expiry_workers: u16,
    /// Number of failures after which an expiry becomes a dead letter
    #[arg(long, env = "ROWLOCK_EXPIRY_ATTEMPTS_MAX", default_value_t = 5, value_parser = whole::<i32>(1..=100))]
    pub expiry_attempts_max: i32,
    /// How long an expiry worker keeps its lease on due orders, in milliseconds
    #[arg(long, env = "ROWLOCK_EXPIRY_LEASE_MS", default_value_t = 5_000, value_parser = whole::<i64>(100..=600_000))]
    pub expiry_lease_ms: i64,
    /// Pause between sweeps for overdue orders and failed expiries, in milliseconds
    #[arg(long, env = "ROWLOCK_SWEEP_INTERVAL_MS", default_value_t = 400, value_parser = whole::<u64>(50..=60_000))]
    pub sweep_interval_ms: u64,
    /// How long orders that ended unpaid are kept, unless money for them is owed back or the action log names them, in days
    #[arg(long, env = "ROWLOCK_UNPAID_KEPT_DAYS", default_value_t = 30, value_parser = whole::<i32>(2..=36_500))]
    pub unpaid_kept_days: i32,
}

/// The server's settings.
#[derive(Args, Clone)]
pub struct ServeConfig {
    #[command(flatten)]
    /// Where PostgreSQL is.
    pub database: DatabaseArgs,
    /// Redis URL: redis://[user:password@]host:port[/db], or rediss:// for TLS [default: none; the server works without Redis]
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// File with that URL, instead of the URL itself [default: none]
    #[arg(long, env = "ROWLOCK_REDIS_URL_FILE", conflicts_with = "redis_url")]
    pub redis_url_file: Option<PathBuf>,
    /// Prefix of all keys in Redis; servers that share a database must use the same one
    #[arg(long, env = "ROWLOCK_REDIS_PREFIX", default_value = REDIS_PREFIX)]
    pub redis_prefix: String,
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, env = "ROWLOCK_LISTEN", default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,
    /// File to which the server writes its address once it listens [default: none]
    #[arg(long, env = "ROWLOCK_ADDRESS_FILE")]
    pub address_file: Option<PathBuf>,
    /// Migrate the database before serving (the URL's user needs the privileges)
    #[arg(long, env = "ROWLOCK_MIGRATE", num_args = 0..=1, default_value_t = false, default_missing_value = "true")]
    pub migrate: bool,
    #[command(flatten)]
    /// How callers are authenticated.
    pub auth: AuthSettings,
    /// Database connections for reads and administration
    #[arg(long, env = "ROWLOCK_POOL_SIZE", default_value_t = 16, value_parser = whole::<u16>(4..=1000))]
    pub pool_size: u16,
    #[command(flatten)]
    /// Number and size of the lanes.
    pub lanes: LaneSettings,
    #[command(flatten)]
    /// How orders expire.
    pub expiry: ExpirySettings,
    /// Maximum age of events and seats served while PostgreSQL does not answer, in seconds; 0: answer 503 instead
    #[arg(long, env = "ROWLOCK_STALE_MAX_S", default_value_t = 60, value_parser = whole::<u64>(0..=86_400))]
    pub stale_max_s: u64,
    /// Largest request body, in bytes; 64 times as much for creating events and for blocking and unblocking seats
    #[arg(long, env = "ROWLOCK_BODY_MAX_BYTES", default_value_t = 65_536, value_parser = whole::<u32>(1024..=16_777_216))]
    pub body_max_bytes: u32,
    /// Memory for all request bodies that are arriving or being read, in megabytes; beyond it they are answered 503
    #[arg(long, env = "ROWLOCK_BODIES_IN_FLIGHT_MAX_MB", default_value_t = 64, value_parser = whole::<u32>(1..=65_536))]
    pub bodies_in_flight_max_mb: u32,
    /// How long a request body may take to arrive, in seconds; a slower one is answered 408 and its connection closed
    #[arg(long, env = "ROWLOCK_BODY_S", default_value_t = 30, value_parser = whole::<u64>(1..=3600))]
    pub body_s: u64,
    #[command(flatten)]
    /// How many connections clients may have, and how much they may leave unread.
    pub connections: ConnectionSettings,
    /// Header in which a trusted proxy says whether the client came by TLS, such as X-Forwarded-Proto: if the client came by TLS, the
    /// answer has Strict-Transport-Security. The proxy must set or remove it in every request [default: none]
    #[arg(long, env = "ROWLOCK_FORWARDED_PROTO_HEADER", value_parser = header_name)]
    pub forwarded_proto_header: Option<HeaderName>,
    /// How long browsers that came by TLS must come by TLS only (Strict-Transport-Security), in seconds; 0 makes them forget it
    #[arg(long, env = "ROWLOCK_HSTS_S", default_value_t = 31_536_000, value_parser = whole::<u32>(0..=u32::MAX))]
    pub hsts_s: u32,
    #[command(flatten)]
    /// How many requests one client may send.
    pub rate_limits: RateLimitSettings,
    #[command(flatten)]
    /// Where clients' addresses are read.
    pub forwarding: ForwardingSettings,
    /// How long a connection may be idle between requests, in seconds; must be longer than the load balancer's own timeout
    #[arg(long, env = "ROWLOCK_IDLE_S", default_value_t = 620, value_parser = whole::<u64>(1..=86_400))]
    pub idle_s: u64,
    /// How long requests in progress may take to finish at shutdown, in seconds
    #[arg(long, env = "ROWLOCK_DRAIN_S", default_value_t = 20, value_parser = whole::<u64>(0..=86_400))]
    pub drain_s: u64,
    /// Serve the routes for benchmarks, under /bench
    #[cfg(feature = "bench-routes")]
    #[arg(long, hide = true)]
    pub bench_routes: bool,
    #[command(flatten)]
    /// The log's settings.
    pub log: LogArgs,
}

impl ServeConfig {
    /// Where Redis is, if there is one.
    ///
    /// # Errors
    /// When the file with its URL cannot be read.
    pub(crate) fn redis_url(&self) -> anyhow::Result<Option<String>> {
        secrets::given(self.redis_url.as_ref(), self.redis_url_file.as_ref(), "--redis-url-file")
    }
}
