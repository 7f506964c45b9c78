//! What a document says and what a mirror does, as plain data.

use crate::cloud::{CloudReference, Mode};

/// A document, a mirror, and how the gate is called.
#[derive(Debug, Clone)]
pub struct World {
    pub wire: Wire,
    pub host: HostState,
    pub verify: Verify,
    pub signatures: Signatures,
    pub retries: u32,
    pub directories: Vec<Directory>,
    pub artifacts: Vec<Artifact>,
    /// Which of them the document names, in its order.
    pub document: Vec<usize>,
    pub cloud: Vec<CloudReference>,
    pub cloud_mode: Mode,
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
    /// Streams layout, else mirror layout.
    pub streams: bool,
    pub sums: Sidecar,
    pub meta: Sidecar,
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

impl World {
    /// The artifacts that the document names, in its order.
    pub fn named(&self) -> impl Iterator<Item = &Artifact> {
        self.document.iter().map(|index| &self.artifacts[*index])
    }

    /// Whether what one place does to its connection, others share: HTTP/2.
    pub fn suffers_together(&self) -> bool {
        let sidecars = self.directories.iter().flat_map(|it| [it.sums.access, it.meta.access]);
        let artifacts = self.artifacts.iter().flat_map(|it| [Some(it.access), it.signature]).flatten();
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
        matches!(self.wire, Wire::Http2 | Wire::Proxied) && sidecars.chain(artifacts).any(breaks)
    }
}
