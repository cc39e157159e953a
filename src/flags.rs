//! What the values of flags must be: a wrong one is answered with the form and the bounds of a right one.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use poem::http::HeaderName;

/// Reads a whole number within bounds.
pub fn whole<T>(bounds: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number.ok_or_else(|| format!("it must be a whole number from {} to {}", bounds.start(), bounds.end()))
    }
}

/// Reads the address and the port to listen on.
///
/// # Errors
/// When it is no address with a port: a name is not resolved.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "it must be an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080".to_owned())
}

/// Reads a network of proxies, or an address as the network that has no other. One of IPv4 addresses that is written as IPv6 is read as
/// IPv4, as the addresses it is compared with are.
///
/// # Errors
/// When it is neither, or has every address.
pub fn network(text: &str) -> Result<IpNet, String> {
    let of_address = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text
        .parse::<IpNet>()
        .or_else(|_| of_address())
        .map_err(|_| "it must be an IP address or a network, such as 10.0.0.0/8 or 2001:db8::/32".to_owned())?;
    let mapped = |v6: Ipv6Net| Ipv4Net::new(v6.addr().to_ipv4_mapped()?, v6.prefix_len().checked_sub(96)?).ok();
    let network = match network {
        IpNet::V6(v6) => mapped(v6).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    };
    if network.prefix_len() == 0 {
        return Err("it has every address, so every client could invent its own: name only the networks of your proxies".to_owned());
    }
    Ok(network)
}

/// Reads the name of a header.
///
/// # Errors
/// When no header can have that name.
pub fn header_name(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| "it must be the name of a header, such as X-Forwarded-Proto".to_owned())
}

/// Headers that never have a list of addresses: they mean something else to a server or to those in front of it.
const NO_ADDRESSES: &str = "accept accept-encoding accept-language authorization connection content-encoding content-length content-type \
    cookie host idempotency-key if-none-match origin proxy-authorization referer transfer-encoding user-agent via webhook-id \
    webhook-signature webhook-timestamp x-api-key x-forwarded-host x-forwarded-proto x-request-id";

/// Reads the name of a header with addresses.
///
/// # Errors
/// When no header can have that name, or the one that has it never has addresses in a form that is read.
pub fn address_header(text: &str) -> Result<HeaderName, String> {
    const INSTEAD: &str = "name X-Forwarded-For, or a header in which your proxy puts nothing but its client's address, such as X-Real-IP";
    let name = header_name(text)?;
    match name.as_str() {
        "forwarded" => Err(format!("the syntax of Forwarded is not read: {INSTEAD}")),
        other if NO_ADDRESSES.split(' ').any(|named| named == other) => Err(format!("{other} has no addresses: {INSTEAD}")),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_bounds_and_a_wrong_one_is_told_them() {
        let read = whole::<u16>(4..=1000);
        assert_eq!((read("4"), read("1000")), (Ok(4), Ok(1000)));
        for bad in ["3", "1001", "99999", "abc", "", "-5", "4.5", " 4", "1e2"] {
            assert_eq!(read(bad).unwrap_err(), "it must be a whole number from 4 to 1000", "{bad}");
        }
    }

    #[test]
    fn an_address_has_a_port_and_no_name() {
        assert_eq!(address("[::1]:80").unwrap().port(), 80);
        for bad in ["localhost:8080", "127.0.0.1", ":8080", "8080", "127.0.0.1:99999"] {
            assert!(address(bad).unwrap_err().contains("such as 127.0.0.1:8080"), "{bad}");
        }
    }

    #[test]
    fn a_network_has_a_length_or_is_one_address() {
        assert!(network("10.0.0.0/8").unwrap().contains(&"10.1.2.3".parse::<IpAddr>().unwrap()));
        let one = network("2001:db8::1").unwrap();
        assert!(one.contains(&"2001:db8::1".parse::<IpAddr>().unwrap()) && !one.contains(&"2001:db8::2".parse::<IpAddr>().unwrap()));
        for bad in ["", "10.0.0.0/33", "proxy", "10.0.0", "10.0.0.1:80"] {
            assert!(network(bad).unwrap_err().contains("such as 10.0.0.0/8"), "{bad}");
        }
        for (mapped, v4) in
            [("::ffff:127.0.0.1/128", "127.0.0.1/32"), ("::ffff:a00:0/104", "10.0.0.0/8"), ("::ffff:10.0.0.1", "10.0.0.1/32")]
        {
            assert_eq!(network(mapped).unwrap().to_string(), v4);
        }
        assert_eq!(network("::fffe:a00:0/104").unwrap().to_string(), "::fffe:a00:0/104", "not IPv4");
        for everybody in ["0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"] {
            assert!(network(everybody).unwrap_err().contains("name only the networks of your proxies"), "{everybody}");
        }
        assert_eq!(network("0.0.0.0/1").unwrap().prefix_len(), 1);
    }

    #[test]
    fn a_header_with_addresses_is_none_that_means_something_else() {
        for good in ["X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP"] {
            assert_eq!(address_header(good), header_name(good));
        }
        for bad in ["Forwarded", "Authorization", "Cookie", "Host", "X-Forwarded-Proto"] {
            assert!(address_header(bad).unwrap_err().contains("name X-Forwarded-For"), "{bad}");
            assert!(header_name(bad).is_ok(), "{bad}");
        }
        assert_eq!(header_name("X-Real-IP").unwrap(), "x-real-ip");
        assert!(header_name("x forwarded").is_err());
    }
}
