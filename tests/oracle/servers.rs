//! Serves a world on real sockets, writes its documents to real files, and runs the built binary on it.

use std::fs;
use std::io::{Cursor, Write as _};
use std::process::{ExitStatus, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use embedded_mirror::{Authority, Config, Connections, Mirror, Proxy, ProxyConfig, ProxyFault};
use serde_json::Value;

use crate::binary::{PROGRAM, clean};
use crate::child::Watched;
use crate::cloud::{HOSTS, Mode};
use crate::resources::fault;
use crate::setup::Setup;
use crate::sources::Input;
use crate::world::{
    Access, Away, Form, HostState, ProxyState, Retries, Signatures, Target, Verify, Wire, World,
};

/// Mirrors for each protocol, reused between rounds.
pub struct Servers {
    pub plain: Mirror,
    pub http1: Mirror,
    pub http2: Mirror,
    pub foreign: Mirror,
    pub foreign_tls: Mirror,
    neighbour: Mirror,
    neighbour_tls: Mirror,
    names: Vec<&'static str>,
    directory: tempfile::TempDir,
}

/// The result of a run of the gate.
#[derive(Debug)]
pub struct Answered {
    pub status: ExitStatus,
    pub report: Option<Value>,
    pub stderr: String,
    /// Forbidden requests: to hosts or addresses that are not allowed, or without `Accept-Encoding: identity`.
    pub forbidden: Vec<String>,
    /// Requests that were unnecessarily repeated. An overloaded machine can be the cause.
    pub repetitions: Vec<String>,
}

impl Servers {
    pub fn new() -> Self {
        let authority = Authority::new().unwrap();
        let names = ["mirror.openshift.com", "rhcos.mirror.openshift.com", "art-rhcos-ci.s3.amazonaws.com"];
        let names: Vec<&'static str> = [&names[..], &HOSTS].concat();
        let start = |config: Config| Mirror::start(config.authority(&authority)).unwrap();
        let elsewhere = "127.0.0.2:0".parse().unwrap();
        let http2 = start(Config::tls_http2().names(names.iter().copied()));
        let servers = Self {
            plain: start(Config::plain()),
            http1: start(Config::tls_http1()),
            foreign: start(Config::plain().bind(elsewhere)),
            foreign_tls: start(Config::tls_http1().bind(elsewhere)),
            neighbour: start(Config::plain()),
            neighbour_tls: start(Config::tls_http1()),
            names,
            directory: tempfile::tempdir().unwrap(),
            http2,
        };
        fs::write(servers.directory.path().join("ca.pem"), authority.pem()).unwrap();
        servers
    }

    pub fn mirror(&self, world: &World) -> &Mirror {
        match world.wire {
            Wire::Plain => &self.plain,
            Wire::Http1 => &self.http1,
            Wire::Http2 | Wire::Proxied => &self.http2,
        }
    }

    /// The mirror at another port of the same host.
    pub fn neighbour(&self, world: &World) -> &Mirror {
        if world.wire == Wire::Plain { &self.neighbour } else { &self.neighbour_tls }
    }

    /// Runs a round. `slowdown` multiplies the timeouts, for an overloaded machine.
    pub fn run_round(&self, world: &World, slowdown: u32) -> Answered {
        let mirror = self.mirror(world);
        mirror.table().clear();
        mirror.forget();
        let forbidden_mirrors = [&self.foreign, &self.foreign_tls, &self.neighbour, &self.neighbour_tls];
        for other in forbidden_mirrors {
            other.forget();
        }
        let proxy = Proxy::start(self.proxy_of(world)).unwrap();

        let setup = Setup { servers: self, world };
        let directory = self.directory.path().join("documents");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        let input = setup.write_documents(&directory);
        setup.fill_mirror();

        mirror.set_connections(match world.host {
            HostState::Resets | HostState::ComesBack(Away::Resets, ..) => Connections::Reset,
            HostState::BlackHole | HostState::ComesBack(Away::BlackHole, ..) => Connections::BlackHole,
            _ => Connections::Serve,
        });
        if let HostState::ComesBack(Away::Answers(it), ..) = world.host {
            mirror.set_outage(Some(fault(it)));
        }
        let ended = AtomicBool::new(false);
        let output = std::thread::scope(|scope| {
            if let HostState::ComesBack(_, times, ms) = world.host {
                let ended = &ended;
                scope.spawn(move || restore_host(mirror, times, Duration::from_millis(ms), ended));
            }
            let ran = self.run(world, &proxy, input, slowdown);
            ended.store(true, Ordering::Relaxed);
            ran
        });
        mirror.set_connections(Connections::Serve);
        let mut forbidden = Vec::new();
        for other in forbidden_mirrors.iter().filter(|it| it.connections() > 0) {
            forbidden.push(format!("a connection to {}: {:?}", other.addr(), other.requests()));
        }
        if world.host == HostState::Private && mirror.connections() > 0 {
            forbidden.push("a connection to a private address".to_owned());
        }
        for asked in &proxy.asked() {
            if !asked.known || world.wire != Wire::Proxied {
                forbidden.push(format!("the proxy was asked for {}", asked.target));
            }
        }
        for request in mirror.requests() {
            if request.header("accept-encoding") != Some("identity") {
                forbidden.push(format!("{} {} without identity", request.method, request.path));
            }
        }
        let mut repetitions = Vec::new();
        for (index, directory) in world.directories.iter().enumerate() {
            for (sidecar, name) in [(&directory.sums, "sha256sum.txt"), (&directory.meta, "meta.json")] {
                let asked = mirror.count("GET", &format!("{}{name}", setup.path(index)));
                let steady = matches!(
                    sidecar.access,
                    Access::Normal | Access::Slow(_) | Access::Paced(..) | Access::Missing(_)
                );
                // Large bodies take long, and can be requested again on an overloaded machine.
                let broken = matches!(sidecar.form, Form::Endless | Form::Oversized)
                    || world.shares_faults()
                    || matches!(world.host, HostState::ComesBack(..));
                if steady && !broken && asked > 1 {
                    repetitions.push(format!("{name} was asked for {asked} times"));
                }
            }
        }
        Answered {
            status: output.status,
            report: serde_json::from_slice(&output.stdout).ok(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            forbidden,
            repetitions,
        }
    }

    fn proxy_of(&self, world: &World) -> ProxyConfig {
        let proxy = self
            .names
            .iter()
            .fold(ProxyConfig::new(), |proxy, name| proxy.host(&format!("{name}:443"), self.http2.addr()));
        match world.proxy {
            ProxyState::Works(head) => proxy.establishes(head),
            ProxyState::Status(status) => proxy.refuses(status),
            ProxyState::Garbage => {
                proxy.fails(u64::MAX, ProxyFault::Says("SSH-2.0-OpenSSH_9.9\r\n\r\n".to_owned()))
            }
            ProxyState::Page => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 50\r\n\r\n";
                proxy.fails(
                    u64::MAX,
                    ProxyFault::Says(format!("{head}{:<50}", "<!DOCTYPE html><title>Log in</title>")),
                )
            }
            ProxyState::Silent => proxy.fails(u64::MAX, ProxyFault::Hangs),
            ProxyState::Closes => proxy.fails(u64::MAX, ProxyFault::Closes),
            ProxyState::Resets => proxy.fails(u64::MAX, ProxyFault::Resets),
            ProxyState::Dies(bytes) => proxy.dies_after(bytes),
            ProxyState::ComesBack(times) => proxy.fails(times, ProxyFault::status(503)),
        }
    }

    fn run(&self, world: &World, proxy: &Proxy, input: Input, slowdown: u32) -> Output {
        let built = PROGRAM.into();
        let mut command = clean(std::env::var_os("ORACLE_BINARY").unwrap_or(built));
        command.arg("check").args(input.arguments).args(["--output", "json", "--deadline", "60s"]);
        command.args(["--timeout", &format!("{}ms", 1_200 * slowdown)]);
        match world.retries {
            Retries::Times(times) => command.args(["--retries", &times.to_string()]),
            Retries::For(ms) => command.args(["--retry-for", &format!("{}ms", ms * u64::from(slowdown))]),
        };
        command.args([
            "--verify",
            match world.verify {
                Verify::Exists => "exists",
                Verify::Published => "published",
                Verify::Auto => "auto",
                Verify::Content => "content",
            },
        ]);
        command.args([
            "--signatures",
            match world.signatures {
                Signatures::Ignore => "ignore",
                Signatures::Warn => "warn",
                Signatures::Require => "require",
            },
        ]);
        command.args([
            "--cloud-images",
            match world.cloud_mode {
                Mode::Ignore => "ignore",
                Mode::Warn => "warn",
                Mode::Require => "require",
            },
        ]);
        if world.wire != Wire::Plain {
            command.arg("--ca-file").arg(self.directory.path().join("ca.pem"));
        }
        // Requests to any other machine go to the proxy, which records them.
        command.env("HTTPS_PROXY", proxy.url()).env("HTTP_PROXY", proxy.url());
        if world.wire != Wire::Proxied {
            command.env("NO_PROXY", "127.0.0.1,127.0.0.2,localhost");
            // The host of `--stream-prefix` is allowed implicitly.
            let authority = self.authority(world);
            match (world.target, world.wire) {
                (Target::Published, _) => command.args(["--allow-host", &authority]),
                (Target::Bridge, Wire::Plain) => {
                    command.args(["--stream-prefix", &format!("http://{authority}/art/storage")])
                }
                (Target::Bridge, _) => {
                    command.args(["--stream-prefix", &format!("https://{authority}/art/storage")])
                }
            };
        }
        if world.host != HostState::Private {
            command.arg("--allow-private-addresses");
        }
        let child = Watched::fed(&mut command, Cursor::new(input.stdin));
        // If it outlasts its deadline it is killed, which shows as a missing report.
        child.end_or_kill(Duration::from_secs(75)).output
    }

    /// The host and port of the round's locations.
    pub fn authority(&self, world: &World) -> String {
        let addr = self.mirror(world).addr();
        // One protocol uses a name, so that names are resolved too.
        if world.wire == Wire::Http1 { format!("localhost:{}", addr.port()) } else { addr.to_string() }
    }
}

/// Restores a host after `times` requests or connections, but not before `time` has passed since the first.
fn restore_host(mirror: &Mirror, times: u64, time: Duration, ended: &AtomicBool) {
    let asked = || mirror.request_count().max(mirror.connections());
    let mut first = None;
    while !ended.load(Ordering::Relaxed) {
        if asked() > 0 && first.get_or_insert_with(Instant::now).elapsed() >= time && asked() >= times {
            break;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    mirror.set_connections(Connections::Serve);
    mirror.set_outage(None);
}

/// Prints a line on standard error, bypassing the capture of the test harness.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
