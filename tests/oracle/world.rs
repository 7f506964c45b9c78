//! What the documents say and what the mirror does in one round, as plain data.

use crate::cloud::{CloudReference, Mode};

/// A document, a mirror, and how the gate is called.
#[derive(Debug, Clone)]
pub struct World {
    pub source: Source,
    pub target: Target,
    pub wire: Wire,
    pub proxy: ProxyState,
    pub host: HostState,
    pub verify: Verify,
    pub signatures: Signatures,
    pub retries: Retries,
    pub directories: Vec<Directory>,
    pub artifacts: Vec<Artifact>,
    /// Which of them the documents name, in their order.
    pub document: Vec<usize>,
    /// How many documents name them, each about as many.
    pub documents: usize,
    pub cloud: Vec<CloudReference>,
    pub cloud_mode: Mode,
}

/// Where the gate finds the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A checkout, with legacy metadata beside a document that is alone.
    Checkout,
    /// A file of the one document.
    File,
    Stdin,
    /// A `ConfigMap`.
    Manifest(Keys, Written),
    /// The same among the other manifests of a release payload.
    Payload(Keys, Written),
    /// Branches of a bare repository.
    Branches(Vec<Branch>),
}

/// What a `ConfigMap` names the documents under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// `stream`, for the one document.
    Stream,
    Streams,
    /// `streams`, and the first of them also as `stream`.
    Both,
    /// `stream` for the first, and `streams` for the others.
    Apart,
}

/// How a `ConfigMap` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Json,
    /// In a list, as `oc get` prints more than one object.
    JsonList,
    Yaml,
    /// After others in the same file.
    YamlAmongOthers,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// A release's, or `main`.
    pub name: &'static str,
    /// Which documents it has.
    pub documents: Vec<usize>,
    /// Whether it also has a document that is malformed.
    pub malformed: bool,
}

/// How long failures that may pass are ridden out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// Each request is made again so many times.
    Times(u32),
    /// For so many milliseconds.
    For(u64),
}

/// How the proxy answers CONNECT. It matters where the wire goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyState {
    /// Tunnels are there, with this head.
    Works(&'static str),
    /// With a status other than 200.
    Status(u16),
    /// With what is no HTTP.
    Garbage,
    /// With 200 and a page, which is no tunnel.
    Page,
    Silent,
    Closes,
    Resets,
    /// It works until it has passed on so many bytes; then all connections are reset, and new ones refused.
    Dies(u64),
    /// So many times with 503, before it works.
    ComesBack(u64),
}

/// Where the gate is told to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Published,
    /// On a bridge, which the round's mirror is, for what the documents have on published locations.
    Bridge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Plain,
    Http1,
    Http2,
    /// The published hosts by their names, HTTP/2 through a proxy.
    Proxied,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostState {
    Up,
    /// Connections are reset.
    Resets,
    /// Connections are accepted and nothing more.
    BlackHole,
    /// Up, but the gate was not told that private addresses are fine.
    Private,
    /// It is away until it was asked so many times, and so many milliseconds are over.
    ComesBack(Away, u64, u64),
}

/// How a host is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// Connections are reset.
    Resets,
    /// Connections are accepted and nothing more.
    BlackHole,
    /// Whatever is asked is answered so.
    Answers(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    Exists,
    Published,
    Auto,
    Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signatures {
    Ignore,
    Warn,
    Require,
}

/// A directory's sidecars.
#[derive(Debug, Clone)]
pub struct Directory {
    pub build: Build,
    pub sums: Sidecar,
    pub meta: Sidecar,
}

/// What a directory's build is called, and its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Mirror by build: `48.83.202102230300-0`.
    Ocp,
    /// Mirror by build, with a dot before the last number: `43.81.202001142154.0`.
    OldOcp,
    /// Streams: `413.86.202302230300-0`.
    Streams,
    /// Streams of RHEL: `9.6.20250707-1`.
    Rhel,
    /// The same, built again: `9.6.20250707-1.3`.
    Respun,
}

#[derive(Debug, Clone)]
pub struct Sidecar {
    pub access: Access,
    pub form: Form,
}

/// What a sidecar's body looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As its makers write it.
    Good,
    /// Good, labelled `Content-Encoding: x-gzip`, and without a length.
    Labelled,
    /// Entries among lines (or members) that are none.
    JunkAround,
    /// All that its makers wrote but the end, which is missing.
    CutShort,
    /// Of an earlier build: other digests, under names that have no version, and no name that has one.
    Stale,
    /// No entry at all.
    Junk,
    /// An HTML page.
    Html,
    /// A firewall's page, with the status of what it stands in place of.
    Challenge,
    Empty,
    /// Good entries at the front, and more bytes than anybody should read.
    Oversized,
    /// Entries, and then bytes without end.
    Endless,
}

