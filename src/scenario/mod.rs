//! What the user wrote: read, checked, and refused with its place where it is wrong.
//!
//! [`load`] goes from text to a checked [`Scenario`] in three steps: the text becomes a tree in
//! which every value knows its place; the command line's [`Overrides`] change the tree; readers
//! take values out of it and note everything that is wrong. Nothing here touches files or the
//! environment: both come in as [`Surroundings`].

mod checker;
mod document;
mod expand;
mod fields;
mod fingerprint;
mod key;
mod loads;
mod model;
mod overrides;
mod problem;
mod prompts;
mod random;
mod read;
mod recorded;
mod resolved;
mod row_template;
mod rows;
mod schema;
mod surroundings;
mod target;
pub mod template;
mod together;
mod trace;
mod weights;
mod words;

pub use loads::*;
pub use model::*;
pub use overrides::Overrides;
pub use problem::{Problem, Problems};
pub use read::{expectations, from_message, load, load_file, read, read_file};
pub use row_template::RowTemplate;
pub use schema::schema;
pub use surroundings::{Imagined, Surroundings};
pub use together::{Scenarios, Together};
pub use weights::reduced;
