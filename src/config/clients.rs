//! Limits for one client, and who is one if there are proxies in front. Numbers that the limits lead to, such as the default for
//! connections, are in `http/connections/limits.rs`.

use clap::Args;
use ipnet::IpNet;
use poem::http::HeaderName;

use crate::client_address::Forwarding;
use crate::flags::{address_header, network, whole};

/// How many connections clients may have, and how much they may leave unread.
#[derive(Args, Clone, Copy)]
pub struct ConnectionSettings {
    /// Maximum number of clients' connections; for another one, the connection that has been idle longest is closed [default: as many as
    /// the limit on open files allows, up to 16384]
    #[arg(long, env = "ROWLOCK_CONNECTIONS_MAX", value_parser = whole::<u32>(1..=u32::MAX))]
    pub connections_max: Option<u32>,
    /// Maximum number of connections from one IPv4 address or IPv6 /64 network; 0 means no limit [default: half of --connections-max]
    #[arg(long, env = "ROWLOCK_CONNECTIONS_PER_ADDRESS_MAX", value_parser = whole::<u32>(0..=u32::MAX))]
    pub connections_per_address_max: Option<u32>,
    /// Maximum memory for answers of more than 16 KB that clients have yet to take, in megabytes; one that many read at once counts once.
    /// Beyond it, the connections of the slowest readers are closed
    #[arg(long, env = "ROWLOCK_ANSWERS_IN_FLIGHT_MAX_MB", default_value_t = 128, value_parser = whole::<u32>(1..=65_536))]
    pub answers_in_flight_max_mb: u32,
}

/// How many requests one client may send.
#[derive(Args, Clone, Copy)]
pub struct RateLimitSettings {
    /// Maximum number of requests of one customer per second, on each server; further ones are answered 429; 0 means no limit
    #[arg(long, env = "ROWLOCK_REQUESTS_PER_CUSTOMER_PER_S", default_value_t = 0, value_parser = whole::<u32>(0..=1_000_000))]
    pub requests_per_customer_per_s: u32,
    /// Maximum number of requests from one IPv4 address or IPv6 /64 network per second, on each server, not counting payment
    /// notices; further ones are answered 429; 0 means no limit
    #[arg(long, env = "ROWLOCK_REQUESTS_PER_ADDRESS_PER_S", default_value_t = 0, value_parser = whole::<u32>(0..=1_000_000))]
    pub requests_per_address_per_s: u32,
    /// Maximum number of wrong tokens, API keys and signatures from one address per minute, on each server; further ones are answered
    /// 429, and API keys from that address are no longer looked up; 0 means no limit
    #[arg(long, env = "ROWLOCK_WRONG_CREDENTIALS_PER_ADDRESS_PER_MIN", default_value_t = 0, value_parser = whole::<u32>(0..=1_000_000))]
    pub wrong_credentials_per_address_per_min: u32,
}

/// Where clients' addresses are read.
#[derive(Args, Clone)]
pub struct ForwardingSettings {
    /// Networks of the proxies in front, such as 10.0.0.0/8,192.0.2.7: what they say about their client's address is believed
    /// [default: none; whoever connects is the client]
    #[arg(long, env = "ROWLOCK_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Header to which the trusted proxies append the address of their client
    #[arg(long, env = "ROWLOCK_FORWARDED_HEADER", default_value = "x-forwarded-for", value_parser = address_header)]
    pub forwarded_header: HeaderName,
}

impl ForwardingSettings {
    pub(crate) fn forwarding(&self) -> Forwarding {
        Forwarding { header: self.forwarded_header.clone(), trusted_proxies: self.trusted_proxies.clone() }
    }
}
