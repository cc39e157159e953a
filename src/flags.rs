//! What the values of flags must be: a wrong one is answered with the form and the bounds of a right one.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::IpNet;
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

/// Reads a network, or an address as the network that has no other.
///
/// # Errors
/// When it is neither.
pub fn network(text: &str) -> Result<IpNet, String> {
    let of_address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| of_address())
        .map_err(|_| "it must be an IP address or a network, such as 10.0.0.0/8 or 2001:db8::/32".to_owned())
}

/// Reads the name of a header.
///
/// # Errors
/// When no header can have that name.
pub fn header_name(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| "it must be the name of a header, such as X-Forwarded-Proto".to_owned())
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
        assert_eq!(header_name("X-Real-IP").unwrap(), "x-real-ip");
        assert!(header_name("x forwarded").is_err());
    }
}
