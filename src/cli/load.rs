//! Loading the documents of SOURCE arguments.

use std::io;

use super::args::{NetworkArgs, Source};
use super::env;
use crate::http::{Client, ClientSettings, Proxies, Rules};
use crate::location::ArtifactUrl;
use crate::probe::Prober;
use crate::stream::{SourceError, SourceErrors, Sources};

/// The default of `--concurrency`.
const CONCURRENCY: usize = 256;

/// Reads every source. The error has a line for each problem.
pub(super) async fn load(sources: &[Source], prober: &Prober) -> Result<Sources, String> {
    let mut loaded = Sources::default();
    let mut problems = SourceErrors::default();
    for source in sources {
        let read = match source {
            Source::Url(url) => match prober.document(url).await {
                Ok(bytes) => from_reader(url.as_str(), bytes.as_slice()),
                Err(error) => Err(SourceError::Other(error.to_string()).into()),
            },
            Source::Stdin => off_thread(|| from_reader("-", io::stdin().lock())).await,
            Source::Path(path) => {
                let path = path.clone();
                off_thread(move || {
                    let mut sources = Sources::default();
                    sources.add_path(&path)?;
                    Ok(sources)
                })
                .await
            }
        };
        match read {
            Ok(sources) => loaded.append(sources),
            Err(errors) => problems.append(errors),
        }
    }
    if problems.is_empty() { Ok(loaded) } else { Err(problems.to_string()) }
}

fn from_reader(name: &str, reader: impl io::Read) -> Result<Sources, SourceErrors> {
    let mut sources = Sources::default();
    sources.add_reader(name, reader)?;
    Ok(sources)
}

/// Reads on a blocking thread, to keep handling signals: a terminal or pipe may block forever.
async fn off_thread(
    read: impl FnOnce() -> Result<Sources, SourceErrors> + Send + 'static,
) -> Result<Sources, SourceErrors> {
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(SourceError::Other(format!("reading a document failed: {error}")).into()))
}

/// Reads every source, for commands that otherwise need no network.
pub(super) fn load_blocking(sources: &[Source], network: &NetworkArgs) -> Result<Sources, String> {
    blocking(async {
        let prober = Prober::new(Client::new(client_settings(network, Rules::default())?));
        load(sources, &prober).await
    })
}

pub(super) fn fetch_blocking(url: &ArtifactUrl, network: &NetworkArgs) -> Result<Vec<u8>, String> {
    blocking(async {
        let prober = Prober::new(Client::new(client_settings(network, Rules::default())?));
        prober.document(url).await.map_err(|error| error.to_string())
    })
}

fn blocking<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("cannot set up the network: {error}"))?.block_on(work)
}

/// The client's settings from the command line and the environment, in addition to `rules`. Fails for an unusable
/// proxy.
pub(super) fn client_settings(network: &NetworkArgs, mut rules: Rules) -> Result<ClientSettings, String> {
    rules.allowed.extend(network.allow_host.iter().cloned());
    rules.private_addresses |= network.allow_private_addresses;
    Ok(ClientSettings {
        rules,
        proxies: Proxies::read(env::lossy).map_err(|error| error.to_string())?,
        extra_roots: network.extra_roots(),
        concurrency: network.concurrency.unwrap_or(CONCURRENCY),
        retries: network.retries,
        retry_for: network.retry_for,
        timeout: network.timeout,
    })
}
