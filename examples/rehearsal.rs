//! The gate's day, offline: a boot-image bump is opened before its files are on the mirror, the gate is red; ART
//! mirrors, the gate is green.
//!
//! ```text
//! cargo run --release --example rehearsal [CHECKOUT]
//! ```
//!
//! The mirror is embedded, on loopback, behind the real hosts' names by a proxy of its own. What is run against
//! it is the program itself: this example starts itself again as `art-mirror-validate check`.

#![allow(clippy::print_stdout, reason = "the rehearsal is a play, and standard output its stage")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use art_mirror_validate::cli::{self, Exit};
use art_mirror_validate::location::{
    HostKind, Literal, Mirror as MirrorPlace, PUBLISHED_HOSTS, Prefix, Target,
};
use art_mirror_validate::stream::{Artifact, Sha256, Sources};
use embedded_mirror::{Config, Mirror, Proxy, ProxyConfig, Resource, artifact_content, sha256};

/// Set in the environment of the second self, which is the gate.
const AS_THE_GATE: &str = "REHEARSAL_AS_THE_GATE";

/// ART's public mirror, where the files of a document go that names a bridge.
const PUBLIC_MIRROR: &str = "https://mirror.openshift.com/pub/openshift-v4";

fn main() -> ExitCode {
    use std::process::Termination as _;
    if std::env::var_os(AS_THE_GATE).is_some() {
        return cli::main().report();
    }
    match rehearse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe rehearsal failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rehearse() -> Result<(), Box<dyn Error>> {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/checkout");
    let checkout = std::env::args_os().nth(1).map_or(bundled, PathBuf::from);
    let files = files_of(&checkout)?;
    let stage = Stage::build(&checkout, &files)?;

    // Of every file the gate will ask for, ART has mirrored all but a few, and one of them badly.
    let (absent, corrupt) = (files.len().div_ceil(5), files.len().div_ceil(5));
    let [early, late] = [&files[..], files.get(absent..).unwrap_or_default()];
    stage.mirror(late, late.get(corrupt.min(late.len().saturating_sub(1))).map(|file| &*file.name));
    println!(
        "── Morning. The pull request opens; {absent} of {} files are not on the mirror yet, and one is corrupt.\n",
        files.len()
    );
    stage.expect(Exit::Fail)?;

    println!(
        "\n── Afternoon. ART mirrors what was missing, and the corrupt file again. Somebody comments /retest.\n"
    );
    stage.mirror(early, None);
    stage.expect(Exit::Pass)?;
    println!("\n── The gate was red, and is green. Prow may merge.");
    Ok(())
}

/// One file that the gate will ask for.
struct File {
    place: Literal,
    name: String,
    sha256: Sha256,
    size: u64,
}

/// Where the gate will look for the files of a checkout: where its documents say, or, if they name a bridge,
/// on the public mirror.
fn files_of(checkout: &Path) -> Result<Vec<File>, Box<dyn Error>> {
    let mut sources = Sources::default();
    sources
        .add_path(checkout)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let target = if names_a_bridge(&sources) { mirror_target()? } else { Target::Published };
    let mut files = Vec::new();
    for sourced in &sources.documents {
        for artifact in &sourced.document.artifacts {
            let place = target.place(&Literal::parse(&artifact.location)?, Some(&artifact.release))?;
            let name = place.file_name().to_owned();
            let legacy = sourced.legacy.of(&name).iter().find_map(|file| file.size);
            let size = artifact.size.or(legacy).unwrap_or(1_000_000_000);
            files.push(File { place, name, sha256: artifact.sha256, size });
        }
    }
    Ok(files)
}

fn names_a_bridge(sources: &Sources) -> bool {
    let artifacts = sources.documents.iter().flat_map(|sourced| &sourced.document.artifacts);
    artifacts
        .filter_map(|Artifact { location, .. }| Literal::parse(location).ok())
        .any(|location| HostKind::of(location.host()) == HostKind::Bridge)
}

fn mirror_target() -> Result<Target, Box<dyn Error>> {
    Ok(Target::Mirror(MirrorPlace::new(Prefix::parse(PUBLIC_MIRROR)?, None, false)?))
}

/// The mirror, the proxy before it, and the gate's command line.
struct Stage {
    mirror: Mirror,
    proxy: Proxy,
    roots: tempfile::NamedTempFile,
    command_line: Vec<String>,
}

impl Stage {
    fn build(checkout: &Path, files: &[File]) -> Result<Self, Box<dyn Error>> {
        let mirror = Mirror::start(Config::tls_http2().names(PUBLISHED_HOSTS))?;
        let mut proxy = ProxyConfig::new();
        for host in PUBLISHED_HOSTS {
            proxy = proxy.host(host, mirror.addr());
        }
        let mut roots = tempfile::NamedTempFile::new()?;
        std::io::Write::write_all(&mut roots, mirror.ca_pem().as_bytes())?;
        let mut command_line = vec!["check".to_owned(), checkout.display().to_string()];
        let published = files.iter().all(|file| !file.place.as_str().starts_with(PUBLIC_MIRROR));
        command_line.extend(if published {
            vec!["--published".to_owned()]
        } else {
            vec!["--mirror".to_owned(), PUBLIC_MIRROR.to_owned()]
        });
        Ok(Self { mirror, proxy: Proxy::start(proxy)?, roots, command_line })
    }

    /// Puts files on the mirror, with the `sha256sum.txt` of each directory. The file named `corrupt` gets
    /// other bytes than the document says.
    fn mirror(&self, files: &[File], corrupt: Option<&str>) {
        let mut sums: BTreeMap<Literal, String> = BTreeMap::new();
        for file in files {
            let bytes = artifact_content(&file.name);
            let (resource, digest) = if corrupt == Some(&*file.name) {
                let bytes = b"not the file that the document names".to_vec();
                (Resource::bytes(bytes.clone()), Sha256::from_bytes(sha256(&bytes)))
            } else if sha256(&bytes) == *file.sha256.as_bytes() {
                (Resource::bytes(bytes), file.sha256)
            } else {
                // A real document, whose files nobody has here: the mirror says what the document says.
                (Resource::synthetic(0, file.size), file.sha256)
            };
            self.mirror.put(file.place.as_str(), resource);
            let sums = sums.entry(file.place.sibling("sha256sum.txt")).or_default();
            sums.extend([&digest.to_string(), "  ", &file.name, "\n"]);
        }
        for (place, text) in sums {
            self.mirror.put(place.as_str(), Resource::bytes(text));
        }
    }

    /// Runs the gate, and insists on its exit status.
    fn expect(&self, exit: Exit) -> Result<(), Box<dyn Error>> {
        println!("$ art-mirror-validate {}", self.command_line.join(" "));
        let status = Command::new(std::env::current_exe()?)
            .args(&self.command_line)
            .env(AS_THE_GATE, "1")
            .env("HTTPS_PROXY", self.proxy.url())
            .env("SSL_CERT_FILE", self.roots.path())
            .env_remove(cli::env::STREAM_PREFIX)
            .env_remove(cli::env::CI_BOOTIMAGES)
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .status()?;
        let code = status.code();
        println!("exit status {}", code.map_or_else(|| "unknown".to_owned(), |code| code.to_string()));
        if code == Some(exit as i32) {
            return Ok(());
        }
        Err(format!("expected exit status {}", exit as i32).into())
    }
}
