//! A database of its own for each test.

use rowlock::db::Endpoint;
use tokio_postgres::Client;
use uuid::Uuid;

use super::cluster::{Cluster, TEMPLATE};
use super::wait::try_no_more_if_broken;

/// Opens a transaction that blocks every claim at its seats; everything can still be read.
pub const HOLD_CLAIMS: &str = "begin; lock table rowlock.seats in exclusive mode";

/// A clone of the migrated template; it is dropped with the last server that uses it.
pub struct TestDatabase {
    cluster: &'static Cluster,
    name: String,
}

impl TestDatabase {
    pub async fn cloned() -> Self {
        Self::create(&format!("template {TEMPLATE} strategy wal_log")).await
    }

    /// A database with nothing in it, for tests of migrations.
    pub async fn empty() -> Self {
        Self::create("template template0").await
    }

    async fn create(origin: &str) -> Self {
        try_no_more_if_broken();
        let cluster = Cluster::shared().await;
        let database = Self { cluster, name: format!("rowlock_test_{}", Uuid::now_v7().simple()) };
        let postgres = connect(&cluster.url("postgres")).await;
        postgres.batch_execute(&format!("create database {} {origin}", database.name)).await.expect("a new database");
        database
    }

    /// Its URL, with a superuser's password in it.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// A superuser's connection to it.
    pub async fn connect(&self) -> Client {
        connect(&self.url()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.cluster.discard(&self.name);
    }
}

async fn connect(url: &str) -> Client {
    let endpoint = Endpoint::new(url, None).expect("a URL");
    endpoint.connect().await.expect("a connection to PostgreSQL").0
}
