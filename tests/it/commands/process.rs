//! The binary as a child process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rowlock_lab::embedded::Guard;

use crate::harness::{PATIENCE, Scratch, eventually};

/// `rowlock` without any settings from the environment, except where the servers' programs are.
pub fn rowlock(args: &[&str]) -> Command {
    without_settings(Path::new(env!("CARGO_BIN_EXE_rowlock")), args)
}

/// `rowlock-lab`, likewise: `cargo test --workspace` builds it along with the product. If it is missing, it is built now.
pub fn rowlock_lab(args: &[&str]) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_rowlock")).with_file_name("rowlock-lab");
        if !program.exists() {
            let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            build.args(["build", "--quiet", "--locked", "--workspace"]).current_dir(env!("CARGO_MANIFEST_DIR"));
            if !cfg!(debug_assertions) {
                build.arg("--release");
            }
            assert!(build.status().expect("cargo runs").success(), "rowlock-lab cannot be built");
        }
        program
    });
    without_settings(program, args)
}

fn without_settings(program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    let kept = ["ROWLOCK_POSTGRES_BIN", "ROWLOCK_REDIS_SERVER"];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_setting = name.starts_with("ROWLOCK_") || name == "DATABASE_URL" || name == "REDIS_URL";
        if is_setting && !kept.contains(&name.as_str()) {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Longer than any command takes that ends by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(300);

/// Runs it to its end.
pub fn output_of(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let (pid, (ended, end)) = (child.id(), std::sync::mpsc::channel());
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(ENDS_WITHIN) else {
        Command::new("kill").arg(pid.to_string()).status().expect("it is stopped");
        panic!("{command:?} does not end");
    };
    output.expect("its output")
}

/// What it prints; it must succeed.
#[track_caller]
pub fn printed_by(command: &mut Command) -> String {
    let output = output_of(command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A child process that runs until it is stopped, and no longer than this process. Its output goes to files.
pub struct Running {
    child: Child,
    _guard: Guard,
    pub dir: Scratch,
}

impl Running {
    pub async fn start(mut command: Command) -> Self {
        let dir = Scratch::new();
        let file = |name| std::fs::File::create(dir.path().join(name)).expect("a file");
        let mut guard = Guard::start("TERM", 10).expect("a guard");
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().expect("the binary runs");
        guard.watch(Some(child.id())).await.expect("watched");
        Self { child, _guard: guard, dir }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far.
    pub fn stdout(&self) -> String {
        read(&self.dir.path().join("stdout"))
    }

    /// Everything it has logged so far.
    pub fn stderr(&self) -> String {
        read(&self.dir.path().join("stderr"))
    }

    /// Sends it a signal, for example `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "nobody to send SIG{name} to");
    }

    pub async fn ended(&mut self) -> ExitStatus {
        let child = std::sync::Mutex::new(&mut self.child);
        eventually(PATIENCE, || std::future::ready(child.lock().expect("the child").try_wait().expect("a status"))).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// `rowlock serve` on a free port, listening; also returns its URL.
pub async fn serve(database_url: &str, settings: &[(&str, &str)]) -> (Running, String) {
    let dir = Scratch::new();
    let address_file: PathBuf = dir.path().join("address");
    let mut command = rowlock(&["serve", "--listen", "127.0.0.1:0", "--address-file"]);
    command.arg(&address_file).env("DATABASE_URL", database_url).envs(settings.iter().copied());
    let mut server = Running::start(command).await;
    let address: SocketAddr = {
        let server = std::sync::Mutex::new(&mut server);
        eventually(PATIENCE, || async {
            let mut server = server.lock().expect("the server");
            let ended = server.child.try_wait().expect("a status");
            assert!(ended.is_none(), "serve ended: {}", server.stderr());
            read(&address_file).parse().ok()
        })
        .await
    };
    (server, format!("http://{address}"))
}

/// Every process that `root` started, directly or not.
pub fn descendants(root: u32) -> BTreeSet<u32> {
    let listed = output_of(Command::new("ps").args(["-A", "-o", "pid=,ppid="]));
    let mut parents = BTreeMap::new();
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let mut numbers = line.split_whitespace().filter_map(|number| number.parse::<u32>().ok());
        if let (Some(pid), Some(parent)) = (numbers.next(), numbers.next()) {
            parents.insert(pid, parent);
        }
    }
    let is_below = |pid: u32| std::iter::successors(parents.get(&pid), |parent| parents.get(parent)).any(|parent| *parent == root);
    parents.keys().copied().filter(|pid| is_below(*pid)).collect()
}

/// Those of the processes that are still running; a zombie is not.
pub fn alive(pids: &BTreeSet<u32>) -> Vec<String> {
    let listed = output_of(Command::new("ps").args(["-A", "-o", "pid=,stat=,args="]));
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let is_one = |line: &&str| {
        let mut words = line.split_whitespace();
        let pid = words.next().and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| pids.contains(&pid)) && words.next().is_some_and(|state| !state.starts_with('Z'))
    };
    text.lines().filter(is_one).map(str::to_owned).collect()
}
