//! One connection: address, TLS, and what every session sets first.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::outage::{Outage, OutageKind};
use super::{DbError, Identity, OutageLog, Shortage, database_url};

/// What a session sets before its first call. Dropping a query's future does not end the query, so the server needs timeouts. An answer
/// means that the commit is on disk, so a different setting of the role or the database is overridden.
pub(super) fn session(timeouts: SessionTimeouts) -> String {
    let SessionTimeouts { statement_ms, lock_ms } = timeouts;
    format!(
        "set role rowlock_app; set statement_timeout = {statement_ms}; set lock_timeout = {lock_ms}; \
         set idle_in_transaction_session_timeout = '60s'; set default_transaction_isolation = 'read committed'; set jit = off; \
         select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') in ('off', 'local')"
    )
}

/// How long a session waits, in milliseconds: what PostgreSQL itself enforces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionTimeouts {
    /// For a statement to end.
    pub statement_ms: u32,
    /// For a lock that somebody else holds.
    pub lock_ms: u32,
}

impl SessionTimeouts {
    /// Reads, administration and cancellation; creating an event with many seats takes a while.
    pub(crate) const POOL: Self = Self { statement_ms: 60_000, lock_ms: 5_000 };
    /// Claims and payments: one lock must not stop everybody.
    pub(crate) const LANE: Self = Self { statement_ms: 5_000, lock_ms: 500 };
    /// Expiry: what others have locked for longer is passed over.
    pub(crate) const EXPIRY: Self = Self { statement_ms: 5_000, lock_ms: 100 };
}

/// How long connecting may take, to all hosts of the URL together.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// Where PostgreSQL is and how to talk to it.
#[derive(Clone)]
pub struct Endpoint {
    config: Config,
    tls: MakeRustlsConnect,
    outages: OutageLog,
    identity: Identity,
    shortage: Shortage,
    looks: Arc<Mutex<()>>,
}

impl Endpoint {
    /// Reads a `postgres://` URL. TLS is used when the URL says `sslmode=require` (or `verify-full`, or `prefer`), and then the server's
    /// certificate must be signed by an authority this machine trusts, or by one in `ca_file` (PEM).
    ///
    /// # Errors
    /// When the URL cannot be read, names no host, or the authorities cannot be loaded.
    pub fn new(database_url: &str, ca_file: Option<&std::path::Path>) -> anyhow::Result<Self> {
        let config = database_url::read(database_url)?;
        let tls = MakeRustlsConnect::new(tls_config(config.get_ssl_mode() == SslMode::Disable, ca_file)?);
        Ok(Self {
            config,
            tls,
            outages: OutageLog::default(),
            identity: Identity::default(),
            shortage: Shortage::default(),
            looks: Arc::default(),
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// The outages of this address, shared by all who use it.
    pub(crate) fn outages(&self) -> &OutageLog {
        &self.outages
    }

    /// Which database answers at this address, shared by all who use it.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What PostgreSQL at this address has run out of, shared by all who use it.
    pub(crate) fn shortage(&self) -> &Shortage {
        &self.shortage
    }

    /// Opens a connection as the URL's user; the task drives it until either side closes.
    pub async fn connect(&self) -> Result<(Client, JoinHandle<()>), DbError> {
        // Whatever listens there may accept the connection and never say a word.
        let connecting = tokio::time::timeout(CONNECT_MAX, self.config.connect(self.tls.clone()));
        let (client, connection) = match connecting.await {
            Ok(connected) => connected.map_err(|error| DbError::Outage(Outage::of_connecting(&error)))?,
            Err(_) => return Err(DbError::Outage(Outage::new(OutageKind::Unreachable, "no answer in time"))),
        };
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a database connection ended");
            }
        });
        Ok((client, driver))
    }

    /// Whoever looks over another connection what a backend does holds it: a PostgreSQL in trouble gets one connection more, not one for
    /// each lane.
    pub(super) fn looks(&self) -> &Mutex<()> {
        &self.looks
    }

    /// Opens a connection for lanes and the sweep: role `rowlock_app`, with short timeouts.
    pub async fn connect_as_app(&self) -> Result<Client, DbError> {
        let (client, _) = self.connect().await?;
        client.batch_execute(&session(SessionTimeouts::LANE)).await.map_err(|error| DbError::Outage(Outage::of_session(&error)))?;
        Ok(client)
    }
}

/// Some editors put it at the beginning of a file; the decoder would overlook the first certificate.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn tls_config(unused: bool, ca_file: Option<&std::path::Path>) -> anyhow::Result<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(path) = ca_file {
        let named = || format!("cannot read {} (--database-ca-file, ROWLOCK_DATABASE_CA_FILE)", path.display());
        let pem = std::fs::read(path).with_context(named)?;
        for certificate in CertificateDer::pem_slice_iter(pem.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&pem)) {
            let added = certificate.map_err(anyhow::Error::from).and_then(|certificate| Ok(roots.add(certificate)?));
            added.context("a certificate in it is damaged").with_context(named)?;
        }
        if roots.is_empty() {
            return Err(anyhow!("it contains no certificate: it has no line -----BEGIN CERTIFICATE-----").context(named()));
        }
    } else if !unused {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_hides_no_certificate() {
        let certificate = include_bytes!("../../tests/it/keys/postgres_certificate.pem");
        let file = std::env::temp_dir().join(format!("rowlock-{}.pem", uuid::Uuid::now_v7()));
        std::fs::write(&file, [BYTE_ORDER_MARK, &certificate[..]].concat()).unwrap();
        let read = tls_config(false, Some(file.as_path()));
        std::fs::remove_file(&file).unwrap();
        read.unwrap();
    }
}
