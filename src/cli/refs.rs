//! `check --ref`: the documents of the refs of a repository.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::lint::{self, Input, Marketplace, Rule};
use crate::stream::{Document, RefSources, Repository};
use crate::text::path_name;

/// The most refs in a run. A fork of the installer has fifty branches.
const MOST: usize = 500;

/// The refs of a repository whose documents are checked.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Branches")]
pub struct RefArgs {
    /// Git repository for --ref
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub git: PathBuf,

    /// Check the documents of these branches, remote branches and tags instead of a SOURCE: a name, or a pattern
    /// such as 'release-*'; repeatable
    #[arg(long = "ref", value_name = "PATTERN", conflicts_with_all = ["sources", "base", "partition"])]
    pub refs: Vec<String>,

    /// Refs to skip even though --ref matches them; repeatable
    #[arg(long = "exclude-ref", value_name = "PATTERN", requires = "refs")]
    pub excluded: Vec<String>,
}

impl RefArgs {
    /// Whether refs are checked instead of a SOURCE.
    pub(super) fn is_given(&self) -> bool {
        !self.refs.is_empty()
    }

    /// Reads the documents of the refs on a blocking thread, to keep handling signals. The error is a usage error.
    pub(super) async fn read(&self) -> Result<RefSources, String> {
        let args = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let repository = Repository::at(&args.git);
            let refs = repository.refs(&args.refs, &args.excluded).map_err(|error| error.to_string())?;
            if refs.len() > MOST {
                let directory = path_name(&args.git);
                return Err(format!(
                    "{directory}: found {} refs, expected at most {MOST} in a run",
                    refs.len()
                ));
            }
            Ok::<_, String>(RefSources::read(&repository, &refs))
        });
        let read = reading.await.map_err(|error| format!("reading the refs failed: {error}"))??;
        if read.sources.documents.is_empty() {
            let why = read.refs.iter().find_map(|it| it.unreadable.clone());
            return Err(why.unwrap_or_else(|| "no ref has stream metadata".to_owned()));
        }
        Ok(read)
    }
}

/// For each ref, messages about the marketplace images that are older than its builds.
pub(super) fn marketplace_lags(read: &RefSources) -> Vec<Vec<String>> {
    let lags = read.refs.iter().map(|of_ref| {
        let marketplaces: Vec<Marketplace> =
            of_ref.marketplaces.iter().filter_map(|(name, text)| Marketplace::read(name, text)).collect();
        if marketplaces.is_empty() {
            return Vec::new();
        }
        // Marketplace files have paths within the ref, so the documents get them too.
        let documents: Vec<Document> = of_ref
            .documents
            .iter()
            .filter_map(|&at| read.sources.documents.get(at))
            .map(|sourced| {
                let name = sourced.document.name.split_once(':').map_or("", |(_, path)| path).into();
                Document { name, ..sourced.document.clone() }
            })
            .collect();
        let documents: Vec<&Document> = documents.iter().collect();
        let alarms =
            lint::lint(&Input { documents: &documents, marketplaces: &marketplaces, ..Input::default() });
        let lags = alarms.into_iter().filter(|alarm| alarm.rule == Rule::MarketplaceLag);
        lags.map(|alarm| alarm.message).collect()
    });
    lags.collect()
}
