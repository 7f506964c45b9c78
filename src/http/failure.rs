//! Why a request failed, with messages for people.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::StatusCode;
use super::resolver::NotGlobal;
use super::rules::Refusal;

/// The start of messages about failures that the named proxy may have caused.
pub const THROUGH_PROXY: &str = "through the proxy ";

/// Why the state of a file could not be determined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeError {
    pub kind: ProbeErrorKind,
    pub status: Option<u16>,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeErrorKind {
    Unreachable,
    Timeout,
    /// An error, or an answer that does not tell whether the file is present.
    ServerError,
    RateLimited,
    Deadline,
}

/// Why there is no response.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    Refused(Refusal),
    /// No response, and whether a retry may help.
    ProbeError(ProbeError, Again),
}

/// Whether a retry may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Maybe,
    /// Once the host is up again, which the retry itself waits for.
    WhenBack,
    No,
    /// At once: the server did not process the request.
    AtOnce,
    /// No request was sent: the host had been given up after this many failed connections.
    NotSent(u32),
}

pub(crate) fn probe_error(kind: ProbeErrorKind, detail: String) -> ProbeError {
    ProbeError { kind, status: None, detail }
}

/// Whether a retry may help after this status.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502..)
}

/// The error for a status that tells neither that a file is present nor that it is missing.
pub(crate) fn status_error(attempts: u32, status: StatusCode) -> ProbeError {
    let kind = match status.as_u16() {
        429 => ProbeErrorKind::RateLimited,
        408 | 504 => ProbeErrorKind::Timeout,
        _ => ProbeErrorKind::ServerError,
    };
    let again = if is_transient(status) && attempts > 1 { ", also when retried" } else { "" };
    ProbeError { kind, status: Some(status.as_u16()), detail: format!("the server answered {status}{again}") }
}

#[derive(Debug, Clone)]
pub(super) struct ExchangeError {
    pub(super) cause: Cause,
    pub(super) detail: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    NotGlobal {
        addresses: String,
    },
    /// The connection failed, and a retry would too.
    Permanent,
    NoConnection,
    /// Another request was making the connection and knows why it failed.
    Cancelled,
    ConnectTimeout,
    /// The other end does not speak the offered protocol.
    OtherProtocol,
    ProxyRefused,
    /// The server requires HTTP/1.1 (`HTTP_1_1_REQUIRED`, RFC 9113, section 7).
    Http1Required,
    /// The server did not process the request (RFC 9113, section 8.7).
    Unprocessed,
    Exchange,
}

impl ExchangeError {
    pub(super) fn unknown() -> Self {
        Self { cause: Cause::Exchange, detail: "the connection broke".to_owned() }
    }

    /// Reads the causes of an error. reqwest and hyper-util only name the failed step, and reqwest shows the
    /// URL, whose query may hold a signature: both are left out.
    pub(super) fn of(error: &reqwest::Error, host: &str) -> Self {
        let connecting = error.is_connect();
        let broken = |cause, detail: &str| Self { cause, detail: crate::text::excerpt(detail, 300) };
        let mut texts: Vec<String> = Vec::new();
        let mut cause = error.source();
        while let Some(this) = cause {
            if let Some(NotGlobal { addresses }) = this.downcast_ref() {
                return broken(Cause::NotGlobal { addresses: addresses.clone() }, &this.to_string());
            }
            if let Some(tls) = this.downcast_ref::<rustls::Error>() {
                let (cause, detail) = tls_failure(tls, host);
                // A TLS error after the handshake is a broken connection.
                return broken(if connecting { cause } else { Cause::Exchange }, &detail);
            }
            let text = this.to_string();
            let says_where = text.starts_with("client error (")
                || text == "tcp connect error"
                || text == "tunnel error: failed to create underlying connection";
            if !says_where && !texts.iter().any(|before| before.contains(&text)) {
                texts.push(text);
            }
            // `io::Error` hides the error that it wraps from `source`.
            let wrapped = this.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause = wrapped.map_or_else(|| this.source(), |inner| Some(inner));
        }
        let says = |what: &str| texts.iter().any(|text| text.contains(what));
        let cause = match () {
            () if says("tunnel error: proxy auth") || says("tunnel error: unsuccessful") => {
                Cause::ProxyRefused
            }
            () if connecting && error.is_timeout() => Cause::ConnectTimeout,
            () if connecting && says("request was canceled") => Cause::Cancelled,
            () if connecting => Cause::NoConnection,
            // These are h2's errors, whose types reqwest does not export.
            () if says("endpoint requires HTTP/1.1") => Cause::Http1Required,
            () if says("refused stream before processing") => Cause::Unprocessed,
            () if says("connection error received: not a result of an error") => Cause::Unprocessed,
            () => Cause::Exchange,
        };
        match (&cause, texts.join(": ")) {
            (_, nothing) if nothing.is_empty() => Self { cause, ..Self::unknown() },
            (Cause::NoConnection | Cause::Cancelled, detail) => {
                broken(cause, &format!("no connection: {detail}"))
            }
            (_, detail) => broken(cause, &detail),
        }
    }

