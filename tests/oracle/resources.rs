//! Converts parts of a world to resources and behaviours of the embedded mirror.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use embedded_mirror::{Answer, Behaviour, Resource, artifact_content, hex_sha256, sha256};

use crate::world::{
    Archive, Artifact, Body, Claim, Fault, Firewall, Form, Header, Quirk, Says, Served, Sidecar, Style, Truth,
};

pub fn size(meant: &[u8], truth: Truth, more: u64) -> u64 {
    let size = meant.len() as u64;
    if truth == Truth::Right { size } else { size + more }
}

/// A different file of the same size.
fn twin(meant: &[u8]) -> Vec<u8> {
    let mut twin = meant.to_vec();
    if let Some(last) = twin.last_mut() {
        *last ^= 1;
    }
    twin
}

pub fn other(meant: &[u8]) -> String {
    hex_sha256(&twin(meant))
}

pub fn claims(claim: Option<Claim>, meant: &[u8], index: usize) -> Vec<String> {
    let (same, other) = (hex_sha256(meant), other(meant));
    match claim {
        None => vec![],
        Some(Claim::Same) => vec![same],
        Some(Claim::Other) => vec![other],
        Some(Claim::Both) if index.is_multiple_of(2) => vec![same, other],
        Some(Claim::Both) => vec![other, same],
    }
}

/// The resource of an artifact's file in one of its states.
pub fn file(name: &str, artifact: &Artifact, served: Served, tag: &str) -> Resource {
    let answering = |header: Option<Header>| {
        let meant = artifact_content(name);
        let mut resource = body(&meant, served.body);
        if let Some(header) = header {
            resource = published(resource, header, &meant);
        }
        if artifact.tagged {
            resource = resource.etag(tag);
        }
        quirky(resource, artifact.quirk, meant.len() as u64)
    };
    let resource = answering(served.head);
    if served.get == served.head {
        return resource;
    }
    resource.on_get(Behaviour::serve(answering(served.get)))
}

fn body(meant: &[u8], body: Body) -> Resource {
    match body {
        Body::Meant => Resource::bytes(meant.to_vec()),
        Body::SameSize => Resource::bytes(twin(meant)),
        Body::Longer => Resource::bytes([meant, b"trailer"].concat()),
        Body::Shorter => Resource::bytes(meant[..meant.len() / 2].to_vec()),
        Body::Empty => Resource::bytes(""),
        Body::Html => Resource::bytes("<!DOCTYPE html><title>Not found</title>").content_type("text/html"),
    }
}

fn published(resource: Resource, header: Header, meant: &[u8]) -> Resource {
    let (same, other) = (sha256(meant), sha256(&twin(meant)));
    match header.says {
        Says::Same => labelled(resource, header.style, &same),
        Says::Other => labelled(resource, header.style, &other),
        Says::Contradiction => {
            let second = if header.style == Style::S3Meta { Style::ReprDigest } else { Style::S3Meta };
            labelled(labelled(resource, header.style, &same), second, &other)
        }
        Says::Malformed => labelled(resource, header.style, &same[..31]),
        Says::OfParts => resource.s3_checksum_value(&format!("{}-3", BASE64.encode(&same))),
        Says::Composite(truth) => {
            let digest = if truth == Truth::Right { &same } else { &other };
            resource.s3_checksum_value(&BASE64.encode(digest)).header("x-amz-checksum-type", "COMPOSITE")
        }
        Says::Quoted(truth) => {
            let digest = BASE64.encode(if truth == Truth::Right { &same } else { &other });
            resource.header("repr-digest", format!("x=\"a, sha-256=:{digest}:, b\", md5=:AAAA:"))
        }
    }
}

fn labelled(resource: Resource, style: Style, digest: &[u8]) -> Resource {
    let (base64, hex) = (BASE64.encode(digest), HEXLOWER.encode(digest));
    match style {
        Style::ReprDigest => resource.header("repr-digest", format!("sha-256=:{base64}:")),
        Style::ReprDigestList => {
            resource.header("repr-digest", format!("sha-512=:AAAA:;x=1, sha-256=:{base64}:, md5=:AAAA:"))
        }
        Style::Digest => resource.header("digest", format!("sha-256={base64}")),
        Style::DigestList => resource.header("digest", format!("MD5=AAAA,SHA-256={base64}, UNIXsum=30637")),
        Style::S3Checksum => resource.s3_checksum_value(&base64),
        Style::S3Meta => resource.header("x-amz-meta-sha256", hex),
        Style::Artifactory => resource.header("x-checksum-sha256", hex),
    }
}

