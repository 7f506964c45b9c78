//! The documents, the servers and the options of one round, as plain data.

use crate::cloud::{CloudReference, Mode};

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
    /// The artifacts of the documents, in their order, as indices.
    pub document: Vec<usize>,
    /// The number of documents; the artifacts are distributed evenly.
    pub documents: usize,
    pub cloud: Vec<CloudReference>,
    pub cloud_mode: Mode,
}

/// The source of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A checkout, with legacy metadata if there is only one document.
    Checkout,
    /// A file with the only document.
    File,
    Stdin,
    /// A `ConfigMap`.
    Manifest(Keys, Written),
    /// A `ConfigMap` among the other manifests of a release payload.
    Payload(Keys, Written),
    /// Branches of a bare repository.
    Branches(Vec<Branch>),
}

/// The keys of a `ConfigMap` with the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// `stream`, for a single document.
    Stream,
    Streams,
    /// `streams`, and the first document also as `stream`.
    Both,
    /// `stream` for the first document, and `streams` for the others.
    Apart,
}

/// The format of a `ConfigMap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Json,
    /// In a `List`, as `oc get` prints several objects.
    JsonList,
    Yaml,
    /// After another manifest in the same file.
    YamlAmongOthers,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// A release branch or `main`.
    pub name: &'static str,
    /// The indices of its documents.
    pub documents: Vec<usize>,
    /// Whether it has a malformed document too.
    pub malformed: bool,
}

/// The limit of retries after transient failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// A number per request (`--retries`).
    Times(u32),
    /// A time in milliseconds (`--retry-for`).
    For(u64),
}

/// How the proxy answers CONNECT. Only relevant with [`Wire::Proxied`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyState {
    /// It establishes tunnels, with this response head.
    Works(&'static str),
    /// It answers with a status other than 200.
    Status(u16),
    /// Its answer is not HTTP.
    Garbage,
    /// It answers 200 with an HTML page instead of a tunnel.
    Page,
    Silent,
    Closes,
    Resets,
    /// It works until it has forwarded that many bytes; then it resets all connections and refuses new ones.
    Dies(u64),
    /// It answers the first requests, this many, with 503, and then works.
    ComesBack(u64),
}

/// The target of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Published,
    /// The round's mirror is a bridge, and the documents have published locations.
    Bridge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Plain,
    Http1,
    Http2,
    /// HTTP/2 to the published hosts through a proxy.
    Proxied,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostState {
    Up,
    /// Connections are reset.
    Resets,
    /// Connections are accepted, but never answered.
    BlackHole,
    /// Up, but without `--allow-private-addresses`.
    Private,
    /// Unavailable until a number of requests and, since the first, of milliseconds.
    ComesBack(Away, u64, u64),
}

/// How a host is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// Connections are reset.
    Resets,
    /// Connections are accepted, but never answered.
    BlackHole,
    /// All requests are answered with this fault.
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

#[derive(Debug, Clone)]
pub struct Directory {
    pub build: Build,
    pub sums: Sidecar,
    pub meta: Sidecar,
}

/// The layout of a directory, and the form of its build ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Layout of `mirror.openshift.com`: `48.83.202102230300-0`.
    Ocp,
    /// As [`Self::Ocp`], with a dot before the last number: `43.81.202001142154.0`.
    OldOcp,
    /// Streams layout: `413.86.202302230300-0`.
    Streams,
    /// Streams layout with a RHEL version: `9.6.20250707-1`.
    Rhel,
    /// A rebuild of [`Self::Rhel`]: `9.6.20250707-1.3`.
    Respun,
}

#[derive(Debug, Clone)]
pub struct Sidecar {
    pub access: Access,
    pub form: Form,
}

/// The body of a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Complete and well-formed.
    Good,
    /// Good, with `Content-Encoding: x-gzip` and without a length.
    Labelled,
    /// Good entries among malformed lines or members.
    JunkAround,
    /// Truncated near the end.
    CutShort,
    /// From an earlier build: other digests, and only file names without a build ID.
    Stale,
    /// No entries at all.
    Junk,
    /// An HTML page.
    Html,
    /// A firewall's page, with status 200.
    Challenge,
    Empty,
    /// Good entries at the beginning, but larger than the limit for sidecars.
    Oversized,
    /// A body that never ends.
    Endless,
}

#[derive(Debug, Clone)]
pub struct Artifact {
    pub place: Place,
    pub directory: usize,
    /// The artifact with the same file; this one can have another size in the documents.
    pub twin_of: Option<usize>,
    pub served: Served,
    /// The number of requests after which the file changes, and its later state.
    pub later: Option<(usize, Served)>,
    pub access: Access,
    pub quirk: Quirk,
    /// Whether the file has an entity tag, so that a download can be resumed.
    pub tagged: bool,
    /// The document's `size`.
    pub size: Option<Truth>,
    /// The document's `uncompressed-sha256`.
    pub uncompressed: Option<Truth>,
    pub legacy: Option<Legacy>,
    /// The digest in `sha256sum.txt`.
    pub sums: Option<Claim>,
    /// The digest and size in `meta.json`.
    pub meta: Option<(Option<Claim>, Option<Truth>)>,
    /// The digest of the decompressed content in `meta.json`.
    pub meta_inside: Option<Claim>,
    /// How its signature is answered, if the document names one.
    pub signature: Option<Access>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the round's mirror.
    Mirror,
    /// On a bridge server.
    Bridge,
    /// On a host that is not allowed.
    Foreign,
}

/// Whether a size or digest is that of the intended file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Right,
    Wrong,
}

