//! Where this machine keeps the programs of PostgreSQL and Redis.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};

/// The oldest PostgreSQL that Rowlock runs on.
const POSTGRES_MAJOR_MIN: u32 = 15;

const POSTGRES_MISSING: &str = "no PostgreSQL 15 or newer found: install `postgresql` (Debian, Ubuntu) or `postgresql@17` \
    (Homebrew), or set ROWLOCK_POSTGRES_BIN to the directory that holds `initdb` and `postgres`";

/// A directory with PostgreSQL's programs.
#[derive(Debug, Clone)]
pub(super) struct PostgresBinaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

impl PostgresBinaries {
    /// The directory `ROWLOCK_POSTGRES_BIN` names; else that of the `pg_config` in `PATH` if it is new enough and holds a server;
    /// else the newest of the places where packages put it.
    pub(super) fn find() -> anyhow::Result<Self> {
        if let Some(dir) = env::var_os("ROWLOCK_POSTGRES_BIN").filter(|dir| !dir.is_empty()) {
            let found = Self::in_dir(PathBuf::from(dir)).context("ROWLOCK_POSTGRES_BIN")?;
            ensure!(found.major >= POSTGRES_MAJOR_MIN, "ROWLOCK_POSTGRES_BIN holds PostgreSQL {}, which is too old", found.major);
            return Ok(found);
        }
        let usable = |dir| Self::in_dir(dir).ok().filter(|found| found.major >= POSTGRES_MAJOR_MIN);
        let configured = pg_config_dir().and_then(usable);
        configured.or_else(|| packaged_dirs().into_iter().filter_map(usable).max_by_key(|found| found.major)).context(POSTGRES_MISSING)
    }

    /// The path of one program.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn in_dir(dir: PathBuf) -> anyhow::Result<Self> {
        ensure!(dir.join("initdb").is_file(), "there is no `initdb` in {}", dir.display());
        let server = dir.join("postgres");
        let output = Command::new(&server).arg("--version").output().with_context(|| format!("cannot run {}", server.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let major = major_version(&text).with_context(|| format!("{} has no version: {text:?}", server.display()))?;
        Ok(Self { dir, major })
    }
}

/// 15 of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, 19 of `postgres (PostgreSQL) 19beta1`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

fn pg_config_dir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// The places where Debian, the PostgreSQL project's RPMs and Homebrew put a server.
fn packaged_dirs() -> Vec<PathBuf> {
    let inside = |parent: &str, prefix: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).map(|entry| entry.path().join("bin")).collect()
    };
    [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt/homebrew/opt", "postgresql"), ("/usr/local/opt", "postgresql")]
        .into_iter()
        .flat_map(|(parent, prefix)| inside(parent, prefix))
        .collect()
}

/// `redis-server`, or its drop-in successor `valkey-server`; `None` if neither is installed.
///
/// `ROWLOCK_REDIS_SERVER` names one explicitly.
pub(super) fn find_redis() -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = env::var_os("ROWLOCK_REDIS_SERVER").filter(|named| !named.is_empty()) {
        if !Path::new(&named).is_file() {
            bail!("ROWLOCK_REDIS_SERVER: {} is not a file", named.display());
        }
        return Ok(Some(named.into()));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = env::split_paths(&path).collect();
    dirs.extend(["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    let mut candidates = ["redis-server", "valkey-server"].into_iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
    Ok(candidates.find(|candidate| candidate.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 17.2\n"), Some(17));
        assert_eq!(major_version("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major_version("postgres (EnterpriseDB) 15"), None);
    }

    #[test]
    fn a_directory_without_a_server_is_refused() {
        let error = PostgresBinaries::in_dir(PathBuf::from("/")).expect_err("no server there");
        assert!(error.to_string().contains("initdb"), "{error}");
    }
}
