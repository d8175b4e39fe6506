//! `POST /v3/inference/stream/` of the Lyzr Agent API: the four strings asked, an event stream of
//! tokens with escapes answered, `[DONE]` at its end.

use super::event_stream::EndMark;
use super::tokens::TokenStream;
use super::{Asking, lyzr_v2};

/// Where a bare base URL is asked.
pub(super) const PATH: &str = "/v3/inference/stream/";

/// The body of a request: the fields of the older endpoint. The further ones it knows are optional.
pub(super) fn body(asking: &Asking<'_>, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    lyzr_v2::body(asking, out)
}

/// A decoder for one reply.
pub(super) fn decoder() -> TokenStream {
    TokenStream::new(EndMark::Done)
}
