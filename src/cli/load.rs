//! From SOURCE arguments to documents.

use std::io;

use super::args::Source;
use crate::probe::Prober;
use crate::stream::Sources;

/// Reads every source. All that is wrong is in the error, one line each.
pub(super) async fn load(sources: &[Source], prober: &Prober) -> Result<Sources, String> {
    let mut loaded = Sources::default();
    let mut problems: Vec<String> = Vec::new();
    for source in sources {
        match source {
            Source::Path(path) => {
                if let Err(errors) = loaded.add_path(path) {
                    problems.extend(errors.iter().map(ToString::to_string));
                }
            }
            Source::Stdin => {
                if let Err(error) = loaded.add_reader("-", io::stdin().lock()) {
                    problems.push(error.to_string());
                }
            }
            Source::Url(url) => match prober.document(url).await {
                Ok(bytes) => {
                    if let Err(error) = loaded.add_reader(url.as_str(), bytes.as_slice()) {
                        problems.push(error.to_string());
                    }
                }
                Err(error) => problems.push(error.to_string()),
            },
        }
    }
    if problems.is_empty() { Ok(loaded) } else { Err(problems.join("\n")) }
}
