//! Name resolution under the rules.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_global;

/// Resolves the names of one host's connections to addresses that may be requested. The connection uses the
/// result, so a name that changes its address between two look-ups gains nothing.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    pub(super) private_addresses: bool,
    /// The configured proxy's host name, which may have private addresses.
    pub(super) proxy: Option<String>,
    /// The number of failed connections: each new one starts with another address.
    pub(super) failures: Arc<AtomicUsize>,
    pub(super) look_up: LookUp,
}

/// A look-up in progress.
pub(super) type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

pub(super) type LookUp = fn(String) -> Addresses;

/// The system's resolver. The connector sets the port.
pub(super) fn system(host: String) -> Addresses {
    Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.collect()) })
}

/// A name without any address that may be requested.
#[derive(Debug, Clone, thiserror::Error)]
#[error("it resolves to {addresses}, which is not a public address")]
pub(super) struct NotGlobal {
    pub(super) addresses: String,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let any = this.private_addresses || this.proxy.as_deref() == Some(name.as_str());
            let all = (this.look_up)(name.as_str().to_owned()).await?;
            let (mut allowed, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
                all.into_iter().partition(|address| any || is_global(address.ip()));
            if allowed.is_empty() && !refused.is_empty() {
                let addresses: Vec<String> = refused.iter().map(|address| address.ip().to_string()).collect();
                let addresses = crate::text::excerpt(&addresses.join(", "), 120);
                return Err(NotGlobal { addresses }.into());
            }
            let begins_at = this.failures.load(Ordering::Relaxed).checked_rem(allowed.len());
            allowed.rotate_left(begins_at.unwrap_or(0));
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn resolver(private_addresses: bool, look_up: LookUp) -> Resolver {
        Resolver { private_addresses, proxy: None, failures: Arc::default(), look_up }
    }

    async fn resolve(resolver: &Resolver, name: &str) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
        let found = resolver.resolve(name.parse()?).await?;
        Ok(found.map(|address| address.ip().to_string()).collect())
    }

    /// A name that has a public address at first, and only an internal one from then on.
    fn rebinding(_: String) -> Addresses {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let public: SocketAddr = ([1, 1, 1, 1], 0).into();
        let inner: SocketAddr = ([169, 254, 169, 254], 0).into();
        let first = ASKED.fetch_add(1, Ordering::Relaxed) == 0;
        Box::pin(async move { Ok(if first { vec![inner, public] } else { vec![inner] }) })
    }

    #[tokio::test]
    async fn a_name_that_rebinds_is_judged_at_each_look_up_and_never_dialled_unjudged() {
        let resolver = resolver(false, rebinding);
        assert_eq!(resolve(&resolver, "mirror.example").await.ok(), Some(vec!["1.1.1.1".to_owned()]));
        let refused = resolve(&resolver, "mirror.example").await.err();
        assert!(refused.is_some_and(|error| error.is::<NotGlobal>()));
    }

    #[tokio::test]
    async fn only_the_proxys_own_name_may_have_a_private_address() {
        let inner = |_| Box::pin(async { Ok(vec![SocketAddr::from(([10, 0, 0, 1], 0))]) }) as Addresses;
        let resolver = Resolver { proxy: Some("proxy.example".to_owned()), ..resolver(false, inner) };
        assert!(resolve(&resolver, "proxy.example").await.is_ok());
        assert!(resolve(&resolver, "mirror.example").await.is_err());
    }

    #[tokio::test]
    async fn after_a_failure_another_address_comes_first() {
        let three = |_| {
            Box::pin(async { Ok([1, 2, 3].map(|it| SocketAddr::from(([1, 1, 1, it], 0))).to_vec()) })
                as Addresses
        };
        let resolver = resolver(false, three);
        for first in ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.1"] {
            let found = resolve(&resolver, "mirror.example").await.unwrap_or_default();
            assert_eq!((found.len(), found.first().map(String::as_str)), (3, Some(first)));
            resolver.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A name that resolves to this machine once, then to nothing.
    fn once(_: String) -> Addresses {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let here = (ASKED.fetch_add(1, Ordering::Relaxed) == 0).then(|| ([127, 0, 0, 1], 0).into());
        Box::pin(async move { Ok(here.into_iter().collect()) })
    }

    #[tokio::test]
    async fn what_was_judged_is_what_is_dialled() -> Result<(), Box<dyn Error>> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://mirror.example:{}/", listener.local_addr()?.port());
        let client = reqwest::Client::builder().no_proxy().dns_resolver(resolver(true, once));
        let client =
            client.tls_backend_preconfigured(super::super::trust::Trust::default().config()?).build()?;
        // A connection makes one look-up: a second would find nothing.
        let (failed, accepted) = tokio::join!(client.get(&url).send(), async {
            listener.accept().await.map(|(stream, _)| drop(stream))
        });
        accepted?;
        assert!(failed.is_err_and(|error| !error.is_connect()));
        assert!(client.get(&url).send().await.is_err_and(|error| error.is_connect()));
        Ok(())
    }
}
