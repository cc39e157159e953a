//! Who a request comes from, as far as limits by address are concerned.

use std::net::{IpAddr, Ipv4Addr};

use poem::{Addr, Request};

use crate::app::App;
use crate::client_address::ClientAddress;

/// The address of the client.
pub(crate) fn client_address_of(app: &App, request: &Request) -> ClientAddress {
    let remote = match &request.remote_addr().0 {
        Addr::SocketAddr(remote) => remote.ip(),
        // The server listens on nothing else.
        _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    app.forwarding.client(remote, request.headers())
}
