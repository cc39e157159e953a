//! Who a private PostgreSQL runs as, and where that account may keep its files.
//!
//! PostgreSQL refuses to run as root, so for root its programs run as `postgres`, or `nobody` where that account is missing.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, chown},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// The account that runs PostgreSQL's programs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Account {
    /// The one this process runs as.
    Ours,
    /// Another one, because ours is root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Ours, unless that is root.
    pub(super) async fn for_postgres() -> anyhow::Result<Self> {
        if id(&["-u"]).await? != Some(0) {
            return Ok(Self::Ours);
        }
        for name in ["postgres", "nobody"] {
            if let (Some(uid), Some(gid)) = (id(&["-u", name]).await?, id(&["-g", name]).await?) {
                return Ok(Self::Other { uid, gid });
            }
        }
        bail!("PostgreSQL does not run as root, and there is neither an account `postgres` nor `nobody` to run it as")
    }

    /// A command of this account: in a process group of its own, with English messages, in a directory that every account may enter.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C").process_group(0).kill_on_drop(true);
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes `path` belong to this account.
    pub(super) fn give(self, path: &Path) -> anyhow::Result<()> {
        if let Self::Other { uid, gid } = self {
            chown(path, Some(uid), Some(gid)).with_context(|| format!("cannot change the owner of {}", path.display()))?;
        }
        Ok(())
    }

    /// Creates `dir` and returns the directory to use: `dir` itself, absolute, or one under `/var/tmp` if this account cannot
    /// reach `dir` (below `/root`, for one).
    pub(super) async fn home(self, dir: &Path) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize().with_context(|| format!("cannot resolve {}", dir.display()))?;
        if matches!(self, Self::Ours) || self.can_enter(&dir).await? {
            return Ok(dir);
        }
        let digest = Sha256::digest(dir.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let home = Path::new("/var/tmp").join(format!("rowlock-{name}"));
        create_own(&home)?;
        tracing::info!(wanted = %dir.display(), used = %home.display(), "PostgreSQL's account cannot reach the directory");
        Ok(home)
    }

    async fn can_enter(self, dir: &Path) -> anyhow::Result<bool> {
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", "cd \"$0\" 2>/dev/null"]).arg(dir);
        Ok(command.status().await.context("cannot run /bin/sh")?.success())
    }
}

/// Creates a directory in a place where others can create some too; a stranger's directory or link of that name is refused.
fn create_own(home: &Path) -> anyhow::Result<()> {
    match fs::DirBuilder::new().mode(0o711).create(home) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot create {}", home.display()))
        }
        _ => {
            let found = fs::symlink_metadata(home)?;
            ensure!(found.is_dir() && found.uid() == 0, "{} exists but is not a directory that root owns", home.display());
            Ok(())
        }
    }
}

/// What `id` answers, or `None` if it knows no such account.
async fn id(arguments: &[&str]) -> anyhow::Result<Option<u32>> {
    let output = Command::new("id").args(arguments).output().await.context("cannot run `id`")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|_| output.status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_account_is_never_root() {
        let account = Account::for_postgres().await.expect("an account");
        let output = account.command(Path::new("id")).arg("-u").output().await.expect("id runs");
        assert_ne!(String::from_utf8_lossy(&output.stdout).trim(), "0");
    }

    #[test]
    fn a_strangers_place_is_refused() {
        let link = std::env::temp_dir().join(format!("rowlock-link-{}", uuid::Uuid::now_v7()));
        std::os::unix::fs::symlink("/", &link).expect("a link");
        assert!(create_own(&link).is_err());
        fs::remove_file(link).expect("removed");
    }
}
