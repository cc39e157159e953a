//! A cached JSON body, compressed at most once per encoding, however many clients ask for it.

use std::io::Write;

use bytes::Bytes;
use poem::http::HeaderValue;
use tokio::sync::OnceCell;

use crate::off_runtime::off_runtime_if_large;

/// How a body is compressed for transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Not at all.
    Identity,
    /// `gzip`.
    Gzip,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl Encoding {
    /// All encodings, from the largest bodies to the smallest; a tie goes to the last.
    const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd];

    /// The encoding that the `Accept-Encoding` headers prefer (RFC 9110, 12.5.3); of several equally good ones, the one with the smallest
    /// bodies. If they allow none of these, the body is not encoded: everybody understands that.
    pub(crate) fn negotiate<'a>(accept_encoding: impl Iterator<Item = &'a str>) -> Self {
        let (mut weights, mut others) = ([None; 4], 0.0);
        for entry in accept_encoding.flat_map(|value| value.split(',')) {
            let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let (name, weight) = (name.trim(), weight(parameters));
            if name == "*" {
                others = weight;
            } else if let Some(named) = Self::ALL.iter().position(|encoding| encoding.is_called(name)) {
                weights[named] = Some(weight);
            }
        }
        let weighted = weights.map(|weight| weight.unwrap_or(others)).into_iter().zip(Self::ALL);
        let best = weighted.filter(|(weight, _)| *weight > 0.0).max_by(|(one, _), (other, _)| one.total_cmp(other));
        best.map_or(Self::Identity, |(_, encoding)| encoding)
    }

    /// The value of the `Content-Encoding` header; none for an uncompressed body.
    pub(crate) fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
        }
    }

    fn is_called(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.header().unwrap_or("identity")) || (self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }
}

/// The weight among the parameters of an entry: 1 if there is none, 0 if it cannot be read.
fn weight(parameters: &str) -> f32 {
    let weights = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let mut weights = weights.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q")).map(|(_, weight)| weight.trim().parse());
    weights.next().map_or(1.0, |weight| weight.ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0))
}

/// A JSON body and its entity tag.
#[derive(Debug)]
pub(crate) struct CachedBody {
    /// The tag of the revision that it shows, ready to be sent. It is weak because it is the same for every encoding.
    pub etag: HeaderValue,
    plain: Bytes,
    gzip: OnceCell<Bytes>,
    brotli: OnceCell<Bytes>,
    zstd: OnceCell<Bytes>,
}

impl CachedBody {
    /// A body that shows `revision`.
    pub(crate) fn new(revision: i64, plain: impl Into<Bytes>) -> Self {
        let (plain, etag) = (plain.into(), Bytes::from(format!("W/\"{revision}\"")));
        let etag = HeaderValue::from_maybe_shared(etag).expect("digits in quotes");
        Self { etag, plain, gzip: OnceCell::new(), brotli: OnceCell::new(), zstd: OnceCell::new() }
    }

    /// The body as it is.
    pub(crate) fn plain(&self) -> Bytes {
        self.plain.clone()
    }

    /// Approximate memory use, in bytes.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.plain.len() + self.plain.len() / 4).unwrap_or(u32::MAX)
    }

    /// The body in that encoding; the first caller compresses it, the others wait for that.
    pub(crate) async fn encoded(&self, encoding: Encoding) -> Bytes {
        let kept = match encoding {
            Encoding::Identity => return self.plain(),
            Encoding::Gzip => &self.gzip,
            Encoding::Brotli => &self.brotli,
            Encoding::Zstd => &self.zstd,
        };
        let compressed = kept.get_or_init(|| async {
            let plain = self.plain();
            off_runtime_if_large(plain.len(), move || compress(&plain, encoding)).await
        });
        compressed.await.clone()
    }
}

/// Larger bodies use the fastest level of each encoding: otherwise megabytes would take seconds.
const LARGE_BYTES: usize = 1_000_000;

fn compress(plain: &Bytes, encoding: Encoding) -> Bytes {
    let fast = plain.len() > LARGE_BYTES;
    let compressed = match encoding {
        Encoding::Identity => return plain.clone(),
        Encoding::Gzip => gzip(plain, if fast { 1 } else { 6 }),
        // Above quality 5, brotli is no longer fast.
        Encoding::Brotli => brotli(plain, if fast { 1 } else { 5 }),
        Encoding::Zstd => zstd::bulk::compress(plain, if fast { 1 } else { 3 }),
    };
    // A compressor reserves as much as it might need, which is more than the plain body has.
    compressed.expect("compressing into memory").into_boxed_slice().into()
}

fn gzip(plain: &[u8], level: u32) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(plain)?;
    encoder.finish()
}

