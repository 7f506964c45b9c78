//! From SOURCE arguments to documents.

use std::io;

use super::args::{NetworkArgs, Source};
use crate::location::Literal;
use crate::probe::{Client, ClientSettings, Prober, Rules};
use crate::stream::Sources;

/// Reads every source. All that is wrong is in the error, one line each.
pub(super) async fn load(sources: &[Source], prober: &Prober) -> Result<Sources, String> {
    let mut loaded = Sources::default();
    let mut problems: Vec<String> = Vec::new();
    for source in sources {
        match source {
            Source::Url(url) => match prober.document(url).await {
                Ok(bytes) => add(&mut loaded, &mut problems, url.as_str(), bytes.as_slice()),
                Err(error) => problems.push(error.to_string()),
            },
            Source::Stdin => add(&mut loaded, &mut problems, "-", io::stdin().lock()),
            Source::Path(path) => {
                if let Err(errors) = loaded.add_path(path) {
                    problems.extend(errors.iter().map(ToString::to_string));
                }
            }
        }
    }
    if problems.is_empty() { Ok(loaded) } else { Err(problems.join("\n")) }
}

fn add(loaded: &mut Sources, problems: &mut Vec<String>, name: &str, reader: impl io::Read) {
    if let Err(error) = loaded.add_reader(name, reader) {
        problems.push(error.to_string());
    }
}

/// The same for commands that else need no network.
pub(super) fn load_blocking(sources: &[Source], network: &NetworkArgs) -> Result<Sources, String> {
    blocking(async {
        let prober = Prober::new(Client::new(client_settings(network, Rules::default())));
        load(sources, &prober).await
    })
}

/// The bytes at a URL.
pub(super) fn fetch_blocking(url: &Literal, network: &NetworkArgs) -> Result<Vec<u8>, String> {
    blocking(async {
        let prober = Prober::new(Client::new(client_settings(network, Rules::default())));
        prober.document(url).await.map_err(|error| error.to_string())
    })
}

fn blocking<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the network cannot be used: {error}"))?.block_on(work)
}

/// How requests are made, by the command line. `rules` says what else is allowed.
pub(super) fn client_settings(network: &NetworkArgs, mut rules: Rules) -> ClientSettings {
    rules.allowed.extend(network.allow_host.iter().cloned());
    rules.private_addresses |= network.allow_private_addresses;
    ClientSettings {
        rules,
        extra_roots: network.extra_roots(),
        concurrency: network.concurrency,
        retries: network.retries,
        timeout: network.timeout,
    }
}