    pub(super) fn through(mut self, proxy: Option<&str>) -> Self {
        if let Some(proxy) = proxy {
            self.detail = format!("{THROUGH_PROXY}{proxy}: {}", self.detail);
        }
        self
    }

    pub(super) fn is_connect(&self) -> bool {
        use Cause::{
            Cancelled, ConnectTimeout, NoConnection, NotGlobal, OtherProtocol, Permanent, ProxyRefused,
        };
        matches!(
            self.cause,
            NotGlobal { .. }
                | Permanent
                | NoConnection
                | Cancelled
                | ConnectTimeout
                | OtherProtocol
                | ProxyRefused
        )
    }

    pub(super) fn probe_error(&self) -> ProbeError {
        let kind = match self.cause {
            Cause::ConnectTimeout => ProbeErrorKind::Timeout,
            _ => ProbeErrorKind::Unreachable,
        };
        probe_error(kind, self.detail.clone())
    }
}

/// Classifies a failed handshake, with a message of our own: rustls's are for programmers.
fn tls_failure(error: &rustls::Error, host: &str) -> (Cause, String) {
    use rustls::Error::{
        AlertReceived, InvalidCertificate, InvalidMessage, PeerIncompatible, PeerMisbehaved,
    };
    match error {
        InvalidCertificate(why) => {
            let why = certificate_failure(why, host);
            let hint = "additional CA certificates: --ca-file";
            (Cause::Permanent, format!("the server's certificate is not trusted: {why} ({hint})"))
        }
        AlertReceived(AlertDescription::NoApplicationProtocol) | rustls::Error::NoApplicationProtocol => {
            (Cause::OtherProtocol, "the server speaks neither HTTP/2 nor HTTP/1.1 over TLS".to_owned())
        }
        AlertReceived(alert) => (
            Cause::NoConnection,
            format!(
                "the server ended the TLS handshake with alert {} ({})",
                u8::from(*alert),
                alert_name(*alert)
            ),
        ),
        InvalidMessage(_) => (Cause::NoConnection, "the server did not answer with TLS".to_owned()),
        PeerIncompatible(_) => (
            Cause::Permanent,
            "the server shares no TLS version or cipher suite with this program".to_owned(),
        ),
        PeerMisbehaved(_) => (Cause::NoConnection, "the server violated the TLS protocol".to_owned()),
        _ => (Cause::NoConnection, "the TLS handshake failed".to_owned()),
    }
}

fn certificate_failure(error: &CertificateError, host: &str) -> String {
    use CertificateError as E;
    let date = |time: &rustls::pki_types::UnixTime| {
        let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(time.as_secs()));
        time.map_or_else(String::new, |time| format!(" on {}", humantime::format_rfc3339_seconds(time)))
    };
    match error {
        E::UnknownIssuer => "its issuer is unknown".to_owned(),
        E::Expired => "it has expired".to_owned(),
        E::ExpiredContext { not_after, .. } => format!("it expired{}", date(not_after)),
        E::NotValidYet => "it is not valid yet".to_owned(),
        E::NotValidYetContext { not_before, .. } => format!("it becomes valid{}", date(not_before)),
        E::NotValidForName | E::NotValidForNameContext { .. } => format!("it is not valid for {host}"),
        E::Revoked => "it has been revoked".to_owned(),
        E::BadSignature => "its signature is wrong".to_owned(),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => "it is not a server's certificate".to_owned(),
        E::Other(other) if is_ca(other) => "it is self-signed, or is a CA certificate".to_owned(),
        _ => "it cannot be verified".to_owned(),
    }
}

/// Whether a server presented a CA certificate, as many self-signed ones are.
pub(super) fn is_ca(error: &rustls::OtherError) -> bool {
    matches!(error.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn alert_name(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::ProtocolVersion => "protocol version",
        AlertDescription::UnrecognisedName => "unknown host name",
        AlertDescription::InternalError => "internal error",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::CertificateRequired => "a client certificate is required",
        _ => "see the TLS alert registry",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_statuses_are_transient() {
        for (status, transient) in [
            (200, false),
            (404, false),
            (403, false),
            (408, true),
            (425, true),
            (429, true),
            (500, true),
            (501, false),
            (503, true),
            (599, true),
        ] {
            assert_eq!(is_transient(StatusCode::from_u16(status).unwrap()), transient, "{status}");
        }
    }
}
