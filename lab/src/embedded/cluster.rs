//! The files of a private PostgreSQL cluster: its data directory, made once and used again, and its password.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tokio::process::Command;

use super::{account::Account, binaries::PostgresBinaries, wait_until};

/// How long a server whose owner has just died may take to stop.
const LEAVING_PATIENCE: Duration = Duration::from_secs(30);

/// The directory of a cluster, locked for this process.
pub(super) struct Cluster {
    home: PathBuf,
    pub(super) password: String,
    /// Held as long as the cluster is ours; the system lets go of it when we die.
    _lock: File,
}

/// Without the password.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("home", &self.home).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Locks `dir` and makes the cluster in it, or checks the one that is there.
    pub(super) async fn open(dir: &Path, account: Account, binaries: &PostgresBinaries) -> anyhow::Result<Self> {
        let home = account.home(dir).await?;
        let lock = lock(&home)?;
        wait_for_former_server(&home).await?;
        let password = if home.join("postgres").exists() {
            check_data(&home, binaries)?;
            read_password(&home)?
        } else {
            let password = format!("{:032x}", rand::random::<u128>());
            create(&home, account, binaries, &password).await?;
            password
        };
        Ok(Self { home, password, _lock: lock })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.home.join("postgres")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// A directory for the Unix socket, or `None` where its path would be longer than a socket's may be.
    pub(super) fn socket_dir(&self, account: Account) -> anyhow::Result<Option<PathBuf>> {
        const PATH_MAX_BYTES: usize = 100;
        let dir = self.home.join("socket");
        if dir.join(".s.PGSQL.65535.lock").as_os_str().len() >= PATH_MAX_BYTES {
            return Ok(None);
        }
        create_private(&dir, account)?;
        Ok(Some(dir))
    }
}

/// One Rowlock a directory: the lock file names the process that has it.
fn lock(home: &Path) -> anyhow::Result<File> {
    let path = home.join("postgres.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())?;
            Ok(file)
        }
        Err(fs::TryLockError::WouldBlock) => {
            let mut owner = String::new();
            file.read_to_string(&mut owner)?;
            bail!("already running (pid {owner}) in {}: stop it, or use another directory", home.display())
        }
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// The lock is ours, so the owner of a server that still runs here is dead and the server is on its way out.
///
/// PostgreSQL itself copes with the pid file of a dead server, but not with one whose pid has gone to a stranger since.
async fn wait_for_former_server(home: &Path) -> anyhow::Result<()> {
    let pid_file = home.join("postgres/postmaster.pid");
    let pid = || fs::read_to_string(&pid_file).ok().and_then(|text| text.lines().next()?.trim().parse::<u32>().ok());
    let Some(first) = pid() else { return Ok(()) };
    let gone = wait_until("the former server", LEAVING_PATIENCE, || async {
        match pid() {
            Some(pid) if command_line(pid).await.is_some_and(|line| line.contains("postgres")) => None,
            left => Some(left),
        }
    });
    match gone.await {
        Ok(Some(pid)) if command_line(pid).await.is_some() => {
            fs::remove_file(&pid_file).with_context(|| format!("cannot remove {}", pid_file.display()))
        }
        Ok(_) => Ok(()),
        Err(_) => bail!("already running (pid {first}) in {}: a PostgreSQL that its Rowlock left behind; stop it first", home.display()),
    }
}

/// The command line of a process, or `None` if there is no such process.
async fn command_line(pid: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{pid}/cmdline")).ok().map(|line| String::from_utf8_lossy(&line).into_owned());
    }
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn check_data(home: &Path, binaries: &PostgresBinaries) -> anyhow::Result<()> {
    let data = home.join("postgres");
    let remedy = format!("remove {} to start over", home.display());
    let found = fs::read_to_string(data.join("PG_VERSION")).unwrap_or_default();
    let found = found.trim();
    ensure!(
        !found.is_empty() && data.join("global/pg_control").exists(),
        "{} is not a whole PostgreSQL data directory: {remedy}",
        data.display()
    );
    ensure!(
        found == binaries.major.to_string(),
        "{} was made by PostgreSQL {found}, but {} holds PostgreSQL {}: set ROWLOCK_POSTGRES_BIN, or {remedy}",
        data.display(),
        binaries.dir.display(),
        binaries.major
    );
    Ok(())
}

fn read_password(home: &Path) -> anyhow::Result<String> {
    let path = home.join("postgres.password");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}: remove {} to start over", path.display(), home.display()))?;
    Ok(text.trim().to_owned())
}

/// Runs `initdb` in a folder next to the final one and then renames it, so that the final one is always complete.
async fn create(home: &Path, account: Account, binaries: &PostgresBinaries, password: &str) -> anyhow::Result<()> {
    let unfinished = home.join("postgres.new");
    remove_any(&unfinished)?;
    create_private(&unfinished, account)?;
    write_secret(&home.join("postgres.password"), password)?;
    // initdb reads the password from a file, which its own account has to own.
    let password_file = home.join("initdb.password");
    write_secret(&password_file, password)?;
    account.give(&password_file)?;
    let mut initdb = account.command(&binaries.program("initdb"));
    initdb.args(["--username=rowlock", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]);
    initdb.arg("-D").arg(&unfinished).arg("--pwfile").arg(&password_file);
    let output = initdb.output().await.context("cannot run initdb");
    fs::remove_file(&password_file)?;
    let output = output?;
    ensure!(output.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&output.stderr).trim());
    fs::rename(&unfinished, home.join("postgres")).context("cannot move the new data directory into place")
}

fn create_private(dir: &Path, account: Account) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot create {}", dir.display()))?;
    account.give(dir)
}

/// Writes a new file that only its owner may read.
fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{secret}")).with_context(|| format!("cannot write {}", path.display()))
}

fn remove_any(dir: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}
