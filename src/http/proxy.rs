//! The proxy variables of the environment, read as curl and Go do.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use data_encoding::BASE64;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::{Position, Url};

/// Which requests go through which proxy.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// A proxy's URL. Its password, if it has one, is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy(Url);

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A proxy variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {why}")]
pub struct ProxyError {
    variable: &'static str,
    why: String,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    Every,
    Domain(String),
    Below(String),
    /// The addresses that share this many leading bits with this one.
    Network(IpAddr, u8),
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the same in lower case. A proxy that
    /// cannot be used is an error, so that no request bypasses it.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let either = |name: &'static str| {
            let lower = || variable(&name.to_ascii_lowercase()).filter(|value| !value.is_empty());
            variable(name).filter(|value| !value.is_empty()).or_else(lower)
        };
        let proxy = |name: &'static str| {
            let error = |why: String| ProxyError { variable: name, why };
            either(name).map(|value| value.parse().map_err(error)).transpose()
        };
        // A web server passes a request's Proxy header to its CGI programs as HTTP_PROXY (httpoxy).
        let http = if variable("REQUEST_METHOD").is_some() { None } else { proxy("HTTP_PROXY")? };
        let (https, all) = (proxy("HTTPS_PROXY")?, proxy("ALL_PROXY")?);
        let exceptions = either("NO_PROXY").unwrap_or_default();
        let exceptions = exceptions.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty());
        Ok(Self {
            http: http.or_else(|| all.clone()),
            https: https.or(all),
            exceptions: exceptions.map(Exception::of).collect(),
        })
    }

    pub(super) fn of(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.exceptions.iter().any(|exception| exception.covers(url)))
    }
}

impl FromStr for Proxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            "expected a URL such as http://HOST:PORT (also https, socks4, socks4a, socks5, socks5h)";
        let text = text.trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        // The value is not shown: it may hold a password.
        let url =
            Url::parse(&text).map_err(|error| format!("the proxy URL is not valid: {error}; {expected}"))?;
        if !matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") {
            return Err(format!("proxies with the scheme {}:// are not supported; {expected}", url.scheme()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(format!("the proxy URL has no host; {expected}"));
        }
        Ok(Self(url))
    }
}

impl Proxy {
    pub(super) fn name(&self) -> &str {
        &self.0[Position::BeforeHost..Position::AfterPort]
    }

    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// The proxy's status for CONNECT. hyper-util reports only that it was not 200.
    pub(super) async fn status_of_connect(&self, url: &Url, timeout: Duration) -> Option<u16> {
        // A user name or password with percent escapes would have to be decoded first.
        if self.0.scheme() != "http" || self.0[..Position::BeforeHost].contains('%') {
            return None;
        }
        let asking = async {
            let address = (self.host().trim_matches(['[', ']']), self.0.port_or_known_default()?);
            let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
            let target = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
            let authorization = match (self.0.username(), self.0.password().unwrap_or_default()) {
                ("", "") => String::new(),
                (user, password) => {
                    let credentials = BASE64.encode(format!("{user}:{password}").as_bytes());
                    format!("Proxy-Authorization: Basic {credentials}\r\n")
                }
            };
            let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.ok()?;
            let status = std::str::from_utf8(&answer).ok()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
            status.parse().ok()
        };
        tokio::time::timeout(timeout, asking).await.ok().flatten()
    }
}

impl Exception {
    fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let (host, port) = match text.rsplit_once(':') {
            // One colon, or one after brackets: more colons are an IPv6 address.
            Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => {
                (host, Some(port))
            }
            _ => (text.as_str(), None),
        };
        Self { hosts: Hosts::of(host), port: port.and_then(|port| port.parse().ok()) }
    }

    fn covers(&self, url: &Url) -> bool {
        self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
            && self.hosts.cover(url.host_str().unwrap_or_default())
    }
}

impl Hosts {
    fn of(text: &str) -> Self {
        if text == "*" {
            return Self::Every;
        }
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        if let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Self::Network(address, bits.parse().unwrap_or(u8::MAX));
        }
        match text.strip_prefix('*').unwrap_or(text).strip_prefix('.') {
            Some(domain) if text.starts_with('*') => Self::Below(domain.to_owned()),
            Some(domain) => Self::Domain(domain.to_owned()),
            None => Self::Domain(text.to_owned()),
        }
    }

    fn cover(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        match self {
            Self::Every => true,
            Self::Domain(domain) => host == domain || is_below(domain),
            Self::Below(domain) => is_below(domain),
            Self::Network(network, bits) => match (network, host.parse()) {
                (IpAddr::V4(network), Ok(IpAddr::V4(host))) => {
                    share_prefix(network.to_bits().into(), host.to_bits().into(), *bits, 32)
                }
                (IpAddr::V6(network), Ok(IpAddr::V6(host))) => {
                    share_prefix(network.to_bits(), host.to_bits(), *bits, 128)
                }
                _ => false,
            },
        }
    }
}

