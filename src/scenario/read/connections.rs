//! The part of `target` that says how it is reached: connections, TLS, proxy, addresses.

use core::net::IpAddr;
use std::path::PathBuf;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::super::checker::{Fields, named};
use super::super::document::{Node, Value};
use super::super::model::{ClientIdentity, Connections, Keep, PemFile, TargetUrl, Via};
use super::super::problem::Problem;
use super::Reading;
use crate::secret::Secret;

const PROXIES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// With whom TLS may be spoken.
#[derive(Clone, Copy)]
struct Spoken<'a> {
    url: Option<&'a TargetUrl>,
    proxy_with_tls: bool,
}

impl Reading<'_> {
    pub(super) fn connections(
        &mut self,
        fields: Fields<'_>,
        url: Option<&TargetUrl>,
    ) -> Option<Connections> {
        let keep = fields
            .get("connections")
            .map_or(Some(Keep::default()), |node| self.checker.choice(node, "target.connections"));
        let http2 = fields.get("http2").map_or(Some(false), |node| self.http2(node, url));
        let proxy = match fields.get("proxy") {
            Some(node) => self.proxy(node).map(Some),
            None => Some(None),
        };
        // A proxy that is spoken to with TLS has a certificate to check, whatever the target.
        let proxy_with_tls = matches!(&proxy, Some(Some(url)) if url.starts_with("https:"));
        let spoken = Spoken { url, proxy_with_tls };
        let ca = match fields.get("ca_file") {
            Some(node) => self.certificates(node, "target.ca_file", spoken).map(Some),
            None => Some(None),
        };
        let identity = self.identity(fields, spoken);
        let resolve = match fields.get("resolve") {
            Some(node) => self.resolve(node, url, fields.get("proxy").is_some()),
            None => Some(Vec::new()),
        };
        let via = match fields.get("transport") {
            Some(node) => self.via(node, http2 == Some(true), fields.get("proxy").is_some()),
            None => Some(Via::Auto),
        };
        let other =
            http2 == Some(true) || fields.get("proxy").is_some() || via == Some(Via::Reqwest);
        let sources = match fields.get("source_addresses") {
            Some(node) => self.sources(node, other),
            None => Some(Vec::new()),
        };
        Some(Connections {
            via: via?,
            sources: sources?,
            keep: keep?,
            http2: http2?,
            proxy: proxy?,
            ca: ca?,
            identity: identity?,
            resolve: resolve?,
        })
    }

    fn http2(&mut self, node: &Node, url: Option<&TargetUrl>) -> Option<bool> {
        let http2 = self.checker.choice(node, "target.http2")?;
        if http2 && url == Some(&TargetUrl::Embedded) {
            let problem = Problem::new("the embedded agent speaks HTTP/1.1 alone")
                .with_help("take `http2` away, or set it to false");
            self.checker.note(&node.place, problem);
            return None;
        }
        Some(http2)
    }

    fn via(&mut self, node: &Node, http2: bool, proxy: bool) -> Option<Via> {
        let via = self.checker.choice(node, "target.transport")?;
        if via == Via::Wire && (http2 || proxy) {
            let what = if http2 { "HTTP/2" } else { "proxies" };
            let problem = Problem::new(format!("the wire transport does not know {what}"))
                .with_help("take `transport` away: reqwest is used where it has to be");
            self.checker.note(&node.place, problem);
            return None;
        }
        Some(via)
    }

    /// Addresses of ours; `other`: not our own transport opens the connections.
    fn sources(&mut self, node: &Node, other: bool) -> Option<Vec<IpAddr>> {
        if other {
            let problem = Problem::new("`target.source_addresses` is for the wire transport alone")
                .with_help("take it away, or `http2`, `proxy` and `transport: reqwest`");
            self.checker.note(node.head(), problem);
            return None;
        }
        let entries = match &node.value {
            Value::List(entries) => entries.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut sources = Vec::new();
        for entry in entries {
            let text = self.checker.text(entry, "target.source_addresses")?;
            let Ok(address) = text.parse() else {
                let problem = Problem::new(format!("`{text}` is not an IP address"))
                    .with_help("write addresses of this machine, as 127.0.0.2 or 10.0.0.5");
                self.checker.note(&entry.place, problem);
                return None;
            };
            sources.push(address);
        }
        Some(sources)
    }

    fn proxy(&mut self, node: &Node) -> Option<String> {
        let text = self.checker.text(node, "target.proxy")?;
        let (message, help) = match url::Url::parse(&text) {
            Ok(url) if !PROXIES.contains(&url.scheme()) => (
                format!("`{}` is no proxy", url.scheme()),
                "write http://host:port, https://, socks5:// or socks5h://",
            ),
            Ok(url) if !matches!(url.path(), "" | "/") || url.query().is_some() => {
                ("`target.proxy` has a path".to_owned(), "a proxy is a host and a port")
            }
            Ok(url) if url.host().is_none() => {
                ("`target.proxy` has no host".to_owned(), "write http://host:port")
            }
            Ok(_) => return Some(text),
            // It may hold a password: do not repeat it.
            Err(error) => {
                (format!("`target.proxy` is not a URL: {error}"), "write http://host:port")
            }
        };
        self.checker.note(&node.place, Problem::new(message).with_help(help));
        None
    }

    /// Notes a setting of TLS where there is none.
    fn wants_tls(&mut self, node: &Node, path: &str, spoken: Spoken<'_>) -> Option<()> {
        let plain = match spoken.url? {
            _ if spoken.proxy_with_tls => return Some(()),
            TargetUrl::Embedded => "the embedded agent is asked without TLS",
            TargetUrl::Remote(url) if url.starts_with("https:") => return Some(()),
            TargetUrl::Remote(_) => "this target is asked without TLS",
        };
        let problem = Problem::new(format!("{plain}: {} would do nothing", named(path)))
            .with_help("take it away, or ask an https:// target");
        self.checker.note(&node.place, problem);
        None
    }

    fn pem(&mut self, node: &Node, path: &str) -> Option<(PathBuf, Vec<u8>)> {
        let from = PathBuf::from(self.checker.text(node, path)?);
        let full = self.base_dir.join(&from);
        match self.world.read(&full) {
            Ok(pem) => Some((from, pem)),
            Err(why) => {
                let problem = Problem::new(format!("{} cannot be read: {why}", full.display()))
                    .with_help("paths count from the folder of the scenario file");
                self.checker.note(&node.place, problem);
                None
            }
        }
    }

    fn certificates(&mut self, node: &Node, path: &str, spoken: Spoken<'_>) -> Option<PemFile> {
        self.wants_tls(node, path, spoken)?;
        let (file, pem) = self.pem(node, path)?;
        let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        if found.is_ok_and(|found| !found.is_empty()) {
            return Some(PemFile { path: file, pem });
        }
        let problem = Problem::new(format!("{} holds no certificate in PEM", file.display()))
            .with_help("it should have a part that starts with -----BEGIN CERTIFICATE-----");
        self.checker.note(&node.place, problem);
        None
    }

    fn identity(
        &mut self,
        fields: Fields<'_>,
        spoken: Spoken<'_>,
    ) -> Option<Option<ClientIdentity>> {
        let (cert, key) = match (fields.get("client_cert"), fields.get("client_key")) {
            (None, None) => return Some(None),
            (Some(cert), Some(key)) => (cert, key),
            (Some(only), None) | (None, Some(only)) => {
                let problem =
                    Problem::new("`target.client_cert` and `target.client_key` go together")
                        .with_help("name both files; they may be the same one");
                self.checker.note(only.head(), problem);
                return None;
            }
        };
        let certificate = self.certificates(cert, "target.client_cert", spoken)?;
        let (path, pem) = self.pem(key, "target.client_key")?;
        let text = String::from_utf8(pem).ok();
        let Some(text) = text.filter(|one| PrivateKeyDer::from_pem_slice(one.as_bytes()).is_ok())
        else {
            let problem = Problem::new(format!("{} holds no private key in PEM", path.display()))
                .with_help("an encrypted key cannot be used: decrypt it first");
            self.checker.note(&key.place, problem);
            return None;
        };
        Some(Some(ClientIdentity { certificate, key_path: path, key: Secret::new(text) }))
    }

    /// The addresses of the target's host.
    fn resolve(
        &mut self,
        node: &Node,
        url: Option<&TargetUrl>,
        behind_proxy: bool,
    ) -> Option<Vec<IpAddr>> {
        let entries = match &node.value {
            Value::List(entries) => entries.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if behind_proxy {
            let problem = Problem::new("`target.resolve` would do nothing behind a proxy")
                .with_help("the proxy resolves names; take one of the two away");
            self.checker.note(node.head(), problem);
            return None;
        }
        let mut addresses = Vec::new();
        for entry in entries {
            let text = self.checker.text(entry, "target.resolve")?;
            let (host, address) = match name_and_address(&text) {
                Some(parts) => parts,
                None => {
                    let problem = Problem::new(format!("`{text}` is not `host:port:address`"))
                        .with_help("write it as curl does: api.example.com:443:127.0.0.1");
                    self.checker.note(&entry.place, problem);
                    return None;
                }
            };
            if host != authority(url?) {
                let problem = Problem::new(format!(
                    "`target.resolve` is about `{host}`, and nothing else than `{}` is asked",
                    authority(url?)
                ))
                .with_help("name the host and the port of `target.url`");
                self.checker.note(&entry.place, problem);
                return None;
            }
            addresses.push(address);
        }
        Some(addresses)
    }
}

/// `host:port:address` as `host:port` and the address; one of IPv6 may stand in brackets.
fn name_and_address(text: &str) -> Option<(String, IpAddr)> {
    let (host, rest) = text.split_once(':')?;
    let (port, address) = rest.split_once(':')?;
    let port: u16 = port.parse().ok()?;
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(address).parse().ok()?;
    (!host.is_empty()).then(|| (format!("{}:{port}", host.to_ascii_lowercase()), address))
}

/// The host and the port that are connected to.
fn authority(url: &TargetUrl) -> String {
    let TargetUrl::Remote(text) = url else { return "embedded".into() };
    let Ok(url) = url::Url::parse(text) else { return text.clone() };
    let port = url.port_or_known_default().unwrap_or(0);
    format!("{}:{port}", url.host_str().unwrap_or(""))
}
