//! How many connections the server keeps open: fewer than it may open files, so that PostgreSQL and Redis can always be reached.

/// How many newcomers may wait at the same time until somebody else has gone.
pub(super) const NEWCOMERS_WAITING_MAX: usize = 16;
/// Files beyond those for clients, PostgreSQL and Redis: the log, the listener, the runtime, what a library opens for a moment,
/// [`LEAVING_LEAST`] and [`NEWCOMERS_WAITING_MAX`].
const OTHER_FILES: u64 = 56;
/// How many connections may be closing, however few there may be in all: a busy machine takes a while to close one.
const LEAVING_LEAST: u64 = 8;
/// By default, so that connections fill no more than 700 MB even if each has sent half a body.
const DEFAULT_MAX: u64 = 16_384;
/// Fewer are not worth a server.
const LEAST: u64 = 16;
/// One connection in this many may be on its way out while another has already taken its room.
const LEAVING_SHARE: u64 = 16;
/// One address may have this share of all connections, by default.
const ADDRESS_SHARE: usize = 2;

/// How many connections may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// All of them.
    pub(crate) connections_max: usize,
    /// Those of one address.
    pub(crate) per_address_max: usize,
    /// Those that are closing to make room, which are counted no more but still have their descriptors.
    pub(crate) leaving_max: usize,
}

impl ConnectionLimits {
    /// The limits of a process that may open `open_files_max` files and itself needs `own` of them for PostgreSQL and Redis. Without
    /// `connections_max`, clients get the rest; without `per_address_max`, one address gets half of that; 0 means no limit for addresses.
    ///
    /// # Errors
    /// When there are too few files; the error says how many are needed.
    pub(crate) fn new(open_files_max: u64, own: u64, connections_max: Option<u32>, per_address_max: Option<u32>) -> anyhow::Result<Self> {
        let for_clients = open_files_max.saturating_sub(own + OTHER_FILES);
        // The room of those that are leaving comes on top.
        let possible = for_clients - for_clients.div_ceil(LEAVING_SHARE + 1);
        let wanted = connections_max.map_or(LEAST, u64::from);
        let needed = own + OTHER_FILES + wanted + wanted / LEAVING_SHARE + 2;
        anyhow::ensure!(
            wanted <= possible,
            "with {wanted} connections of clients, the server needs {needed} open files, and this process may open {open_files_max}: raise \
             the limit (ulimit -Hn, or LimitNOFILE of systemd), or lower --connections-max, --lanes or --pool-size"
        );
        let connections_max = usize::try_from(connections_max.map_or(possible.min(DEFAULT_MAX), u64::from))?;
        let per_address_max = match per_address_max {
            Some(0) => connections_max,
            Some(most) => usize::try_from(most)?.min(connections_max),
            None => connections_max / ADDRESS_SHARE,
        };
        Ok(Self {
            connections_max,
            per_address_max,
            leaving_max: usize::try_from((connections_max as u64 / LEAVING_SHARE).max(LEAVING_LEAST))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_the_server_does_not_need_itself() {
        let limits = |open_files, asked, per_address| ConnectionLimits::new(open_files, 41, asked, per_address);
        let derived = limits(1000, None, None).unwrap();
        assert_eq!(derived, ConnectionLimits { connections_max: 849, per_address_max: 424, leaving_max: 53 });
        for open_files in [126, 256, 1000, 1024, 4096, 65_536, 1 << 20, u64::MAX] {
            let ConnectionLimits { connections_max, leaving_max, .. } = limits(open_files, None, None).unwrap();
            let files = (connections_max + leaving_max) as u64 + 41 + OTHER_FILES - LEAVING_LEAST - NEWCOMERS_WAITING_MAX as u64;
            assert!(files <= open_files && connections_max as u64 <= DEFAULT_MAX, "{open_files}: {files}");
        }
        assert_eq!(limits(1000, Some(100), Some(0)).unwrap().per_address_max, 100);
        assert_eq!(limits(1000, Some(100), Some(7)).unwrap().per_address_max, 7);
        assert_eq!(limits(u64::MAX, Some(200_000), None).unwrap().connections_max, 200_000);
    }

    #[test]
    fn a_limit_on_open_files_that_is_too_low_is_refused_with_the_one_that_is_needed() {
        for (open_files, asked) in [(64, None), (1000, Some(900)), (0, Some(1))] {
            let error = ConnectionLimits::new(open_files, 41, asked, None).unwrap_err().to_string();
            let needed: u64 = error.split(" needs ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("a number");
            assert!(error.contains(&format!("may open {open_files}:")), "{error}");
            assert!(ConnectionLimits::new(needed, 41, asked, None).is_ok(), "{needed} are not enough: {error}");
        }
    }
}
