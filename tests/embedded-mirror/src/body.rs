//! Response bodies, including broken ones.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::content::Content;
use crate::log::InFlight;

/// The most bytes passed to hyper at once.
const CHUNK: u64 = 256 * 1024;

/// The time for sent bytes to leave before the connection is broken.
const FLUSH: Duration = Duration::from_millis(20);

/// What happens after the given number of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// The whole body is sent.
    Never,
    /// The connection breaks.
    Drop(u64),
    /// Nothing more is sent; the connection stays open.
    Stall(u64),
}

/// A response body while it is sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    content: Content,
    position: u64,
    end: u64,
    sent: u64,
    endless: bool,
    sized: bool,
    cut: Cut,
    pace: Option<(u64, Duration)>,
    pause: Option<Pin<Box<Sleep>>>,
    flushed: bool,
    guard: Option<InFlight>,
}

impl Outgoing {
    /// The bytes `position..end` of `content`.
    pub(crate) fn range(content: Content, position: u64, end: u64) -> Self {
        Self {
            content,
            position,
            end,
            sent: 0,
            endless: false,
            sized: true,
            cut: Cut::Never,
            pace: None,
            pause: None,
            flushed: false,
            guard: None,
        }
    }

    pub(crate) fn bytes(bytes: Bytes) -> Self {
        let end = bytes.len() as u64;
        Self::range(Content::Bytes(bytes), 0, end)
    }

    pub(crate) fn empty() -> Self {
        Self::bytes(Bytes::new())
    }

    pub(crate) fn endless() -> Self {
        let size = u64::from(u32::MAX);
        let content = Content::Synthetic { seed: 0, size };
        Self { endless: true, sized: false, ..Self::range(content, 0, size) }
    }

    /// Hides the length from hyper, which then neither sends nor checks it.
    pub(crate) fn unsized_(mut self) -> Self {
        self.sized = false;
        self
    }

    /// For headers that claim this length. If the content is shorter, the connection breaks at its end.
    pub(crate) fn claiming(self, length: u64) -> Self {
        let held = self.end.saturating_sub(self.position);
        let cut = if length > held { Cut::Drop(held) } else { Cut::Never };
        self.unsized_().cut(cut)
    }

    pub(crate) fn cut(mut self, cut: Cut) -> Self {
        self.cut = cut;
        self
    }

    pub(crate) fn paced(mut self, bytes: u64, every: Duration) -> Self {
        self.pace = Some((bytes.max(1), every));
        self
    }

    /// Counts the request as in flight until the body is dropped.
    pub(crate) fn guarded(mut self, guard: InFlight) -> Self {
        self.guard = Some(guard);
        self
    }

    fn left_before_cut(&self) -> u64 {
        match self.cut {
            Cut::Never => u64::MAX,
            Cut::Drop(after) | Cut::Stall(after) => after.saturating_sub(self.sent),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(cx));
                this.pause = None;
            }
            let budget = this.left_before_cut();
            if budget == 0 {
                match this.cut {
                    // Without a waker: the body is dropped when its connection or stream ends.
                    Cut::Stall(_) => return Poll::Pending,
                    _ if this.flushed => {
                        return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
                    }
                    _ => {
                        this.flushed = true;
                        this.pause = Some(Box::pin(sleep(FLUSH)));
                        continue;
                    }
                }
            }
            let most = this.pace.map_or(CHUNK, |(bytes, _)| bytes).min(budget);
            let mut chunk =
                this.content.chunk(this.position, most.min(this.end.saturating_sub(this.position)));
            if chunk.is_empty() && this.endless {
                this.position = 0;
                chunk = this.content.chunk(0, most);
            }
            if chunk.is_empty() {
                return Poll::Ready(None);
            }
            this.position += chunk.len() as u64;
            this.sent += chunk.len() as u64;
            if let Some((_, every)) = this.pace {
                this.pause = Some(Box::pin(sleep(every)));
            }
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.sized && self.position >= self.end && matches!(self.cut, Cut::Never)
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized {
            SizeHint::with_exact(self.end.saturating_sub(self.position))
        } else {
            SizeHint::default()
        }
    }
}