fn quirky(resource: Resource, quirk: Quirk, size: u64) -> Resource {
    match quirk {
        Quirk::None => resource,
        Quirk::HeadRefused(status) => resource.on_head(Behaviour::status(status)),
        Quirk::HeadNoLength => resource.on_head(Behaviour::NoContentLength),
        Quirk::HeadZero => resource.on_head(Behaviour::ContentLength(0)),
        Quirk::NoRanges => resource.ignores_range().on_head(Behaviour::NoContentLength),
        Quirk::NoLengthAtAll => resource.ignores_range().behaves(Behaviour::NoContentLength),
        Quirk::HeadLies => resource.on_head(Behaviour::ContentLength(size + 333)),
        Quirk::RangeUnknown => resource.total_in_ranges("*").on_head(Behaviour::NoContentLength),
        Quirk::RangeLies => {
            resource.total_in_ranges(&(size + 333).to_string()).on_head(Behaviour::NoContentLength)
        }
        Quirk::Endless => resource.behaves(Behaviour::EndlessBody),
        Quirk::Trickle => resource.behaves(Behaviour::Trickle(Duration::from_millis(100))),
        Quirk::Labelled => resource.labelled_gzip(),
    }
}

pub fn sidecar_resource(body: Vec<u8>, sidecar: &Sidecar, limit: usize) -> Resource {
    match sidecar.form {
        Form::Good | Form::JunkAround | Form::CutShort | Form::Stale => Resource::bytes(body),
        Form::Labelled => Resource::bytes(body).labelled_gzip().behaves(Behaviour::NoContentLength),
        Form::Junk => Resource::bytes(b"\x00\xff\xfe{\"images\": {\n\"\x1b[2J".to_vec()),
        Form::Html => Resource::bytes("<!DOCTYPE html><title>Hello</title>").content_type("text/html"),
        Form::Challenge => Resource::bytes("<!DOCTYPE html><title>Just a moment...</title>")
            .content_type("text/html")
            .header("cf-mitigated", "challenge"),
        Form::Empty => Resource::bytes(""),
        Form::Oversized => {
            let mut body = body;
            body.resize(limit + 1, b'\n');
            Resource::bytes(body)
        }
        Form::Endless => Resource::bytes(body).behaves(Behaviour::EndlessBody),
    }
}

/// Adds the headers and responses of S3 for archived and restored objects.
pub fn archived(resource: Resource, archive: Archive) -> Resource {
    const RESTORE: &str = "x-amz-restore";
    let resource = match archive {
        Archive::Glacier | Archive::Restoring | Archive::Restored => {
            resource.header("x-amz-storage-class", "GLACIER")
        }
        Archive::Deep => resource.header("x-amz-storage-class", "DEEP_ARCHIVE"),
        Archive::Instant => resource.header("x-amz-storage-class", "GLACIER_IR"),
        Archive::Tier => resource
            .header("x-amz-storage-class", "INTELLIGENT_TIERING")
            .header("x-amz-archive-status", "DEEP_ARCHIVE_ACCESS"),
        Archive::Silent => resource,
    };
    match archive {
        Archive::Instant => resource,
        Archive::Restored => resource
            .header(RESTORE, "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029 00:00:00 GMT\""),
        Archive::Restoring => resource
            .header(RESTORE, "ongoing-request=\"true\"")
            .on_get(Behaviour::Answer(Answer::s3_archived())),
        _ => resource.on_get(Behaviour::Answer(Answer::s3_archived())),
    }
}

pub fn firewall(firewall: Firewall) -> Behaviour {
    Behaviour::Answer(Answer::firewall(match firewall {
        Firewall::CloudFront => None,
        Firewall::Cloudflare => Some(("cf-mitigated", "challenge")),
        Firewall::Waf => Some(("x-amzn-waf-action", "captcha")),
    }))
}

pub fn fault(fault: Fault) -> Behaviour {
    match fault {
        Fault::Status(status) => Behaviour::status(status),
        Fault::Busy(status) => Behaviour::retry_after(status, "0"),
        Fault::Reset => Behaviour::Reset,
        Fault::Close => Behaviour::Close,
        Fault::Garbage => Behaviour::Garbage(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec().into()),
        Fault::Hang => Behaviour::Hang,
        Fault::StallInHeaders => Behaviour::StallInHeaders,
        Fault::SlowLoris => Behaviour::SlowLoris(Duration::from_millis(30)),
        Fault::EndlessHeaders => Behaviour::EndlessHeaders,
    }
}
