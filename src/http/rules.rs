//! Where requests may go. The pull request chooses the URLs; these rules decide which of them are requested.

use std::str::FromStr;

use url::{Host, Url};

use super::address::is_global;
use crate::location::{ArtifactUrl, BadLocation, CloudHost, HostKind};
use crate::text::Printable;

/// The most redirects that one request follows.
pub const MAX_REDIRECTS: u32 = 5;

#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Hosts that may be requested besides the published ones.
    pub allowed: Vec<AllowedHost>,
    /// Whether hosts may have loopback, private and link-local addresses.
    pub private_addresses: bool,
    /// Whether a location on a bridge server may be requested: yes if the run is told to look there, no if it
    /// checks whether the document's own locations are published.
    pub bridges: bool,
}

/// A host of `--allow-host`, on any port or on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    host: String,
    port: Option<u16>,
}

/// Text that is not a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST or HOST:PORT, such as mirror.example.com")]
pub struct AllowedHostError;

impl FromStr for AllowedHost {
    type Err = AllowedHostError;

    fn from_str(text: &str) -> Result<Self, AllowedHostError> {
        let url = Url::parse(&format!("http://{text}/")).map_err(|_| AllowedHostError)?;
        let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !plain || text.contains(['/', '@', '\\']) {
            return Err(AllowedHostError);
        }
        let host = url.host_str().ok_or(AllowedHostError)?.to_owned();
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Ok(Self { host, port })
    }
}

impl AllowedHost {
    /// The host and port of a URL, such as an override's prefix.
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self { host: url.host_str()?.to_owned(), port: url.port_or_known_default() })
    }

    fn matches(&self, url: &Url) -> bool {
        url.host_str() == Some(self.host.as_str())
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

/// Why a URL is not requested, or a redirect not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the location cannot be requested as it stands: {0}")]
    BadLocation(#[from] BadLocation),
    #[error("{host} is an internal bridge server, not a published host; a location there must not merge")]
    Bridge { host: String },
    #[error("{host} is not one of the hosts that may be requested")]
    Host { host: String },
    #[error("a redirect leads to {target}, {why}")]
    Redirect { target: String, why: &'static str },
    #[error("{host} resolves to {addresses}, which is not a public address")]
    Address { host: String, addresses: String },
}

impl Rules {
    /// Whether a document's location may be requested.
    pub fn admit(&self, location: &ArtifactUrl) -> Result<(), Refusal> {
        let url = location.url();
        let kind = HostKind::of(location.host());
        if kind == HostKind::Bridge && !self.bridges {
            return Err(Refusal::Bridge { host: host_and_port(url) });
        }
        if !(self.is_allowed(url) || kind == HostKind::Published && url.port().is_none()) {
            return Err(Refusal::Host { host: host_and_port(url) });
        }
        self.admit_address(url)
    }

    /// Whether a cloud reference of this kind may be requested.
    pub fn admit_cloud(&self, kind: CloudHost, location: &ArtifactUrl) -> Result<(), Refusal> {
        let url = location.url();
        if !(self.is_allowed(url)
            || kind.is(location.host()) && url.scheme() == "https" && url.port().is_none())
        {
            return Err(Refusal::Host { host: host_and_port(url) });
        }
        self.admit_address(url)
    }

    /// The target of a redirect from `from`, if it may be followed.
    pub(super) fn admit_redirect(&self, from: &Url, location: &str) -> Result<Url, Refusal> {
        let refuse = |target: &str, why| Refusal::Redirect { target: crate::text::excerpt(target, 300), why };
        let Ok(mut target) = from.join(location) else {
            return Err(refuse(location, "which is not a URL"));
        };
        target.set_fragment(None);
        let why = if !matches!(target.scheme(), "http" | "https") {
            Some("which is neither http nor https")
        } else if from.scheme() == "https" && target.scheme() == "http" {
            Some("which downgrades https to http")
        } else if !target.username().is_empty() || target.password().is_some() {
            Some("which carries a user name or password")
        } else if !self.is_allowed(&target) && (is_on_cloud_host(from) || !is_known_target(&target)) {
            Some("which is not one of the hosts that may be requested")
        } else {
            None
        };
        match why {
            Some(why) => {
                // The refusal shows no passwords and no signed queries.
                let _ = target.set_username("").and_then(|()| target.set_password(None));
                target.set_query(None);
                Err(refuse(target.as_str(), why))
            }
            None => self.admit_address(&target).map(|()| target),
        }
    }

    fn is_allowed(&self, url: &Url) -> bool {
        self.allowed.iter().any(|allowed| allowed.matches(url))
    }

    /// Checks a host that is written as an address. Names are checked when they are resolved.
    fn admit_address(&self, url: &Url) -> Result<(), Refusal> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            _ => return Ok(()),
        };
        if self.private_addresses || is_global(address) {
            return Ok(());
        }
        Err(Refusal::Address { host: host_and_port(url), addresses: address.to_string() })
    }
}

