//! Types that come in as JSON bodies.

use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;

use crate::app::HttpLimits;
use crate::http::schema::Schema;

/// A type that comes in as a JSON body.
pub(crate) trait Input: ParseFromJSON + Send + 'static {
    /// How many fields it has at least and at most, where the fields themselves do not say so. The type sees to it; the framework has no
    /// attribute for it.
    const FIELDS: (Option<usize>, Option<usize>) = (None, None);

    /// Its schema, built once.
    fn schema() -> &'static Schema;

    /// How many bytes a body may have.
    fn bytes_max(limits: &HttpLimits) -> usize {
        limits.body_max_bytes
    }
}

/// Declares an input type, with a limit other than the usual one and a number of fields where it has them.
macro_rules! input {
    ($type:ty $(, bytes_max = $limit:ident)? $(, fields = $fields:expr)?) => {
        impl $crate::http::body::Input for $type {
            $(const FIELDS: (Option<usize>, Option<usize>) = $fields;)?

            fn schema() -> &'static $crate::http::schema::Schema {
                static SCHEMA: std::sync::LazyLock<$crate::http::schema::Schema> =
                    std::sync::LazyLock::new($crate::http::schema::Schema::of::<$type>);
                &SCHEMA
            }

            $(
                fn bytes_max(limits: &$crate::app::HttpLimits) -> usize {
                    limits.$limit
                }
            )?
        }
    };
}
pub(crate) use input;

/// Adds the schema of a body to the document's.
pub(crate) fn register<T: Input>(registry: &mut Registry) {
    T::register(registry);
    let schema = registry.schemas.get_mut(&*T::name()).expect("an input type has a schema of its own");
    (schema.min_properties, schema.max_properties) = T::FIELDS;
}

pub(crate) fn request_meta<T: Input>() -> MetaRequest {
    let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
    MetaRequest { description: None, content, required: true }
}
