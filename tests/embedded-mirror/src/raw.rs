//! Responses that no HTTP library would send, written directly to the socket.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;

/// What is done with an HTTP/1.1 connection instead of a valid response.
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    /// TCP RST.
    Reset,
    /// TCP FIN.
    Close,
    /// These bytes, then FIN.
    Send(Bytes),
    /// These bytes, then nothing; the connection stays open.
    Stall(Bytes),
    /// `head`, then `unit` repeatedly with a pause after each.
    Repeat { head: Bytes, unit: Bytes, every: Duration },
}

impl Raw {
    /// Writes the response, and returns when the connection should be closed.
    pub(crate) async fn write<S: Wire>(self, mut stream: S) -> io::Result<()> {
        match self {
            Self::Reset => stream.tcp().set_zero_linger(),
            Self::Close => stream.shutdown().await,
            Self::Send(bytes) => {
                stream.write_all(&bytes).await?;
                stream.shutdown().await
            }
            Self::Stall(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                std::future::pending().await
            }
            Self::Repeat { head, unit, every } => {
                stream.write_all(&head).await?;
                loop {
                    stream.write_all(&unit).await?;
                    stream.flush().await?;
                    if !every.is_zero() {
                        sleep(every).await;
                    }
                }
            }
        }
    }
}

/// A connection whose TCP socket can be reached.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
