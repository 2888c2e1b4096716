//! Bodies of answers: whole, or in pieces as they come.

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

/// Pieces from a channel, until it is closed.
pub(super) struct Pieces(Receiver<Bytes>);

impl Pieces {
    pub(super) fn new(receiver: Receiver<Bytes>) -> Self {
        Self(receiver)
    }
}

/// See the [module](self).
pub(super) enum Body {
    /// All at once; taken when it was sent.
    Whole(Bytes),
    /// As they come.
    Pieces(Pieces),
}

impl Body {
    /// A text.
    pub(super) fn text(text: String) -> Self {
        Self::Whole(text.into())
    }

    /// Bytes of the whole, where they are known.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Whole(bytes) => Some(bytes.len()),
            Self::Pieces(_) => None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(std::mem::take(bytes))),
            Self::Pieces(Pieces(receiver)) => receiver.poll_recv(context),
        };
        next.map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}
