//! Structs that are read from rows whose columns are named like their fields.

/// Declares such a struct.
macro_rules! from_row {
    ($(#[$about:meta])* $visibility:vis struct $type:ident { $($(#[$doc:meta])* pub $field:ident: $kind:ty,)+ }) => {
        $(#[$about])*
        $visibility struct $type {
            $($(#[$doc])* pub $field: $kind,)+
        }

        impl From<&tokio_postgres::Row> for $type {
            fn from(row: &tokio_postgres::Row) -> Self {
                Self { $($field: row.get(stringify!($field)),)+ }
            }
        }
    };
}
pub(super) use from_row;
