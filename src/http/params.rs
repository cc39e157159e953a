//! Parameters in the path and in headers.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::problem::Problem;
use crate::types::{EventId, OrderId, SectionCode};

/// The type of a path variable. Arguments match path variables by position, so each variable has a type of its own.
pub(crate) trait PathValue: Type + Sized {
    const NAME: &'static str;
    const EXPECTED: &'static str;

    fn read(text: &str) -> Option<Self>;
}

impl PathValue for EventId {
    const NAME: &'static str = "event_id";
    const EXPECTED: &'static str = "must be a whole number from 1 to 9223372036854775807";

    fn read(text: &str) -> Option<Self> {
        // `parse` would also accept a sign.
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten().filter(|id| *id >= 1).map(Self)
    }
}

impl PathValue for OrderId {
    const NAME: &'static str = "order_id";
    const EXPECTED: &'static str = Self::EXPECTED;

    fn read(text: &str) -> Option<Self> {
        Self::from_canonical(text)
    }
}

impl PathValue for SectionCode {
    const NAME: &'static str = "section";
    const EXPECTED: &'static str = "must be a section's code";

    /// Accepts any text: one that cannot be a code is simply a section that does not exist.
    fn read(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

pub(crate) struct Path<T>(pub T);

impl<'a, T: PathValue> ApiExtractor<'a> for Path<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = T;
    type ParamRawType = T::RawValueType;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(T::schema_ref())
    }

    fn param_raw_type(&self) -> Option<&Self::ParamRawType> {
        self.0.as_raw_value()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, options: ExtractParamOptions<T>) -> poem::Result<Self> {
        let value = request.raw_path_param(options.name).and_then(T::read);
        Ok(Self(value.ok_or_else(|| Problem::invalid(T::NAME, T::EXPECTED))?))
    }
}

/// The `Idempotency-Key` header: 1 to 200 visible ASCII characters.
pub(crate) struct IdempotencyKey(pub Option<String>);

impl<'a> ApiExtractor<'a> for IdempotencyKey {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = String;
    type ParamRawType = String;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema {
            min_length: Some(1),
            max_length: Some(200),
            pattern: Some("^[!-~]+$".to_owned()),
            example: Some("order-5f3c1a".into()),
            ..MetaSchema::new("string")
        })))
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, options: ExtractParamOptions<String>) -> poem::Result<Self> {
        let mut values = request.headers().get_all(options.name).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let good = (1..=200).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(key) if good && values.next().is_none() => Ok(Self(Some(key.to_owned()))),
            // Ignoring a bad key would be worse than having none: the client relies on it.
            _ => Err(Problem::invalid(options.name, "must be one value of 1 to 200 visible ASCII characters").into()),
        }
    }
}

pub(crate) fn limit_default() -> i32 {
    50
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_values() {
        assert_eq!(EventId::read("7"), Some(EventId(7)));
        for bad in ["0", "-1", "+7", "", "seven", "9223372036854775808", "7.0"] {
            assert_eq!(EventId::read(bad), None, "{bad}");
        }
        assert!(OrderId::read("01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812").is_some());
        assert!(OrderId::read("01980f2e").is_none());
    }

    #[tokio::test]
    async fn an_idempotency_key_is_good_or_refused_but_never_ignored() {
        let read = async |values: &[&'static [u8]]| {
            let mut request = Request::builder().finish();
            for value in values {
                request.headers_mut().append("idempotency-key", poem::http::HeaderValue::from_bytes(value).unwrap());
            }
            let options = ExtractParamOptions { name: "Idempotency-Key", ..Default::default() };
            IdempotencyKey::from_request(&request, &mut RequestBody::new(poem::Body::empty()), options).await.map(|key| key.0)
        };
        assert_eq!(read(&[]).await.unwrap(), None);
        assert_eq!(read(&[b"k-1"]).await.unwrap().as_deref(), Some("k-1"));
        assert!(read(&[b"a b"]).await.is_err());
        assert!(read(&[b""]).await.is_err());
        assert!(read(&[b"caf\xc3\xa9"]).await.is_err());
        assert!(read(&[b"a", b"b"]).await.is_err());
        assert!(read(&[&[b'a'; 201]]).await.is_err());
    }
}