#[derive(Debug, Clone)]
pub struct Artifact {
    pub place: Place,
    pub directory: usize,
    /// The artifact whose file this is too: the documents name it a second time, with another size.
    pub twin_of: Option<usize>,
    /// What is there, and after so many requests something else.
    pub served: Served,
    pub later: Option<(usize, Served)>,
    pub access: Access,
    pub quirk: Quirk,
    /// Whether it has a validator, so that a download can be resumed.
    pub tagged: bool,
    /// What the document's `size` is.
    pub size: Option<Truth>,
    /// What the document's `uncompressed-sha256` is.
    pub uncompressed: Option<Truth>,
    pub legacy: Option<Legacy>,
    /// What `sha256sum.txt` says of it.
    pub sums: Option<Claim>,
    /// What `meta.json` says of it.
    pub meta: Option<(Option<Claim>, Option<Truth>)>,
    /// What `meta.json` says of it once decompressed.
    pub meta_inside: Option<Claim>,
    /// How its signature is, if the document names one.
    pub signature: Option<Access>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where the round's mirror is.
    Mirror,
    /// On a bridge server.
    Bridge,
    /// On a host that nobody allowed.
    Foreign,
}

/// Whether a size or a digest is that of the file that the document means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Right,
    Wrong,
}

/// Which digest a source names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The document's.
    Same,
    /// Another one.
    Other,
    /// First the one, then the other.
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Legacy {
    pub sha256: Truth,
    pub size: Option<Truth>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    pub body: Body,
    /// The digest header of answers to HEAD.
    pub head: Option<Header>,
    /// The digest header of answers to GET.
    pub get: Option<Header>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The file that the document means.
    Meant,
    /// Another file of the same size.
    SameSize,
    /// A longer file.
    Longer,
    /// Its first half: an upload that broke off.
    Shorter,
    Empty,
    /// A page that says there is no such file, with 200.
    Html,
}

/// A digest header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub style: Style,
    pub says: Says,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    ReprDigest,
    /// Among other algorithms.
    ReprDigestList,
    Digest,
    DigestList,
    S3Checksum,
    S3Meta,
    Artifactory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Same,
    Other,
    /// This header the document's digest, `x-amz-meta-sha256` or `Repr-Digest` another.
    Contradiction,
    Malformed,
    /// S3's checksum of checksums.
    OfParts,
    /// The same, marked by its type alone; the digest is this one.
    Composite(Truth),
    /// A digest inside a string; it is this one.
    Quoted(Truth),
}

/// How a server answers about a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    None,
    /// HEAD is answered with this status.
    HeadRefused(u16),
    /// HEAD has no `Content-Length`.
    HeadNoLength,
    /// HEAD says `Content-Length: 0`.
    HeadZero,
    /// HEAD has no length, and GET ignores ranges.
    NoRanges,
    /// Neither HEAD nor GET says a length, and GET has no range.
    NoLengthAtAll,
    /// HEAD says another length than the file has.
    HeadLies,
    /// HEAD has no length, and a part says `*` for the length of the whole.
    RangeUnknown,
    /// HEAD has no length, and a part says another length of the whole than it has.
    RangeLies,
    /// A body that never ends, to HEAD too.
    Endless,
    /// The same, a byte at a time.
    Trickle,
    /// `Content-Encoding: x-gzip`.
    Labelled,
}

