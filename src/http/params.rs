//! Parameters in the path and in headers. What is wrong with one of the path is said by [`expectations`](crate::http::expectations).

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::problem::Problem;
use crate::types::{EventId, OrderId, SectionCode};

impl ParseFromParameter for EventId {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        // `parse` would also accept a sign.
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let id = digits.and_then(|digits| digits.parse().ok()).filter(|id| *id >= 1);
        id.map(Self).ok_or_else(|| ParseError::custom("not the id of an event"))
    }
}

impl ParseFromParameter for OrderId {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Self::from_canonical(text).ok_or_else(|| ParseError::custom(Self::EXPECTED))
    }
}

impl ParseFromParameter for SectionCode {
    /// Accepts any text: one that cannot be a code is simply a section that does not exist.
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Ok(Self(text.to_owned()))
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
        assert_eq!(EventId::parse_from_parameter("7").ok(), Some(EventId(7)));
        for bad in ["0", "-1", "+7", "", "seven", "9223372036854775808", "7.0"] {
            assert!(EventId::parse_from_parameter(bad).is_err(), "{bad}");
        }
        assert!(OrderId::parse_from_parameter("01980f2e-4c7a-7bd2-a6f3-d1f0c9a5e812").is_ok());
        assert!(OrderId::parse_from_parameter("01980f2e").is_err());
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
