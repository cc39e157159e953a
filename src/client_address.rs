//! What counts as one client's address, and where it is read if there are proxies in front.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use poem::http::{HeaderMap, HeaderName};

/// An IPv4 address, or the /64 network of an IPv6 address, since whoever has one of its addresses has them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientAddress {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl ClientAddress {
    pub(crate) fn of(address: IpAddr) -> Self {
        let v6 = |address: Ipv6Addr| {
            let [a, b, c, d, ..] = address.segments();
            Self::V6([a, b, c, d])
        };
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| v6(address), Self::V4),
        }
    }
}

/// In which header proxies say for whom they ask, and which of them are believed.
#[derive(Clone, Debug)]
pub(crate) struct Forwarding {
    pub(crate) header: HeaderName,
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Forwarding {
    /// The address of the client whose request came from `remote` with these headers.
    ///
    /// Each proxy appends whom it was asked by, so the list is read from its end, and only as far as those who wrote it are trusted: what
    /// comes before may be anybody's invention.
    pub(crate) fn client(&self, remote: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = remote.to_canonical();
        if self.is_trusted(client) {
            let lists: Vec<_> = headers.get_all(&self.header).iter().map(|list| String::from_utf8_lossy(list.as_bytes())).collect();
            for entry in lists.iter().rev().flat_map(|list| list.rsplit(',')) {
                let Some(address) = address_in(entry.trim()) else { break };
                client = address;
                if !self.is_trusted(client) {
                    break;
                }
            }
        }
        ClientAddress::of(client)
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}

/// An address as proxies write it: some add a port, and then brackets around an IPv6 address.
fn address_in(entry: &str) -> Option<IpAddr> {
    let bare = || entry.parse().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    bare().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn client(trusted_proxies: &[&str], remote: &str, lists: &[&'static str]) -> ClientAddress {
        let trusted_proxies = trusted_proxies.iter().map(|network| network.parse().unwrap()).collect();
        let forwarding = Forwarding { header: HeaderName::from_static("x-forwarded-for"), trusted_proxies };
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append("x-forwarded-for", list.parse().unwrap());
        }
        forwarding.client(remote.parse().unwrap(), &headers)
    }

    fn of(address: &str) -> ClientAddress {
        ClientAddress::of(address.parse().unwrap())
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(client(&[], "203.0.113.9", &["198.51.100.1"]), of("203.0.113.9"));
        assert_eq!(client(&["10.0.0.0/8"], "203.0.113.9", &["198.51.100.1", "10.0.0.1"]), of("203.0.113.9"));
    }

    #[test]
    fn the_last_entry_that_no_trusted_proxy_has_is_the_client() {
        let of_proxy = |lists: &[&'static str]| client(&["10.0.0.0/8", "2001:db8:f::/48"], "10.0.0.1", lists);
        assert_eq!(of_proxy(&["198.51.100.1"]), of("198.51.100.1"));
        assert_eq!(of_proxy(&["6.6.6.6, 198.51.100.1"]), of("198.51.100.1"), "the first one is an invention");
        assert_eq!(of_proxy(&["6.6.6.6, 198.51.100.1, 10.0.0.2 ,10.0.0.3"]), of("198.51.100.1"), "two more proxies");
        assert_eq!(of_proxy(&["6.6.6.6", "198.51.100.1", "10.0.0.2"]), of("198.51.100.1"), "a list in several headers");
        assert_eq!(of_proxy(&["198.51.100.1:4711, 2001:db8:f::1"]), of("198.51.100.1"));
        assert_eq!(of_proxy(&["[2001:db8:1:2::3]:4711"]), of("2001:db8:1:2::"));
        assert_eq!(of_proxy(&["[2001:db8:1:2::3]"]), of("2001:db8:1:2::"));
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["::ffff:198.51.100.1"]), of("198.51.100.1"));
    }

    #[test]
    fn without_a_readable_entry_it_is_whoever_would_have_written_it() {
        let of_proxy = |lists: &[&'static str]| client(&["10.0.0.0/8"], "10.0.0.1", lists);
        assert_eq!(of_proxy(&[]), of("10.0.0.1"));
        assert_eq!(of_proxy(&["10.0.0.9"]), of("10.0.0.9"));
        for nonsense in ["unknown", "", "198.51.100.1,", "_hidden", "198.51.100", "6.6.6.6, localhost, 10.0.0.1"] {
            assert_eq!(of_proxy(&[nonsense]), of("10.0.0.1"), "{nonsense}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let of = |address: &str| ClientAddress::of(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