/// Whether and how a place can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Normal,
    /// After so many milliseconds, well within the timeout.
    Slow(u64),
    Missing(u16),
    Odd(u16),
    Always(Fault),
    Recovering(usize, Fault),
    Flapping(Fault),
    /// In so many of a thousand requests.
    Lossy(u16, u64, Fault),
    /// The headers, so many bytes, then the connection drops or stalls.
    Cut(u64, bool),
    /// The same, the first time that the body is sent.
    CutOnce(u64),
    /// The body in pieces of so many bytes, with some milliseconds between them.
    Paced(u64, u64),
    /// Moved to an archive: HEAD says so in these words, or says nothing, and GET is refused.
    Archived(Archive),
    /// An answer of a firewall in the server's place.
    Firewall(Firewall),
    /// A header of so many bytes besides.
    HugeHeader(usize),
    /// So many redirects of that status, then normal.
    Redirected(u16, u32),
    /// A redirect to where nothing is.
    RedirectedToNothing(u16),
    /// So many redirects of that status, then one that must not be followed.
    Misled(u16, u32, Astray),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    Glacier,
    Deep,
    Tier,
    Restoring,
    /// HEAD says nothing of it.
    Silent,
    /// It can be read again.
    Restored,
    /// A class that can be read at once.
    Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firewall {
    CloudFront,
    Cloudflare,
    Waf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Status(u16),
    /// A status with `Retry-After: 0`.
    Busy(u16),
    Reset,
    Close,
    Garbage,
    Hang,
    StallInHeaders,
    SlowLoris,
    EndlessHeaders,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astray {
    Foreign,
    /// The same host, another port.
    OtherPort,
    MetadataService,
    Bridge,
    Downgrade,
    UserInfo,
    OtherScheme,
    NoUrl,
    Loop,
    TooMany,
    NoLocation,
}

/// The kinds of rounds, of which each should come at times.
pub const KINDS: [&str; 19] = [
    "checkout",
    "file or stdin",
    "manifest",
    "payload",
    "branches",
    "bridge",
    "plain",
    "http1",
    "http2",
    "proxied",
    "proxy refuses",
    "proxy is out of order",
    "proxy dies",
    "proxy comes back",
    "host is away",
    "host comes back",
    "retries by count",
    "retries by time",
    "respun build",
];

impl Build {
    /// Whether it is in the streams layout, else in the mirror's.
    pub fn is_in_streams(self) -> bool {
        matches!(self, Self::Streams | Self::Rhel | Self::Respun)
    }
}

impl Access {
    /// Whether it is answered the same way each time, at once, and to the end.
    pub fn is_calm(self) -> bool {
        let is_whole = !matches!(self, Self::Cut(..) | Self::CutOnce(_) | Self::HugeHeader(_));
        is_whole
            && !matches!(self, Self::Always(_) | Self::Recovering(..) | Self::Flapping(_) | Self::Lossy(..))
    }
}

impl World {
    /// The artifacts that the documents name, in their order.
    pub fn named(&self) -> impl Iterator<Item = &Artifact> {
        self.document.iter().map(|index| &self.artifacts[*index])
    }

    /// The positions in `document` that each of the documents has.
    pub fn split(&self) -> Vec<std::ops::Range<usize>> {
        let (all, documents) = (self.document.len(), self.documents.min(self.document.len()));
        (0..documents).map(|index| index * all / documents..(index + 1) * all / documents).collect()
    }

    /// Whether what one place does to its connection, others share: HTTP/2, and a proxy that dies.
    pub fn suffers_together(&self) -> bool {
        let breaks = |access| match access {
            Access::Always(it)
            | Access::Recovering(_, it)
            | Access::Flapping(it)
            | Access::Lossy(_, _, it) => {
                matches!(it, Fault::Close | Fault::EndlessHeaders)
            }
            Access::HugeHeader(size) => size > 9_000,
            _ => false,
        };
        let is_dying = self.wire == Wire::Proxied && matches!(self.proxy, ProxyState::Dies(_));
        is_dying || matches!(self.wire, Wire::Http2 | Wire::Proxied) && self.files().any(breaks)
    }

    /// What on the mirror may be asked for in vain until the time for it is over.
    pub fn lasting_faults(&self) -> usize {
        let lasts =
            |access: &_| matches!(access, Access::Always(_) | Access::Flapping(_) | Access::Lossy(..));
        self.files().chain(self.cloud.iter().map(|it| it.access)).filter(lasts).count()
    }

    /// How artifacts and what is beside them are answered.
    fn files(&self) -> impl Iterator<Item = Access> {
        let sidecars = self.directories.iter().flat_map(|it| [it.sums.access, it.meta.access]);
        let artifacts = self.artifacts.iter().flat_map(|it| [Some(it.access), it.signature]).flatten();
        sidecars.chain(artifacts)
    }

    /// What kind of round this is, in several respects.
    pub fn kinds(&self) -> Vec<&'static str> {
        let source = match self.source {
            Source::Checkout => "checkout",
            Source::File | Source::Stdin => "file or stdin",
            Source::Manifest(..) => "manifest",
            Source::Payload(..) => "payload",
            Source::Branches(_) => "branches",
        };
        let wire = match self.wire {
            Wire::Plain => "plain",
            Wire::Http1 => "http1",
            Wire::Http2 => "http2",
            Wire::Proxied => "proxied",
        };
        let proxy = match self.proxy {
            ProxyState::Works(_) => None,
            ProxyState::Status(_) => Some("proxy refuses"),
            ProxyState::Dies(_) => Some("proxy dies"),
            ProxyState::ComesBack(_) => Some("proxy comes back"),
            ProxyState::Garbage
            | ProxyState::Page
            | ProxyState::Silent
            | ProxyState::Closes
            | ProxyState::Resets => Some("proxy is out of order"),
        };
        let host = match self.host {
            HostState::Up | HostState::Private => None,
            HostState::Resets | HostState::BlackHole => Some("host is away"),
            HostState::ComesBack(..) => Some("host comes back"),
        };
        let retries = match self.retries {
            Retries::Times(_) => "retries by count",
            Retries::For(_) => "retries by time",
        };
        let is_respun = self.directories.iter().any(|it| it.build == Build::Respun);
        let respun = is_respun.then_some("respun build");
        let target = (self.target == Target::Bridge).then_some("bridge");
        [Some(source), target, Some(wire), proxy, host, Some(retries), respun].into_iter().flatten().collect()
    }

    /// Whether nothing that is asked is answered: the host or the proxy in between is away for good.
    pub fn is_cut_off(&self) -> bool {
        let host = matches!(self.host, HostState::Resets | HostState::BlackHole);
        let works =
            matches!(self.proxy, ProxyState::Works(_) | ProxyState::Dies(_) | ProxyState::ComesBack(_));
        host || self.wire == Wire::Proxied && !works
    }
}
