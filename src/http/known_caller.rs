//! Who sent a request, as far as the log may say it.

use poem::http::HeaderValue;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::app::App;

/// Who sent a request, for the log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownCaller {
    /// The admin, by the id of the key.
    pub(crate) api_key_id: Option<i64>,
    /// The customer, by a pseudonym: the first 16 hex digits of the SHA-256 of the id. Whoever knows an id finds its lines; whoever reads
    /// the log learns no id.
    pub(crate) customer_hash: Option<String>,
}

impl KnownCaller {
    /// The caller that these headers identify, if any. It does not query the database.
    pub(crate) fn of(app: &App, authorization: Option<&HeaderValue>, api_key: Option<&HeaderValue>) -> Self {
        let token = authorization.and_then(|value| value.to_str().ok()?.split_once(' ')).map(|(_, token)| token.trim());
        let customer = token.and_then(|token| app.auth.customers.customer(token, OffsetDateTime::now_utc()).ok());
        let admin = api_key.and_then(|value| app.auth.admins.recent(value.to_str().ok()?));
        Self { api_key_id: admin.map(|admin| admin.api_key_id), customer_hash: customer.map(|id| pseudonym(&id)) }
    }
}

fn pseudonym(customer_id: &str) -> String {
    Sha256::digest(customer_id).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_can_be_made_with_sha256sum() {
        // printf %s alice | sha256sum | cut -c1-16
        assert_eq!(pseudonym("alice"), "2bd806c97f0e00af");
    }
}