fn is_known_target(url: &Url) -> bool {
    let kind = HostKind::of(url.host_str().unwrap_or_default());
    matches!(kind, HostKind::Published | HostKind::RedirectTarget) && url.port().is_none()
}

/// Whether a URL is on a cloud's host, from which redirects lead to allowed hosts only.
fn is_on_cloud_host(url: &Url) -> bool {
    CloudHost::ALL.iter().any(|kind| kind.is(url.host_str().unwrap_or_default()))
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = Printable(host);
    url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allowed: &[&str]) -> Rules {
        let allowed = allowed.iter().map(|host| host.parse().unwrap()).collect();
        Rules { allowed, ..Rules::default() }
    }

    #[test]
    fn a_location_may_be_on_a_published_or_an_allowed_host() {
        let cases = [
            ("https://mirror.openshift.com/f", "ok"),
            ("http://rhcos.mirror.openshift.com/f", "ok"),
            ("https://mirror.openshift.com:8443/f", "mirror.openshift.com:8443 is not one of the hosts"),
            ("https://releases-art-rhcos.svc.ci.openshift.org/f", "internal bridge server"),
            ("https://art-rhcos-ci.s3.amazonaws.com/f", "not one of the hosts"),
            ("https://evil.example/f", "not one of the hosts"),
            ("https://any.example:8443/f", "ok"),
            ("https://one.example:8443/f", "ok"),
            ("https://one.example/f", "not one of the hosts"),
            ("http://169.254.169.254/f", "not one of the hosts"),
            ("http://127.0.0.1/f", "127.0.0.1 resolves to 127.0.0.1, which is not a public address"),
            ("http://[::ffff:10.0.0.1]/f", "not a public address"),
        ];
        let rules = rules(&["any.example", "one.example:8443", "127.0.0.1", "[::ffff:a00:1]"]);
        for (location, says) in cases {
            let location = Url::parse(location).unwrap().try_into().unwrap();
            let said =
                rules.admit(&location).map_or_else(|refusal| refusal.to_string(), |()| "ok".to_owned());
            assert!(said.contains(says), "{location}: {said}");
        }
    }

    #[test]
    fn a_redirect_is_judged_by_the_same_rules() {
        let cases = [
            ("https://art-rhcos-ci.s3.amazonaws.com/x?X-Amz-Signature=1", "ok"),
            ("/elsewhere/f", "ok"),
            ("//mirror.openshift.com/f", "ok"),
            ("https://allowed.example/f", "ok"),
            ("http://mirror.openshift.com/f", "downgrades https"),
            ("ftp://mirror.openshift.com/f", "neither http nor https"),
            ("https://u:secret@mirror.openshift.com/f", "user name or password"),
            ("https://:secret@mirror.openshift.com/f", "user name or password"),
            ("https://u@mirror.openshift.com/f", "user name or password"),
            ("https://mirror.openshift.com:444/f", "not one of the hosts"),
            ("https://releases-art-rhcos.svc.ci.openshift.org/f", "not one of the hosts"),
            ("https://169.254.169.254/latest/meta-data", "not one of the hosts"),
            ("https://127.0.0.1/f", "not a public address"),
            ("https://[", "not a URL"),
        ];
        let from = Url::parse("https://rhcos.mirror.openshift.com/art/f").unwrap();
        for (target, says) in cases {
            let said = rules(&["allowed.example", "127.0.0.1"])
                .admit_redirect(&from, target)
                .map_or_else(|refusal| refusal.to_string(), |_| "ok".to_owned());
            assert!(said.contains(says) && !said.contains("secret"), "{target}: {said}");
        }
    }

    #[test]
    fn a_cloud_redirects_only_to_allowed_hosts() {
        for from in
            ["rhcos.blob.core.windows.net", "s3.au-syd.cloud-object-storage.appdomain.cloud", "quay.io"]
        {
            let from = Url::parse(&format!("https://{from}/f")).unwrap();
            for (target, is_followed) in [
                ("https://mirror.openshift.com/f", false),
                ("https://art-rhcos-ci.s3.amazonaws.com/f", false),
                ("/elsewhere", false),
                ("https://allowed.example/f", true),
            ] {
                let led = rules(&["allowed.example"]).admit_redirect(&from, target);
                assert_eq!(led.is_ok(), is_followed, "{from} {target}");
            }
        }
    }

    #[test]
    fn a_cloud_reference_is_on_a_host_of_its_kind() {
        use CloudHost::{AzureBlob, IbmObject, Registry};
        let cases = [
            (AzureBlob, "https://rhcos.blob.core.windows.net/f", "ok"),
            (IbmObject, "https://s3.au-syd.cloud-object-storage.appdomain.cloud/f", "ok"),
            (Registry, "https://quay.io/f", "ok"),
            (Registry, "http://quay.io/f", "not one of the hosts"),
            (Registry, "https://quay.io:8443/f", "quay.io:8443 is not one of the hosts"),
            (Registry, "https://rhcos.blob.core.windows.net/f", "not one of the hosts"),
            (AzureBlob, "https://quay.io/f", "not one of the hosts"),
            (AzureBlob, "https://mirror.openshift.com/f", "not one of the hosts"),
            (AzureBlob, "http://allowed.example:8443/f", "ok"),
            (AzureBlob, "http://127.0.0.1/f", "not a public address"),
        ];
        let rules = rules(&["allowed.example", "127.0.0.1"]);
        for (kind, location, says) in cases {
            let location = Url::parse(location).unwrap().try_into().unwrap();
            let said = rules.admit_cloud(kind, &location);
            let said = said.map_or_else(|refusal| refusal.to_string(), |()| "ok".to_owned());
            assert!(said.contains(says), "{kind:?} {location}: {said}");
        }
    }

    #[test]
    fn a_private_address_needs_an_option() {
        for (private_addresses, host, is_admitted) in [
            (false, "10.0.0.1", false),
            (true, "10.0.0.1", true),
            (false, "[fd00::1]", false),
            (true, "[fd00::1]", true),
            (false, "1.1.1.1", true),
            (true, "1.1.1.1", true),
        ] {
            let rules = Rules { private_addresses, ..rules(&[host]) };
            let location = Url::parse(&format!("https://{host}/f")).unwrap().try_into().unwrap();
            assert_eq!(rules.admit(&location).is_ok(), is_admitted, "{host} {private_addresses}");
        }
    }

    #[test]
    fn the_host_of_a_url_is_allowed_on_its_port_only() {
        let of = |url: &str| AllowedHost::of(&Url::parse(url).unwrap()).unwrap();
        for (allowed, url, is_allowed) in [
            ("https://h/a", "https://h/b", true),
            ("https://h/a", "https://h:443/b", true),
            ("https://h/a", "https://h:8443/b", false),
            ("https://h/a", "http://h/b", false),
            ("https://h:8443/a", "https://h:8443/b", true),
            ("https://h/a", "https://i/b", false),
        ] {
            assert_eq!(of(allowed).matches(&Url::parse(url).unwrap()), is_allowed, "{allowed} {url}");
        }
    }

    #[test]
    fn an_allowed_host_is_a_host_with_an_optional_port() {
        for valid in ["h", "h.example", "h:80", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:80"] {
            assert!(valid.parse::<AllowedHost>().is_ok(), "{valid}");
        }
        for invalid in [
            "",
            "https://h",
            "h/",
            "h/x",
            "h\\x",
            "u@h",
            "u:p@h",
            ":p@h",
            "@h",
            "h?x",
            "h#x",
            "h:99999",
            "a b",
        ] {
            assert!(invalid.parse::<AllowedHost>().is_err(), "{invalid}");
        }
    }
}
