//! Why credentials are refused, as operators count it.

/// What is wrong with the credentials of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialFault {
    /// None were sent, or those of another kind.
    Missing,
    /// They cannot be read, or say something that is not allowed.
    Malformed,
    /// No key that this server knows made them.
    Unknown,
    /// A genuine token that has expired.
    Expired,
    /// A genuine token that is valid only later.
    Early,
    /// A genuine token that is valid for longer than this server allows.
    LongLived,
    /// A genuine token that is for another service, or from another issuer.
    Foreign,
    /// A genuine signature that was made too long ago, or in the future: a clock is wrong, or somebody repeats an old message.
    OffTime,
}

impl CredentialFault {
    /// Every fault.
    pub const ALL: [Self; 8] =
        [Self::Missing, Self::Malformed, Self::Unknown, Self::Expired, Self::Early, Self::LongLived, Self::Foreign, Self::OffTime];

    /// Its name in the metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Early => "early",
            Self::LongLived => "long_lived",
            Self::Foreign => "foreign",
            Self::OffTime => "off_time",
        }
    }
}
