//! Rows of a file, each sent once and accounted for exactly.
//!
//! [`Input`] is the file, checked; [`Items`] what of it is asked. A [`Desk`] hands the items to the
//! executor, tells the journal what is about to be sent and what came of it, and decides what is
//! tried again. An [`Account`] is what a journal adds up to, and the [`View`] the results that are
//! made from it.

mod account;
mod begun;
mod desk;
mod events;
mod expected;
mod halt;
mod input;
mod items;
mod learn;
mod limit;
mod pace;
mod past;
mod policy;
mod queue;
mod record;
mod result;
mod row;
mod scan;
mod settle;
mod standing;
mod tell;
mod view;

pub use account::Account;
pub use desk::{Desk, Orders, SessionIds};
pub use events::{Events, EventsWriter};
pub use halt::Halt;
pub use input::{BadRows, Input, InputError, absolute};
pub use items::{Choice, Items};
pub use policy::{Effects, Policy};
pub use record::{Begin, FORMAT, Last, Record, STATUSES, Status};
pub use row::{Fields, Format, Prompt};
pub use settle::shift;
pub use standing::Standing;
pub use view::{
    Order, Rows, Shape, View, ViewError, answer_cells, no_rows, rebuild_samples, view_rows,
};
