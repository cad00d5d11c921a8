//! Signatures of bundles, as Tyk makes them: RSA (PKCS #1 v1.5, SHA-256) over all files of a bundle, one after the other.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};
use webpki::{RawPublicKeyEntity, ring::RSA_PKCS1_2048_8192_SHA256 as OF_ANY_KEY};

const PKCS1_BEGIN: &str = "-----BEGIN RSA PUBLIC KEY-----";
const PKCS1_END: &str = "-----END RSA PUBLIC KEY-----";

/// Bits of the smallest modulus that counts; around it a key has some bytes more.
const LEAST_BITS: usize = 2_048;

/// The key that bundles must be signed with.
pub(super) enum PublicKey {
    /// `PUBLIC KEY`.
    Spki(SubjectPublicKeyInfoDer<'static>),
    /// `RSA PUBLIC KEY`: the bare key of PKCS #1.
    Pkcs1(Vec<u8>),
}

/// Why a bundle does not count as signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The key cannot be used.
    #[error("`public_key_path`: {}: {reason}", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is none.
    #[error("its manifest has no `signature`, and `public_key_path` asks for one: sign the bundle")]
    Missing,
    /// It is not base64.
    #[error("the `signature` of its manifest is not base64: {0}")]
    Base64(#[source] base64::DecodeError),
    /// It was made of other files or with another key.
    #[error(
        "the `signature` of its manifest was not made of these files with the key that belongs to the one in \
         `public_key_path`"
    )]
    Wrong,
}

impl PublicKey {
    /// Reads a key in PEM form.
    ///
    /// # Errors
    /// When the file cannot be read, or is not an RSA key of 2,048 to 8,192 bits.
    pub(super) fn read(path: &Path) -> Result<Self, SignatureError> {
        let failed = |reason| SignatureError::Key { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let key = Self::parse(&text).map_err(failed)?;
        // Whether a key is of the right kind shows only when something is checked with it.
        let is_rsa = key.verify(b"", &[]) == Err(webpki::Error::InvalidSignatureForPublicKey);
        if is_rsa && key.der().len() > LEAST_BITS / 8 {
            return Ok(key);
        }
        Err(failed("is not an RSA key of 2,048 to 8,192 bits".to_owned()))
    }

    fn der(&self) -> &[u8] {
        match self {
            Self::Spki(key) => key.as_ref(),
            Self::Pkcs1(key) => key,
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wanted = "expected a public key in PEM form (`openssl rsa -in private.pem -pubout`)";
        if let Some((_, rest)) = text.split_once(PKCS1_BEGIN) {
            let (encoded, _) = rest.split_once(PKCS1_END).ok_or(wanted)?;
            let encoded: String = encoded.split_whitespace().collect();
            let decoded = STANDARD.decode(encoded);
            return decoded.map(Self::Pkcs1).map_err(|error| format!("{wanted}: {error}"));
        }
        let key = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes());
        key.map(Self::Spki).map_err(|error| format!("{wanted}: {error}"))
    }

    /// Whether `signature`, in base64, was made of these bytes.
    ///
    /// # Errors
    /// When it was not.
    pub(super) fn check(&self, signed: &[u8], signature: &str) -> Result<(), SignatureError> {
        if signature.trim().is_empty() {
            return Err(SignatureError::Missing);
        }
        let signature = STANDARD.decode(signature.trim()).map_err(SignatureError::Base64)?;
        self.verify(signed, &signature).map_err(|_| SignatureError::Wrong)
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), webpki::Error> {
        match self {
            Self::Spki(key) => {
                RawPublicKeyEntity::try_from(key)?.verify_signature(OF_ANY_KEY, signed, signature)
            }
            Self::Pkcs1(key) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(signed, signature)
                .map_err(|_| webpki::Error::InvalidSignatureForPublicKey),
        }
    }
}
