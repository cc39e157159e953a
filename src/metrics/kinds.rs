//! What is counted apart, each with its word in a label.

use super::labels::Word;

/// Why a client's connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedConnection {
    /// The server has as many as it may have, and none of them is idle.
    Full,
    /// The client's address has as many as it may have, and none of them is idle.
    AddressFull,
    /// The system refused it.
    Failed,
}

/// What a client sends too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Requests of one customer.
    Customer,
    /// Requests from one address.
    Address,
    /// Wrong credentials from one address.
    WrongCredentials,
}

/// Where a cached read was answered from.
#[derive(Clone, Copy, Debug)]
pub enum CacheResult {
    /// This server's memory.
    Memory,
    /// Redis.
    Redis,
    /// PostgreSQL.
    Database,
}

impl RefusedConnection {
    pub(super) fn word(self) -> Word {
        Word(match self {
            Self::Full => "full",
            Self::AddressFull => "address_full",
            Self::Failed => "failed",
        })
    }
}

impl Limited {
    pub(super) fn word(self) -> Word {
        Word(match self {
            Self::Customer => "customer",
            Self::Address => "address",
            Self::WrongCredentials => "wrong_credentials",
        })
    }
}

impl CacheResult {
    pub(super) fn word(self) -> Word {
        Word(match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Database => "database",
        })
    }
}
