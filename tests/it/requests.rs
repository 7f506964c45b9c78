//! The exact requests of each command in a run without faults. A change that sends more, or to another place, fails
//! here.

use std::fmt::Write as _;

use embedded_mirror::{Authority, Config, Mirror, Proxy, ProxyConfig, Resource, artifact_content, meta_json};
use serde_json::json;

use crate::support::binary::program;
use crate::support::world::{CDN, CaFile, MIRROR};
use crate::support::{BUILD, Checkout, Finished, Stream, component};

const BRIDGE: &str = "bridge.example";
const ISO: &str = "rhcos-419.96.202506171412-0-live-iso.x86_64.iso";
const RAW: &str = "rhcos-419.96.202506171412-0-metal.x86_64.raw.gz";

/// One server for all hosts, with a build of two files at its published location and on the bridge.
struct World {
    server: Mirror,
    proxy: Proxy,
    ca: CaFile,
    checkout: Checkout,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new().unwrap();
        let hosts = [CDN, MIRROR, BRIDGE];
        let server = Mirror::start(Config::tls_http2().names(hosts).authority(&authority)).unwrap();
        let proxy = hosts.iter().fold(ProxyConfig::new(), |proxy, host| proxy.host(host, server.addr()));
        let directory = format!("/art/storage/prod/streams/4.19-9.6/builds/{BUILD}/x86_64");
        for name in [ISO, RAW] {
            server.put(&format!("{directory}/{name}"), Resource::artifact(name));
        }
        let meta = meta_json(BUILD, [ISO, RAW].map(|name| (name, artifact_content(name))));
        server.put(&format!("{directory}/meta.json"), Resource::bytes(meta));
        let at = |name: &str| component(&format!("https://{CDN}{directory}/{name}"));
        let stream =
            Stream::new().with("x86_64/metal/iso/disk", at(ISO)).with("x86_64/metal/raw.gz/disk", at(RAW));
        server.put("/stream.json", Resource::bytes(stream.json().to_string()));
        Self {
            proxy: Proxy::start(proxy).unwrap(),
            ca: CaFile::of(&authority.pem()),
            checkout: Checkout::of(&stream),
            server,
        }
    }

    /// The requests of a command, which must succeed: method, host and path, sorted.
    fn requests(&self, arguments: &[&str]) -> Vec<String> {
        self.server.forget();
        let mut program = program(arguments);
        program.current_dir(self.checkout.path()).env("HTTPS_PROXY", self.proxy.url());
        Finished::of(program.env("SSL_CERT_FILE", self.ca.path())).exits(0);
        let asked = self.server.requests().into_iter().map(|request| {
            let path = request
                .path
                .replace(&format!("/art/storage/prod/streams/4.19-9.6/builds/{BUILD}/x86_64"), "…");
            let query = request.query.map(|query| format!("?{query}")).unwrap_or_default();
            format!("{} {} {path}{query}", request.method, request.host.unwrap())
        });
        let mut asked: Vec<String> = asked.collect();
        asked.sort();
        asked
    }
}

#[test]
fn each_command_sends_only_the_requests_that_it_needs() {
    let world = World::new();
    let dest = tempfile::tempdir().unwrap();
    let path = |name: &str| -> String { dest.path().join(name).to_str().unwrap().to_owned() };
    let document = "data/data/coreos/rhcos.json";
    let prefix = format!("https://{BRIDGE}/art/storage/prod/streams");
    let listing = path("builds.json");
    let builds = json!({ "builds": [{ "id": BUILD, "arches": ["x86_64"] }], "schema-version": "1.0.0" });
    std::fs::write(&listing, builds.to_string()).unwrap();
    let (part_one, part_two) = (path("one"), path("two"));
    let merged: Vec<String> =
        [&part_one, &part_two].iter().map(|part| format!("{part}/art-mirror-validate.json")).collect();
    let (copies, request, url) = (path("copies"), path("request"), format!("https://{CDN}/stream.json"));
    let mut seen = String::new();
    for arguments in [
        vec!["check", "--published"],
        vec!["check", "--published", "--verify", "exists"],
        vec!["check", "--published", "--verify", "published"],
        vec!["check", "--published", "--verify", "content"],
        vec!["check", "--published", &url],
        vec!["check", "--stream-prefix", &prefix],
        vec!["check", "--published", "--partition", "1/2", "--artifacts-dir", &part_one],
        vec!["check", "--published", "--partition", "2/2", "--artifacts-dir", &part_two],
        vec!["merge", &merged[0], &merged[1]],
        vec!["sync-list", "--stream-prefix", &prefix, "--dest", &request],
        vec!["mirror", "--dest", &copies],
        vec!["mirror", "--dest", &copies],
        vec!["resolve", "--stream-prefix", &prefix],
        vec!["resolve", "--source", &url],
        vec!["rewrite", "--to", "bridge", "--stream-prefix", &prefix],
        vec!["diff", document, document],
        vec!["lint"],
        vec!["retention", ".", "--listing", &listing],
        vec!["completions", "bash"],
        vec!["man"],
    ] {
        let shown = arguments.join(" ").replace(dest.path().to_str().unwrap(), "DIR");
        writeln!(seen, "{shown}").unwrap();
        for request in world.requests(&arguments) {
            writeln!(seen, "    {request}").unwrap();
        }
    }
    insta::assert_snapshot!(seen);
}
