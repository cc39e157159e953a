//! PostgreSQL's client programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// `psql`, `pg_dump` or another program of that major version: an older one would refuse the server, a newer one prints differently.
pub fn postgres_program(name: &str, major: i32) -> Option<PathBuf> {
    let named = std::env::var_os("ROWLOCK_POSTGRES_BIN").map(PathBuf::from);
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let packaged = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
    let dirs = named.into_iter().chain([packaged]).chain(configured);
    let mut programs = dirs.map(|dir| dir.join(name)).chain([PathBuf::from(name)]);
    programs.find(|program| is_of_version(program, major))
}

fn is_of_version(program: &Path, major: i32) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&format!("(PostgreSQL) {major}")))
}