fn brotli(plain: &[u8], quality: u32) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    // The window covers the largest section of a typical venue.
    let mut encoder = ::brotli::CompressorWriter::new(&mut out, 4096, quality, 20);
    encoder.write_all(plain)?;
    drop(encoder);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn the_clients_preference_decides_and_ties_go_to_the_smaller_body() {
        let cases = [
            ("", Encoding::Identity),
            ("gzip", Encoding::Gzip),
            ("X-GZip", Encoding::Gzip),
            ("gzip, deflate, br", Encoding::Brotli),
            ("gzip, br, zstd", Encoding::Zstd),
            ("zstd, br, gzip", Encoding::Zstd),
            ("gzip;q=1.0, br;q=0.5", Encoding::Gzip),
            ("gzip ; Q = 0.9 , br;q=0.5", Encoding::Gzip),
            ("gzip;level=9;q=0.5, br;q=0.6", Encoding::Brotli),
            ("br;q=0", Encoding::Identity),
            ("gzip; Q=0", Encoding::Identity),
            ("gzip;q=0.000", Encoding::Identity),
            ("identity, br;q=0, gzip;q=0", Encoding::Identity),
            ("identity, br;q=0.9, gzip;q=0.5", Encoding::Identity),
            ("identity;q=0.5, gzip;q=0.5", Encoding::Gzip),
            ("identity;q=0", Encoding::Identity),
            ("identity;q=0, gzip;q=0.1", Encoding::Gzip),
            ("*", Encoding::Zstd),
            ("zstd;q=0, *", Encoding::Brotli),
            ("*, br;q=0, zstd;q=0", Encoding::Gzip),
            ("*, br;q=0, zstd;q=0, gzip;q=0", Encoding::Identity),
            ("gzip, *;q=0", Encoding::Gzip),
            ("gzip, *;q=0.5", Encoding::Gzip),
            ("gzip;q=0.5, *", Encoding::Zstd),
            ("*;q=0", Encoding::Identity),
            ("deflate", Encoding::Identity),
            ("gzip;q=much, br;q=-1, zstd;q=nan", Encoding::Identity),
        ];
        for (header, expected) in cases {
            assert_eq!(Encoding::negotiate([header].into_iter()), expected, "{header:?}");
        }
        assert_eq!(Encoding::negotiate(["gzip", "br"].into_iter()), Encoding::Brotli);
        assert_eq!(Encoding::negotiate(std::iter::empty()), Encoding::Identity);
    }

    #[test]
    fn a_body_weighs_what_it_takes_with_its_encodings() {
        assert_eq!(CachedBody::new(1, vec![b'x'; 1_000]).weight(), 1_250);
    }

    #[test]
    fn only_a_large_body_is_compressed_in_haste() {
        // Words in no order, so that the levels differ.
        let word = |n: usize| format!("{:x} ", n.wrapping_mul(2_654_435_761) % 4_099);
        let text = |bytes: usize| Bytes::from((0..).map(word).flat_map(String::into_bytes).take(bytes).collect::<Vec<_>>());
        let (small, large) = (text(LARGE_BYTES), text(LARGE_BYTES + 1));
        for (plain, gzip_level, brotli_quality, zstd_level) in [(&small, 6, 5, 3), (&large, 1, 1, 1)] {
            assert_eq!(compress(plain, Encoding::Gzip), gzip(plain, gzip_level).unwrap());
            assert_eq!(compress(plain, Encoding::Brotli), brotli(plain, brotli_quality).unwrap());
            assert_eq!(compress(plain, Encoding::Zstd), zstd::bulk::compress(plain, zstd_level).unwrap());
        }
        assert_ne!(gzip(&small, 1).unwrap(), gzip(&small, 6).unwrap(), "the levels do differ");
    }

    #[test]
    fn a_compressed_body_reserves_no_memory_that_it_does_not_need() {
        let plain = Bytes::from(vec![b'x'; 100_000]);
        for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
            let compressed = compress(&plain, encoding);
            let bytes = compressed.len();
            let reserved = compressed.try_into_mut().expect("nobody shares it").capacity();
            assert!(reserved <= bytes && bytes < 1000, "{bytes} bytes as {encoding:?} have reserved {reserved}");
        }
    }

    #[tokio::test]
    async fn every_encoding_carries_the_same_body() {
        let text = "seats and seats and seats ".repeat(1000);
        let body = CachedBody::new(7, text.clone());
        let mut gunzipped = String::new();
        flate2::read::GzDecoder::new(body.encoded(Encoding::Gzip).await.as_ref()).read_to_string(&mut gunzipped).unwrap();
        let mut unbrotlied = String::new();
        ::brotli::Decompressor::new(body.encoded(Encoding::Brotli).await.as_ref(), 4096).read_to_string(&mut unbrotlied).unwrap();
        let unzstded = zstd::bulk::decompress(&body.encoded(Encoding::Zstd).await, text.len()).unwrap();
        assert_eq!((gunzipped.as_str(), unbrotlied.as_str()), (text.as_str(), text.as_str()));
        assert_eq!(unzstded, text.as_bytes());
        assert_eq!(body.encoded(Encoding::Identity).await, text.as_bytes());
        assert_eq!(body.etag, "W/\"7\"");
    }
}
