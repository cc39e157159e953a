//! Enums whose values have one name everywhere: in the database, the API and the metrics.

/// Declares such an enum; its doc comments are those of the API's documentation.
macro_rules! named {
    ($(#[$attribute:meta])* $visibility:vis enum $type:ident { $($(#[$doc:meta])* $value:ident = $name:literal,)+ }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, poem_openapi::Enum, serde::Serialize)]
        #[oai(rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        $(#[$attribute])*
        $visibility enum $type {
            $($(#[$doc])* $value,)+
        }

        impl $type {
            /// Every value.
            $visibility const ALL: &[Self] = &[$(Self::$value),+];

            /// Its name in the database, the API and the metrics.
            $visibility fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }

            /// The value with that name.
            $visibility fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}
pub(super) use named;

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use crate::domain::{EventStatus, OrderStatus, PaymentOutcome, RecordedOutcome, SeatStatus};

    #[test]
    fn a_value_has_one_name_and_is_found_by_it() {
        macro_rules! check {
            ($($type:ident),+) => {$(
                for value in $type::ALL {
                    let name = value.as_str();
                    assert_eq!((value.to_json(), serde_json::to_value(value).ok()), (Some(name.into()), Some(name.into())));
                    assert_eq!($type::from_name(name), Some(*value));
                }
                assert_eq!($type::from_name("Paid"), None);
            )+};
        }
        check!(EventStatus, OrderStatus, PaymentOutcome, RecordedOutcome, SeatStatus);
    }
}
