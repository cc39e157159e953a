//! The limit on open files: every connected buyer needs one.

use rlimit::Resource;

/// Raises this process's limit on open files towards `wanted`, and returns the limit now in force.
///
/// Raises the hard limit, too, where that is allowed.
pub fn raise_open_files(wanted: u64) -> u64 {
    let Ok((soft, hard)) = Resource::NOFILE.get() else { return 0 };
    if soft >= wanted {
        return soft;
    }
    if hard < wanted && Resource::NOFILE.set(wanted, wanted).is_ok() {
        return wanted;
    }
    rlimit::increase_nofile_limit(wanted).unwrap_or(soft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_the_open_files_never_lowers_them() {
        let (soft, _) = Resource::NOFILE.get().expect("a limit");
        assert_eq!(raise_open_files(1), soft);
        assert!(raise_open_files(soft + 1) >= soft);
    }
}
