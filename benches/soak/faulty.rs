//! Three misbehaving servers, and a document whose files are almost never complete.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use embedded_mirror::{
    Answer, Authority, Behaviour, Config, Connections, Mirror, Resource, artifact_content, hex_sha256,
};
use fastrand::Rng;
use serde_json::json;
use tempfile::TempDir;

/// The directories of each server, and the files of each directory.
const DIRECTORIES: usize = 8;
const FILES: usize = 12;

/// The number of files per server, the last ones, that appear one by one during the run and then stay.
const LASTING: usize = 4;

const RELEASE: &str = "9.6.20251015-1";

/// Servers for plain HTTP/1.1, HTTP/1.1 over TLS, and HTTP/2.
pub struct Faulty {
    servers: [Mirror; 3],
    directory: TempDir,
    rng: RefCell<Rng>,
    appeared: Cell<u64>,
}

impl Faulty {
    pub fn start() -> Self {
        let authority = Authority::new().unwrap();
        let configs =
            [Config::plain(), Config::tls_http1(), Config::tls_http2().requests_per_connection(1000)];
        let servers =
            configs.map(|config| Mirror::start(config.record(false).authority(&authority)).unwrap());
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority.pem()).unwrap();
        let faulty =
            Self { servers, directory, rng: RefCell::new(Rng::with_seed(1)), appeared: Cell::new(0) };
        let mut platforms = json!({});
        for server in 0..faulty.servers.len() {
            for index in 0..DIRECTORIES * FILES {
                let path = path(server, index);
                let platform = &mut platforms[format!("server-{server}")];
                platform["release"] = json!(RELEASE);
                platform["formats"][format!("{index:03}.raw.gz")]["disk"] = json!({
                    "location": faulty.servers[server].url(&path),
                    "sha256": hex_sha256(&artifact_content(name(&path))),
                });
                faulty.put(server, index);
            }
            for directory in 0..DIRECTORIES {
                faulty.put_sidecars(server, directory);
            }
        }
        let document = json!({ "stream": "soak", "metadata": {}, "architectures": { "x86_64": { "artifacts": platforms } } });
        std::fs::write(faulty.document(), document.to_string()).unwrap();
        faulty
    }

    pub fn document(&self) -> PathBuf {
        self.directory.path().join("soak.json")
    }

    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub fn artifacts(&self) -> usize {
        self.servers.len() * DIRECTORIES * FILES
    }

    pub fn requests(&self) -> u64 {
        self.servers.iter().map(Mirror::request_count).sum()
    }

    pub fn connections(&self) -> u64 {
        self.servers.iter().map(Mirror::connections).sum()
    }

    /// The number of [`LASTING`] files that have appeared.
    pub fn appeared(&self) -> u64 {
        self.appeared.get()
    }

    /// Changes the faults of some files, makes a whole server unavailable now and then, and adds the next lasting file
    /// when its time has come.
    pub fn change(&self, elapsed: Duration, of: Duration) {
        for (server, mirror) in self.servers.iter().enumerate() {
            for _ in 0..4 {
                let index = self.below(DIRECTORIES * FILES - LASTING);
                self.put(server, index);
            }
            let directory = self.below(DIRECTORIES);
            self.put_sidecars(server, directory);
            mirror.set_connections(match self.below(40) {
                0 => Connections::Reset,
                1 => Connections::BlackHole,
                _ => Connections::Serve,
            });
        }
        let all = (self.servers.len() * LASTING) as u64;
        #[expect(clippy::cast_precision_loss)]
        let share = (self.appeared.get() + 1) as f64 / (all + 1) as f64;
        if self.appeared.get() < all && elapsed.as_secs_f64() >= of.as_secs_f64() * share {
            let number = usize::try_from(self.appeared.get()).unwrap();
            let (server, last) = (number % self.servers.len(), number / self.servers.len());
            let path = path(server, DIRECTORIES * FILES - LASTING + last);
            self.servers[server].put(&path, Resource::artifact(name(&path)).repr_digest());
            self.appeared.set(self.appeared.get() + 1);
        }
    }

    /// Puts an incomplete file, so that it is retried until the end.
    fn put(&self, server: usize, index: usize) {
        let path = path(server, index);
        let mirror = &self.servers[server];
        if index >= DIRECTORIES * FILES - LASTING {
            mirror.remove(&path);
            return;
        }
        let file = Resource::artifact(name(&path));
        let fault = match self.below(16) {
            // The file is removed again.
            0..3 => {
                mirror.remove(&path);
                return;
            }
            3 => Behaviour::status(500),
            4 => Behaviour::status(503),
            5 => Behaviour::retry_after(429, "0"),
            6 => Behaviour::Reset,
            7 => Behaviour::Close,
            8 => Behaviour::Garbage("HTTP/1.1 perhaps\r\n\r\n".into()),
            9 => Behaviour::Hang,
            10 => Behaviour::Answer(Answer::s3_access_denied()),
            // Redirects to a missing file, and to one whose connection breaks.
            11 => Behaviour::redirect(307, &mirror.url("/nothing")),
            12 => {
                let target = format!("/there{path}");
                mirror.put(&target, file.on_get(Behaviour::DropAfter(9)));
                Behaviour::redirect(302, &target)
            }
            // The body stalls.
            13 => Behaviour::serve(file.on_get(Behaviour::StallAfter(9))),
            // The entity tag changes each time, so that the download cannot be resumed.
            14 => Behaviour::Cycle(
                ["one", "other"]
                    .map(|tag| Behaviour::serve(file.clone().etag(tag).on_get(Behaviour::DropAfter(20))))
                    .to_vec(),
            ),
            _ => Behaviour::serve(file.on_get(Behaviour::DropAfter(20))),
        };
        mirror.put(&path, Resource::bytes("").behaves(fault));
    }

    /// Puts sidecars without a digest of any file: missing, broken, too large, or for other files.
    fn put_sidecars(&self, server: usize, directory: usize) {
        for name in ["sha256sum.txt", "meta.json"] {
            let path = format!("{}/{name}", directory_path(server, directory));
            let mirror = &self.servers[server];
            let sums = || {
                (0..400).fold(String::new(), |mut text, line| {
                    let _ = writeln!(text, "{line:064x}  rhcos-other-{line}.iso");
                    text
                })
            };
            mirror.put(
                &path,
                match self.below(7) {
                    0 => {
                        mirror.remove(&path);
                        continue;
                    }
                    1 => Resource::bytes("").behaves(Behaviour::status(503)),
                    2 => Resource::bytes("").behaves(Behaviour::soft_404()),
                    3 => Resource::bytes("").behaves(Behaviour::Reset),
                    4 => Resource::bytes(sums()).on_get(Behaviour::DropAfter(1000)),
                    5 => Resource::synthetic(3, 600 * 1024),
                    _ => Resource::bytes(sums()),
                },
            );
        }
    }

    fn below(&self, limit: usize) -> usize {
        self.rng.borrow_mut().usize(0..limit)
    }
}

fn directory_path(server: usize, directory: usize) -> String {
    format!("/server-{server}/rhel-9.6/builds/9.6.20251015-{directory}/x86_64")
}

fn path(server: usize, index: usize) -> String {
    let directory = directory_path(server, index % DIRECTORIES);
    format!("{directory}/rhcos-9.6.20251015-{}-metal-{index}.x86_64.raw.gz", index % DIRECTORIES)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
