//! The Redis of a server under test.

use rowlock_lab::embedded::PrivateRedis;
use tokio::sync::Mutex;

use super::cluster::Cluster;
use super::scratch::Scratch;

/// Which Redis the server gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisMode {
    /// The one that all tests share, with a separate prefix.
    Shared,
    /// A separate one, which the test may kill, flush and restart.
    Own,
    Off,
}

/// The running Redis.
pub(super) enum Redis {
    Off,
    Shared(String),
    Own { url: String, server: Box<Mutex<PrivateRedis>>, _dir: Scratch },
}

impl Redis {
    pub(super) async fn prepare(mode: RedisMode) -> Self {
        const NEEDED: &str = "redis-server is not installed, and no container engine answers";
        match mode {
            RedisMode::Off => Self::Off,
            RedisMode::Shared => Self::Shared(Cluster::shared().await.redis_url.clone().expect(NEEDED)),
            RedisMode::Own => {
                let dir = Scratch::new();
                let server = PrivateRedis::start(dir.path()).await.expect("a private Redis").expect(NEEDED);
                Self::Own { url: server.url(), server: Box::new(Mutex::new(server)), _dir: dir }
            }
        }
    }

    pub(super) fn url(&self) -> Option<String> {
        match self {
            Self::Off => None,
            Self::Shared(url) | Self::Own { url, .. } => Some(url.clone()),
        }
    }
}
