//! A network between server and PostgreSQL that can lose answers, refuse, and fall silent.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// State of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Connections reach PostgreSQL on this port.
    Fair(u16),
    /// Nothing listens; connections are cut.
    Refusing,
    /// Connections are accepted and kept open, but nothing gets through.
    Silent,
}

/// What only a lane's connection sends, when it prepares its statements.
const LANE: &[u8] = b"rowlock.settle_payments";
/// What only the answer to a claim that succeeded says.
const CLAIMED: &[u8] = b"claimed";

/// A port in front of PostgreSQL's.
pub struct Network {
    port: u16,
    weather: watch::Sender<Weather>,
    losses: Losses,
}

/// What gets lost.
#[derive(Clone)]
struct Losses {
    /// Bumped to cut every connection on the server's side.
    cut: watch::Sender<()>,
    /// The far ends of connections that were cut.
    limbo: Arc<Mutex<Vec<TcpStream>>>,
    /// Counts how often every lane's connection was told to lose its next answer.
    wanted: watch::Sender<usize>,
    lost: Arc<AtomicUsize>,
    /// Whether the next answer to a claim that succeeded gets stuck.
    is_stuck: Arc<AtomicBool>,
}

impl Network {
    /// Opens a port that leads to `target`.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let weather = watch::Sender::new(Weather::Fair(target));
        let losses = Losses {
            cut: watch::Sender::new(()),
            limbo: Arc::default(),
            wanted: watch::Sender::new(0),
            lost: Arc::default(),
            is_stuck: Arc::default(),
        };
        tokio::spawn(listen(listener, weather.subscribe(), losses.clone()));
        Self { port, weather, losses }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the state from now on.
    pub fn becomes(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Cuts every connection only on the server's side: PostgreSQL does not notice and continues with its call.
    pub fn cut(&self) {
        self.losses.cut.send_replace(());
    }

    /// Each lane's connection breaks as soon as PostgreSQL answers on it: the call is done, and its answer is lost.
    pub fn lose_answers(&self) {
        self.losses.wanted.send_modify(|wanted| *wanted += 1);
    }

    /// The next answer to a claim that succeeded does not get through, and nothing else on its connection, which stays open.
    pub fn one_gets_stuck(&self) {
        self.losses.is_stuck.store(true, Ordering::Relaxed);
    }

    pub fn lost(&self) -> usize {
        self.losses.lost.load(Ordering::Relaxed)
    }
}

async fn listen(first: TcpListener, mut weather: watch::Receiver<Weather>, losses: Losses) {
    let address = first.local_addr().expect("an address");
    let mut listener = Some(first);
    loop {
        let now = *weather.borrow_and_update();
        if now == Weather::Refusing {
            listener = None;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.expect("the same port again"));
        }
        let accept = async {
            match &listener {
                Some(listener) => listener.accept().await.expect("a connection").0,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            client = accept => {
                tokio::spawn(carry(client, weather.clone(), losses.clone()));
            }
            changed = weather.changed() => if changed.is_err() { return },
        }
    }
}

/// Forwards one connection until it loses an answer or the state changes.
async fn carry(mut client: TcpStream, mut weather: watch::Receiver<Weather>, losses: Losses) {
    let Weather::Fair(target) = *weather.borrow_and_update() else {
        // Kept open without forwarding anything until the state changes.
        weather.changed().await.ok();
        return;
    };
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    client.set_nodelay(true).and(server.set_nodelay(true)).ok();
    let is_lane = AtomicBool::new(false);
    let mut cut = losses.cut.subscribe();
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    tokio::select! {
        _ = carry_calls(from_client, to_server, &is_lane) => {}
        _ = carry_answers(from_server, to_client, &is_lane, &losses) => {}
        _ = cut.changed() => losses.limbo.lock().expect("the list").push(server),
        _ = weather.changed() => {
            if *weather.borrow_and_update() == Weather::Silent {
                weather.changed().await.ok();
            }
        }
    }
}

async fn carry_calls(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, is_lane: &AtomicBool) -> std::io::Result<()> {
    let mut bytes = vec![0; 65_536];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        if says(&bytes[..read], LANE) {
            is_lane.store(true, Ordering::Relaxed);
        }
        to.write_all(&bytes[..read]).await?;
    }
}

async fn carry_answers(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, is_lane: &AtomicBool, losses: &Losses) -> std::io::Result<()> {
    let (mut bytes, mut wanted) = (vec![0; 65_536], losses.wanted.subscribe());
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        if is_lane.load(Ordering::Relaxed) && wanted.has_changed().unwrap_or(false) {
            losses.lost.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        if says(&bytes[..read], CLAIMED) && losses.is_stuck.swap(false, Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        wanted.mark_unchanged();
        to.write_all(&bytes[..read]).await?;
    }
}

fn says(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}
