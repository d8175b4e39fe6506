//! TLS, set up once for all clients of a worker: loading the system's roots takes milliseconds.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::HttpSetupError;
use crate::scenario::{Connections, Keep};

/// What every connection negotiates. Where nothing is asked with TLS, no roots are loaded.
pub(super) fn config(how: &Connections, needed: bool) -> Result<ClientConfig, HttpSetupError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let failed = |error: rustls::Error| HttpSetupError::Client(format!("TLS: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let builder = if needed {
        let roots = how.ca.as_ref().map(|file| certificates(&file.pem)).transpose()?;
        let verifier = Verifier::new_with_extra_roots(roots.unwrap_or_default(), provider);
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier.map_err(failed)?))
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut config = match &how.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = certificates(&identity.certificate.pem)?;
            let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
                .map_err(|_| HttpSetupError::Client("the client key cannot be read".into()))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                HttpSetupError::Client(format!(
                    "the client certificate and its key do not go together: {error}"
                ))
            })?
        }
    };
    config.alpn_protocols = vec![if how.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    if how.keep == Keep::PerRequest {
        // Whoever opens one connection and no other has no session to resume.
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

/// The same for another user, who has not been there before.
pub(super) fn afresh(config: &ClientConfig) -> ClientConfig {
    let mut config = config.clone();
    config.resumption = Resumption::default();
    config
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, HttpSetupError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| HttpSetupError::Client(format!("a certificate cannot be read: {error}")))
}
