//! Sessions that are handed out one at a time by somebody who answers for each: a batch.
//!
//! A plan says beforehand what will be asked. An [`Errands`] decides it as the run goes, is asked for
//! leave before every attempt, and is told what came of it.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use crate::exchange::Again;
use crate::plan::PlannedSession;
use crate::protocol::Reply;
use crate::sample::Sample;
use crate::units::Offset;

/// A session to be held, or the rest of one.
#[derive(Debug, Clone)]
pub struct Errand {
    /// What is said, and by whom; its number names the errand from now on.
    pub session: PlannedSession,
    /// The `session_id` to send.
    pub id: Arc<str>,
    /// The turn to begin with, from 1.
    pub turn: u32,
    /// Which attempt at that turn comes next, from 1.
    pub attempt: u32,
    /// When that turn was first due, where this is not its first attempt.
    pub due: Option<Offset>,
}

/// An attempt about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Intent<'a> {
    /// The errand's number.
    pub number: u64,
    /// The turn, from 1.
    pub turn: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The `session_id` that will be sent.
    pub session_id: &'a str,
}

/// Something that takes a while.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Hands out sessions and answers for each attempt at their turns.
pub trait Errands: Debug + Send + Sync {
    /// The next session, as soon as one may be begun; `None` when there will be none. The future may
    /// be dropped while it waits.
    fn next(&self) -> Pending<'_, Option<Errand>>;

    /// Waits until the attempt may leave; `false` if it must not. The future may be dropped while it
    /// waits.
    fn clear<'a>(&'a self, intent: Intent<'a>) -> Pending<'a, bool>;

    /// An attempt has ended, or could not be made on our own side. `again` is what the exchange says
    /// about asking again. Returns whether the errand has been taken back for another attempt: its
    /// session ends here then, and comes again as another errand.
    fn ended(&self, sample: &Sample, again: Option<Again>, reply: &Reply) -> bool;

    /// Nothing more of this errand will come: it has ended, was taken back, or the run is stopped.
    fn closed(&self, number: u64);
}
