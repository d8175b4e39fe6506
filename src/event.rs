//! What those who run tell those who keep and show. Neither knows the other.

use std::sync::Arc;
use std::time::Duration;

use crate::measure::Interval;
use crate::protocol::Piece;
use crate::sample::Sample;
use crate::units::Offset;

/// Something that happened on one worker, in the order it happened there.
#[derive(Debug)]
pub enum Event {
    /// Attempts that ended on worker `worker`, in order of ending; it has no more of them that ended
    /// before `until`.
    Samples {
        /// Which worker.
        worker: usize,
        /// The attempts; none where it only says that there were none.
        samples: Vec<Sample>,
        /// Everything that ended up to here has been told.
        until: Offset,
    },
    /// What was said in an attempt; only where the run was told to keep it.
    Said(Box<Said>),
    /// One second is over for good.
    Second(Box<Interval>),
    /// Worker `worker` will report nothing more of seconds before `second`.
    Reached {
        /// Which worker.
        worker: usize,
        /// Seconds since the origin.
        second: u64,
        /// When it said so.
        at: Offset,
    },
    /// A control turn has ended; not of the target.
    Control(ControlTurn),
    /// Worker `worker` has told everything.
    Ended {
        /// Which worker.
        worker: usize,
    },
}

/// A turn that was asked of an agent of known timing, to see our own bias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlTurn {
    /// What was asked: by it the agent knows how long it really took.
    pub message: Box<str>,
    /// Time to first chunk as we saw it, from when it was handed to the transport.
    pub ttfc: Duration,
    /// Until the reply ended, as we saw it.
    pub total: Duration,
    /// When it ended.
    pub ended: Offset,
}

/// What was said in one attempt.
#[derive(Debug, Clone)]
pub struct Said {
    /// The sample of the attempt.
    pub sample: Sample,
    /// What was asked.
    pub message: Arc<str>,
    /// What was answered, as far as it came.
    pub text: String,
    /// The chunks of the answer; only where they are kept.
    pub pieces: Vec<Piece>,
}