fn share_prefix(one: u128, other: u128, bits: u8, of: u32) -> bool {
    let rest = of.saturating_sub(bits.into());
    one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::read(|name| {
            variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn route(proxies: &Proxies, url: &str) -> String {
        proxies.of(&url.parse().unwrap()).map_or_else(|| "direct".to_owned(), |proxy| proxy.name().to_owned())
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let both =
            proxies(&[("HTTPS_PROXY", "http://s:1"), ("http_proxy", "p:2"), ("ALL_PROXY", "socks5h://a")]);
        let both = both.unwrap();
        assert_eq!((route(&both, "https://h/"), route(&both, "http://h/")), ("s:1".into(), "p:2".into()));
        let all = proxies(&[("all_proxy", "https://a:3"), ("HTTPS_PROXY", "")]).unwrap();
        assert_eq!((route(&all, "https://h/"), route(&all, "http://h/")), ("a:3".into(), "a:3".into()));
        let cgi = proxies(&[("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET")]).unwrap();
        assert_eq!(route(&cgi, "http://h/"), "direct");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_that_names_its_variable_and_no_password() {
        for (value, why) in [
            ("ftp://user:secret@proxy", "scheme ftp://"),
            ("http://user:secret@", "is not valid"),
            ("http://user:secret@proxy:99999", "invalid port"),
            ("http://", "is not valid"),
            ("socks5://", "no host"),
        ] {
            let error = proxies(&[("HTTPS_PROXY", value)]).unwrap_err().to_string();
            assert!(error.starts_with("HTTPS_PROXY: ") && error.contains(why), "{value}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let shown = format!("{:?}", proxies(&[("ALL_PROXY", "http://user:secret@proxy:1")]).unwrap());
        assert!(shown.contains("proxy:1") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn no_proxy_is_a_list_of_hosts_domains_addresses_and_networks() {
        let cases = [
            ("*", "http://any.example/", true),
            ("mirror.example", "http://mirror.example/", true),
            ("mirror.example", "http://a.mirror.example/", true),
            ("mirror.example", "http://notmirror.example/", false),
            (".example", "http://mirror.example/", true),
            (".mirror.example", "http://mirror.example/", true),
            ("*.mirror.example", "http://mirror.example/", false),
            ("*.mirror.example", "http://a.mirror.example/", true),
            ("MIRROR.example", "http://mirror.EXAMPLE/", true),
            ("mirror.example:8080", "http://mirror.example:8080/", true),
            ("mirror.example:8080", "http://mirror.example/", false),
            ("mirror.example:443", "https://mirror.example/", true),
            ("*:80", "http://any.example/", true),
            ("127.0.0.1", "http://127.0.0.1/", true),
            ("127.0.0.1", "http://127.0.0.2/", false),
            ("127.0.0.1:9", "http://127.0.0.1:9/", true),
            ("127.0.0.1:9", "http://127.0.0.1:8/", false),
            ("10.0.0.0/8", "http://10.9.9.9/", true),
            ("10.0.0.0/8", "http://11.0.0.1/", false),
            ("0.0.0.0/0", "http://11.0.0.1/", true),
            ("10.0.0.0/8:80", "http://10.1.1.1/", true),
            ("::1", "http://[::1]/", true),
            ("[::1]:80", "http://[::1]/", true),
            ("[::1]:81", "http://[::1]/", false),
            ("fd00::/8", "http://[fd12::1]/", true),
            ("fd00::/8", "http://[fe80::1]/", false),
            ("a.example, ,b.example c.example", "http://c.example/", true),
            ("", "http://a.example/", false),
        ];
        for (list, url, is_direct) in cases {
            let proxies = proxies(&[("ALL_PROXY", "http://proxy:1"), ("no_proxy", list)]).unwrap();
            assert_eq!(route(&proxies, url) == "direct", is_direct, "{list} {url}");
        }
    }
}