/// The digest in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The document's.
    Same,
    /// Another one.
    Other,
    /// Both of them, in either order.
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
    /// The digest header of responses to HEAD.
    pub head: Option<Header>,
    /// The digest header of responses to GET.
    pub get: Option<Header>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The intended file.
    Meant,
    /// A different file of the same size.
    SameSize,
    /// A longer file.
    Longer,
    /// The first half of the file, as after an interrupted upload.
    Shorter,
    Empty,
    /// An HTML error page with status 200.
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
    /// With other algorithms beside SHA-256.
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
    /// The document's digest in this header, and another one in `x-amz-meta-sha256` or `Repr-Digest`.
    Contradiction,
    Malformed,
    /// S3's checksum of the checksums of parts (`…-3`).
    OfParts,
    /// A checksum of parts that only `x-amz-checksum-type` marks as such.
    Composite(Truth),
    /// A digest inside a string, which does not count.
    Quoted(Truth),
}

/// Peculiarities of a server's responses for an existing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    None,
    /// HEAD has this status.
    HeadRefused(u16),
    /// HEAD has no `Content-Length`.
    HeadNoLength,
    /// HEAD has `Content-Length: 0`.
    HeadZero,
    /// HEAD has no length, and GET ignores ranges.
    NoRanges,
    /// Neither HEAD nor GET has a length, and GET ignores ranges.
    NoLengthAtAll,
    /// HEAD has a wrong length.
    HeadLies,
    /// HEAD has no length, and the total length of ranges is `*`.
    RangeUnknown,
    /// HEAD has no length, and the total length of ranges is wrong.
    RangeLies,
    /// A body that never ends, for HEAD too.
    Endless,
    /// As [`Self::Endless`], one byte at a time.
    Trickle,
    /// `Content-Encoding: x-gzip`.
    Labelled,
}

/// How requests for a path are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Normal,
    /// After some milliseconds, well within the timeout.
    Slow(u64),
    Missing(u16),
    Odd(u16),
    Always(Fault),
    Recovering(usize, Fault),
    Flapping(Fault),
    /// The fault with a probability in thousandths, and the seed.
    Lossy(u16, u64, Fault),
    /// The connection drops or, if true, stalls after some bytes of the body.
    Cut(u64, bool),
    /// The connection drops after some bytes of the body, but only for the first request.
    CutOnce(u64),
    /// The body in pieces of some bytes, with some milliseconds between them.
    Paced(u64, u64),
    /// Archived on S3: HEAD can show it, and GET is refused unless it is restored.
    Archived(Archive),
    /// A firewall answers instead of the server.
    Firewall(Firewall),
    /// An additional header of that many bytes.
    HugeHeader(usize),
    /// Redirects: their status and number.
    Redirected(u16, u32),
    /// A redirect with this status to a missing file.
    RedirectedToNothing(u16),
    /// Redirects with a status and number, then one that must not be followed.
    BadlyRedirected(u16, u32, BadTarget),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    Glacier,
    Deep,
    Tier,
    Restoring,
    /// HEAD does not show it.
    Silent,
    /// It was restored, and can be read.
    Restored,
    /// A storage class that can be read immediately.
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
pub enum BadTarget {
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

/// The kinds of rounds; each must occur in a full test.
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
    /// Whether the layout is that of streams, not that of `mirror.openshift.com`.
    pub fn is_in_streams(self) -> bool {
        matches!(self, Self::Streams | Self::Rhel | Self::Respun)
    }
}

impl Access {
    /// Whether it is answered the same way each time, and completely.
    pub fn is_steady(self) -> bool {
        let is_whole = !matches!(self, Self::Cut(..) | Self::CutOnce(_) | Self::HugeHeader(_));
        is_whole
            && !matches!(self, Self::Always(_) | Self::Recovering(..) | Self::Flapping(_) | Self::Lossy(..))
    }
}

impl World {
    /// The artifacts of the documents, in their order.
    pub fn named(&self) -> impl Iterator<Item = &Artifact> {
        self.document.iter().map(|index| &self.artifacts[*index])
    }

    /// The range of each document in `document`.
    pub fn split(&self) -> Vec<std::ops::Range<usize>> {
        let (all, documents) = (self.document.len(), self.documents.min(self.document.len()));
        (0..documents).map(|index| index * all / documents..(index + 1) * all / documents).collect()
    }

    /// Whether a fault of one request can affect others: on HTTP/2 connections, and if the proxy dies.
    pub fn shares_faults(&self) -> bool {
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

    /// The number of paths whose requests can keep failing until the retry time is over.
    pub fn lasting_faults(&self) -> usize {
        let lasts =
            |access: &_| matches!(access, Access::Always(_) | Access::Flapping(_) | Access::Lossy(..));
        self.files().chain(self.cloud.iter().map(|it| it.access)).filter(lasts).count()
    }

    /// The accesses of artifacts, signatures and sidecars.
    fn files(&self) -> impl Iterator<Item = Access> {
        let sidecars = self.directories.iter().flat_map(|it| [it.sums.access, it.meta.access]);
        let artifacts = self.artifacts.iter().flat_map(|it| [Some(it.access), it.signature]).flatten();
        sidecars.chain(artifacts)
    }

    /// The kinds of this round, several at once.
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

    /// Whether no request succeeds, because the host or the proxy is permanently unavailable.
    pub fn is_unreachable(&self) -> bool {
        let host = matches!(self.host, HostState::Resets | HostState::BlackHole);
        let works =
            matches!(self.proxy, ProxyState::Works(_) | ProxyState::Dies(_) | ProxyState::ComesBack(_));
        host || self.wire == Wire::Proxied && !works
    }
}
