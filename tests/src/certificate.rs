//! A certificate made for one test, for `localhost` and 127.0.0.1.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

/// A self-signed certificate and its key.
#[derive(Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
    pub chain_pem: String,
    pub key_pem: String,
}

impl Certificate {
    pub fn for_localhost() -> Self {
        Self::for_names(&["localhost", "127.0.0.1"])
    }

    pub fn for_names(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        Self {
            der: made.cert.der().clone(),
            chain_pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
        }
    }

    /// A client configuration that trusts this certificate only.
    pub fn client_config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("TLS versions");
        builder.with_root_certificates(roots).with_no_client_auth()
    }
}
