//! A network between server and PostgreSQL that can be cut, refuse, and fall silent.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Connections reach PostgreSQL on this port.
    Fair(u16),
    /// Nobody listens; connections are cut.
    Refusing,
    /// Connections are accepted and kept, and nothing goes through any more.
    Silent,
}

/// A port in front of PostgreSQL's.
pub struct Network {
    port: u16,
    weather: watch::Sender<Weather>,
    /// Bumped to cut every connection; true: PostgreSQL does not notice and finishes what it was told.
    cut: watch::Sender<bool>,
    /// The far ends of connections that were cut without PostgreSQL noticing.
    abandoned: Arc<Mutex<Vec<TcpStream>>>,
}

impl Network {
    /// Opens a port that leads to `target`.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (weather, cut) = (watch::Sender::new(Weather::Fair(target)), watch::Sender::new(false));
        let abandoned = Arc::default();
        tokio::spawn(listen(listener, weather.subscribe(), cut.clone(), Arc::clone(&abandoned)));
        Self { port, weather, cut, abandoned }
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on.
    pub fn becomes(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Cuts every connection on the server's side only: PostgreSQL goes on with what it was told and has nobody to answer.
    pub fn cut_unnoticed(&self) {
        self.cut.send_replace(true);
    }

    /// How many connections were cut that way.
    pub fn abandoned(&self) -> usize {
        self.abandoned.lock().expect("the list").len()
    }
}

async fn listen(
    first: TcpListener,
    mut weather: watch::Receiver<Weather>,
    cut: watch::Sender<bool>,
    abandoned: Arc<Mutex<Vec<TcpStream>>>,
) {
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
                tokio::spawn(carry(client, weather.clone(), cut.subscribe(), Arc::clone(&abandoned)));
            }
            changed = weather.changed() => if changed.is_err() { return },
        }
    }
}

/// Carries one connection until the weather changes or it is cut.
async fn carry(
    mut client: TcpStream,
    mut weather: watch::Receiver<Weather>,
    mut cut: watch::Receiver<bool>,
    abandoned: Arc<Mutex<Vec<TcpStream>>>,
) {
    let Weather::Fair(target) = *weather.borrow_and_update() else {
        // Held in silence until something changes.
        weather.changed().await.ok();
        return;
    };
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    client.set_nodelay(true).and(server.set_nodelay(true)).ok();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = cut.changed() => abandoned.lock().expect("the list").push(server),
        _ = weather.changed() => {
            if *weather.borrow_and_update() == Weather::Silent {
                weather.changed().await.ok();
            }
        }
    }
}
