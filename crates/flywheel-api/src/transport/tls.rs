//! Trusted roots: the platform's, and those of a PEM bundle besides.

use crate::{Error, ErrorKind};
use reqwest::ClientBuilder;

/// Sets up TLS with the platform's roots and those in the PEM texts `bundles`.
#[cfg(feature = "rustls")]
pub(super) fn configure(builder: ClientBuilder, bundles: &[Vec<u8>]) -> Result<ClientBuilder, Error> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = Vec::new();
    for bundle in bundles {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(bundle) {
            roots.push(certificate.map_err(|error| not_a_bundle(&error.to_string()))?);
        }
        if roots.len() == before {
            return Err(not_a_bundle("it holds no certificate"));
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let verifier = lazy::Verifier::new(provider.clone(), roots)?;
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(std::sync::Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(builder.tls_backend_preconfigured(config))
}

/// Sets up TLS with the platform's library and its roots, and those in the PEM texts `bundles`.
#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
pub(super) fn configure(builder: ClientBuilder, bundles: &[Vec<u8>]) -> Result<ClientBuilder, Error> {
    let mut roots = Vec::new();
    for bundle in bundles {
        let found = reqwest::Certificate::from_pem_bundle(bundle)
            .map_err(|error| not_a_bundle(&error.to_string()))?;
        if found.is_empty() {
            return Err(not_a_bundle("it holds no certificate"));
        }
        roots.extend(found);
    }
    Ok(builder.tls_backend_native().tls_certs_merge(roots))
}

/// Without TLS only `http` addresses can be reached, and a bundle has no use.
#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
pub(super) fn configure(builder: ClientBuilder, bundles: &[Vec<u8>]) -> Result<ClientBuilder, Error> {
    if bundles.is_empty() { Ok(builder) } else { Err(not_a_bundle("this build has no TLS")) }
}

fn not_a_bundle(why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the certificate bundle cannot be used: {why}"))
        .with_hint("FW_SSL_CERT_FILE names a file of PEM certificates (-----BEGIN CERTIFICATE-----).")
}

#[cfg(feature = "rustls")]
mod lazy {
    //! A verifier that reads the platform's roots at the first handshake: a client that only talks `http` to
    //! a local site never pays for them, and a machine without roots still reaches it.

    use crate::{Error, ErrorKind};
    use rustls::{
        DigitallySignedStruct, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    };
    use std::sync::{Arc, OnceLock};

    #[derive(Debug)]
    pub(super) struct Verifier {
        provider: Arc<CryptoProvider>,
        extra: Vec<CertificateDer<'static>>,
        platform: OnceLock<Result<rustls_platform_verifier::Verifier, rustls::Error>>,
    }

    impl Verifier {
        pub(super) fn new(
            provider: Arc<CryptoProvider>,
            extra: Vec<CertificateDer<'static>>,
        ) -> Result<Self, Error> {
            let mut check = rustls::RootCertStore::empty();
            for certificate in &extra {
                check.add(certificate.clone()).map_err(|error| {
                    Error::new(
                        ErrorKind::Config,
                        format!("a certificate of the bundle cannot be used: {error}"),
                    )
                })?;
            }
            Ok(Self { provider, extra, platform: OnceLock::new() })
        }

        fn platform(&self) -> Result<&rustls_platform_verifier::Verifier, rustls::Error> {
            let made = self.platform.get_or_init(|| {
                rustls_platform_verifier::Verifier::new_with_extra_roots(
                    self.extra.clone(),
                    self.provider.clone(),
                )
            });
            made.as_ref().map_err(Clone::clone)
        }
    }

    impl ServerCertVerifier for Verifier {
        fn verify_server_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            server_name: &ServerName<'_>,
            ocsp_response: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            self.platform()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            let known = &self.provider.signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signature, known)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            let known = &self.provider.signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, known)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_bundle_without_certificates_is_refused_with_the_variable_to_mend() {
        for bundle in [
            &b"not a certificate"[..],
            b"",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let error = configure(ClientBuilder::new(), &[bundle.to_vec()]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }
}
