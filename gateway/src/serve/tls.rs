//! TLS of the listener: certificates from PEM files, picked by the name that the client asks for.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    config::settings::{TlsSettings, TlsVersion},
    proxy::tls::provider,
};

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("http_server_options.certificates: {}: {reason}", file.display())]
pub struct CertificateError {
    file: PathBuf,
    reason: String,
}

/// Makes the acceptor of a TLS listener, for HTTP/2 and HTTP/1.1.
///
/// # Errors
/// When a file cannot be read or is not what it should be.
pub fn acceptor(settings: &TlsSettings) -> Result<TlsAcceptor, CertificateError> {
    let provider = provider();
    let mut by_name = Vec::new();
    for files in &settings.certificates {
        let failed = |file: &PathBuf, reason: String| CertificateError { file: file.clone(), reason };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| failed(&files.certificate, error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|error| failed(&files.key, error.to_string()))?;
        let certified = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|error| failed(&files.certificate, format!("does not go with its key: {error}")))?;
        by_name.push((files.domain.to_ascii_lowercase(), Arc::new(certified)));
    }
    let versions: &[&'static SupportedProtocolVersion] = match settings.oldest {
        TlsVersion::V1_2 => &[&TLS12, &TLS13],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let builder =
        builder.map_err(|error| CertificateError { file: PathBuf::new(), reason: error.to_string() })?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(ByName(by_name)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Certificates by host name; the first one is for all other names.
#[derive(Debug)]
struct ByName(Vec<(String, Arc<CertifiedKey>)>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or("");
        let matches = |(domain, _): &&(String, Arc<CertifiedKey>)| match domain.strip_prefix("*.") {
            Some(parent) => name.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => name.eq_ignore_ascii_case(domain),
        };
        self.0.iter().find(matches).or_else(|| self.0.first()).map(|(_, key)| Arc::clone(key))
    }
}
