//! The PEM file with the public keys for customers' tokens: one or more keys, and nothing else.

use std::ops::RangeInclusive;

use anyhow::{Context, bail, ensure};
use jsonwebtoken::{Algorithm, DecodingKey};

/// RFC 7518, 3.3, wants no shorter key, and the library that verifies the signatures takes no longer one.
const RSA_BITS: RangeInclusive<usize> = 2048..=4096;

/// The keys in a PEM file. The kind of key decides the algorithm, never the header of a token.
///
/// # Errors
/// When the file contains no public key, or anything besides public keys: nothing in it is silently ignored.
pub(super) fn read(file: &[u8]) -> anyhow::Result<Vec<(DecodingKey, Algorithm)>> {
    let text = std::str::from_utf8(file).ok().context("it is not a PEM file: convert it with `openssl pkey -pubin -inform DER`")?;
    // Some editors put a byte order mark at the beginning.
    let blocks = blocks(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    if blocks.is_empty() {
        bail!("it contains no public key: it has no line -----BEGIN PUBLIC KEY-----");
    }
    blocks.iter().enumerate().map(|(index, block)| key(block).with_context(|| format!("block {} cannot be used", index + 1))).collect()
}

/// The text from a line `-----BEGIN label-----` to its end, including both lines.
struct Block<'a> {
    label: &'a str,
    text: &'a str,
}

/// The blocks of a file. Other lines are explanations (RFC 7468, section 2), unless they look like the start or end of a block.
fn blocks(text: &str) -> anyhow::Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let label = |begin: &str| line.trim().strip_prefix(begin)?.strip_suffix("-----");
        if let Some(label) = label("-----BEGIN ")
            && open.is_none()
        {
            open = Some((label, offset));
        } else if let Some(label) = label("-----END ")
            && let Some((_, start)) = open.take_if(|(begun, _)| *begun == label)
        {
            blocks.push(Block { label, text: &text[start..offset + line.len()] });
        } else if line.contains("-----") {
            bail!("line {} is out of place: each -----BEGIN …----- needs one -----END …----- of the same name", index + 1);
        }
        offset += line.len();
    }
    if let Some((label, _)) = open {
        bail!("-----BEGIN {label}----- has no end");
    }
    Ok(blocks)
}

fn key(block: &Block<'_>) -> anyhow::Result<(DecodingKey, Algorithm)> {
    let pem = block.text.as_bytes();
    match block.label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            if let Ok(key) = DecodingKey::from_ed_pem(pem) {
                return Ok((key, Algorithm::EdDSA));
            }
            if let Ok(key) = DecodingKey::from_rsa_pem(pem)
                && let Some(bits) = key.try_get_as_bytes().ok().and_then(modulus_bits)
            {
                ensure!(
                    RSA_BITS.contains(&bits),
                    "it is an RSA key of {bits} bits; RS256 tokens need one of {} to {} bits: let their issuer make a new pair of keys",
                    RSA_BITS.start(),
                    RSA_BITS.end()
                );
                return Ok((key, Algorithm::RS256));
            }
            bail!("it is neither an RSA nor an Ed25519 public key, or it is damaged");
        }
        // The decoder would read the parts of a private key as a public key, which would then verify nothing.
        label if label.ends_with("PRIVATE KEY") => {
            bail!("it is a private key, which must stay with the issuer of the tokens: `openssl pkey -pubout` prints its public key");
        }
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            bail!("it is a certificate: `openssl x509 -noout -pubkey` prints its public key");
        }
        label => bail!("it is a {label}, not a public key"),
    }
}

/// The length of an RSA public key in DER (RFC 8017, A.1.1): that of the first of the two integers in its sequence.
fn modulus_bits(der: &[u8]) -> Option<usize> {
    let modulus = contents(contents(der, 0x30)?, 0x02)?;
    let significant = modulus.iter().position(|byte| *byte != 0).map(|leading| &modulus[leading..])?;
    Some(significant.len() * 8 - significant[0].leading_zeros() as usize)
}

