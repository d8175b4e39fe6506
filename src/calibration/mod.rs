//! What a machine and this tool can tell apart: our figures beside an agent's own log, turn by turn.
//!
//! Pure: what is played, how figures are compared, and which figure a later run may cite. Playing
//! it, with processes and sockets, is the command's (`cli/calibrate`).

mod error;
mod grid;
mod model;

pub use error::{Errors, OurTurn, TrueTurn};
pub use grid::{Effort, Ladder, Setting, grid};
pub use model::{Calibration, Cell, ErrorFigures, FORMAT, Highest, LatenessFigures, Place};
