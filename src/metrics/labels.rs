//! The values of the metrics' labels.

/// Declares such an enum, with the name of each value.
macro_rules! label {
    ($(#[$attribute:meta])* pub enum $type:ident { $($(#[$doc:meta])* $value:ident = $name:literal,)+ }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $(#[$attribute])*
        pub enum $type {
            $($(#[$doc])* $value,)+
        }

        impl $type {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// Its name in the metrics.
            pub(super) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }
    };
}

label! {
    /// Why a client's connection was refused.
    pub enum RefusedConnection {
        /// The server has as many as it may have, and none of them is idle.
        Full = "full",
        /// The client's address has as many as it may have, and none of them is idle.
        AddressFull = "address_full",
        /// The system refused it.
        Failed = "failed",
    }
}

label! {
    /// What a client sends too much of.
    pub enum Limited {
        /// Requests of one customer.
        Customer = "customer",
        /// Requests from one address.
        Address = "address",
        /// Wrong credentials from one address.
        WrongCredentials = "wrong_credentials",
    }
}

label! {
    /// Where a cached read was answered from.
    pub enum CacheResult {
        /// This server's memory.
        Memory = "memory",
        /// Redis.
        Redis = "redis",
        /// PostgreSQL.
        Database = "database",
    }
}

label! {
    /// Why credentials are refused.
    pub enum CredentialFault {
        /// None were sent, or those of another kind.
        Missing = "missing",
        /// They cannot be read, or say something that is not allowed.
        Malformed = "malformed",
        /// No key that this server knows made them.
        Unknown = "unknown",
        /// A genuine token that has expired.
        Expired = "expired",
        /// A genuine token that is valid only later.
        Early = "early",
        /// A genuine token that is valid for longer than this server allows.
        LongLived = "long_lived",
        /// A genuine token that is for another service, or from another issuer.
        Foreign = "foreign",
        /// A genuine signature that was made too long ago, or in the future: a clock is wrong, or somebody repeats an old message.
        OffTime = "off_time",
    }
}