/// What is in the element of this tag at the beginning of some DER.
fn contents(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (&length, rest) = der.strip_prefix(&[tag])?.split_first()?;
    if length < 0x80 {
        return rest.get(..usize::from(length));
    }
    let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    rest.get(..length.iter().try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = include_str!("../../tests/it/keys/ed25519_public.pem");
    const RSA: &str = include_str!("../../tests/it/keys/rsa_public.pem");
    const RSA_1024: &str = include_str!("../../tests/it/keys/rsa_1024_public.pem");
    const RSA_1024_PKCS1: &str = include_str!("../../tests/it/keys/rsa_1024_pkcs1_public.pem");
    const RSA_8192: &str = include_str!("../../tests/it/keys/rsa_8192_public.pem");
    const RSA_PRIVATE: &str = include_str!("../../tests/it/keys/rsa_private.pem");

    fn algorithms(file: &str) -> Vec<Algorithm> {
        read(file.as_bytes()).unwrap().into_iter().map(|(_, algorithm)| algorithm).collect()
    }

    fn error(file: &[u8]) -> String {
        format!("{:#}", read(file).expect_err("refused"))
    }

    #[test]
    fn every_key_in_the_file_is_read() {
        assert_eq!(algorithms(ED25519), [Algorithm::EdDSA]);
        assert_eq!(
            algorithms(&format!("# the old one\n{RSA}\n# the new one\n{ED25519}{RSA}")),
            [Algorithm::RS256, Algorithm::EdDSA, Algorithm::RS256]
        );
        assert_eq!(algorithms(&RSA.replace('\n', "\r\n")), [Algorithm::RS256]);
        assert_eq!(algorithms(RSA.trim_end()), [Algorithm::RS256]);
        assert_eq!(algorithms(&format!("\u{feff}{RSA}")), [Algorithm::RS256], "with a byte order mark");
    }

    #[test]
    fn what_is_no_public_key_is_refused_and_never_skipped() {
        assert!(error(b"").contains("contains no public key"));
        assert!(error(b"\x30\x82\xff").contains("not a PEM file"));
        for file in [RSA_PRIVATE.to_owned(), format!("{RSA}{RSA_PRIVATE}"), RSA_PRIVATE.replace("PRIVATE", "RSA PRIVATE")] {
            let error = error(file.as_bytes());
            assert!(error.contains("private key") && error.contains("openssl pkey -pubout"), "{error}");
        }
        let certificate = RSA.replace("PUBLIC KEY", "CERTIFICATE");
        assert!(error(format!("{ED25519}{certificate}").as_bytes()).contains("block 2 cannot be used: it is a certificate"));
        assert!(error(RSA.replace("PUBLIC KEY", "X509 CRL").as_bytes()).contains("it is a X509 CRL, not a public key"));
        assert!(error(RSA.replace("MII", "AAA").as_bytes()).contains("neither an RSA nor an Ed25519"));
    }

    #[test]
    fn an_rsa_key_that_is_too_short_or_too_long_is_refused_by_its_length() {
        for (file, bits) in [(RSA_1024, 1024), (RSA_1024_PKCS1, 1024), (RSA_8192, 8192)] {
            let error = error(file.as_bytes());
            assert!(error.contains(&format!("block 1 cannot be used: it is an RSA key of {bits} bits; RS256 tokens need")), "{error}");
        }
        assert_eq!(modulus_bits(&[0x30, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x03]), Some(3));
        for damaged in [&[][..], &[0x30], &[0x30, 0x83, 1], &[0x30, 0x02, 0x02, 0x05], &[0x30, 0x03, 0x02, 0x01, 0x00], &[0x31, 0x00]] {
            assert_eq!(modulus_bits(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn blocks_that_do_not_end_or_begin_are_refused() {
        let open = RSA.replace("-----END PUBLIC KEY-----", "");
        assert!(error(open.as_bytes()).contains("has no end"));
        assert!(error(format!("{open}{ED25519}").as_bytes()).contains("is out of place"));
        assert!(error(RSA.replace("END PUBLIC", "END PRIVATE").as_bytes()).contains("is out of place"));
        assert!(error(RSA.replace("-----BEGIN PUBLIC KEY-----", "").as_bytes()).contains("is out of place"));
        assert!(error(format!("{RSA}----- BEGIN PUBLIC KEY -----\n").as_bytes()).contains("is out of place"));
    }
}
