//! The arguments of `streamgauge batch`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Subcommand, ValueEnum};

use crate::batch::{BadRows, Effects, Format, Order, SessionIds, Shape};
use crate::cli::args::TargetArgs;
use crate::cli::run::SummaryFormat;
use crate::cli::terminal::{Colour, ProgressChoice};
use crate::journal::Durability;
use crate::scenario::Failures;
use crate::units::{Rate, Share, Span};

/// Send each prompt of a file once; crash-safe, resumable.
///
/// Every row gets exactly one result, whatever happens in between: the same command again goes on
/// where it ended. Rows are JSON lines, csv, text (a prompt a line) or OpenAI batch lines.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    pub(super) kind: Option<Kind>,

    /// The prompts; - is standard input
    #[arg(value_name = "PROMPTS", required = true)]
    pub prompts: Option<PathBuf>,

    /// Where the results go (- is standard output, at the end); without it, results.jsonl in the run directory
    #[arg(short = 'o', long, value_name = "FILE", help_heading = "Output")]
    pub results: Option<PathBuf>,

    /// Take target, limits and thresholds from this scenario
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub scenario: Option<PathBuf>,

    /// Who is asked, and single fields.
    #[command(flatten)]
    pub target: TargetArgs,

    /// How the rows are written, where that cannot be told from the file
    #[arg(long, value_name = "FORMAT", help_heading = "Input")]
    pub input_format: Option<Format>,

    /// Which fields hold what, as in message=question,id=uid,session=chat
    #[arg(long, value_name = "ROLE=FIELD", value_delimiter = ',', help_heading = "Input")]
    pub map: Vec<Mapping>,

    /// Build the message from the row, as in 'Summarise: {{ row.text }}'; {{ vars.NAME }} is a value of
    /// the row's `vars`
    #[arg(long, value_name = "TEMPLATE", help_heading = "Input")]
    pub message: Option<String>,

    /// What to do about rows that cannot be asked
    #[arg(long, value_name = "WHAT", default_value = "refuse", help_heading = "Input")]
    pub bad_rows: BadRows,

    /// Only rows whose field has this value (again for more)
    #[arg(long = "where", value_name = "FIELD=VALUE", help_heading = "Selection")]
    pub where_: Vec<Pair>,

    /// Only part I of N, as in 1/4
    #[arg(long, value_name = "I/N", help_heading = "Selection")]
    pub shard: Option<Part>,

    /// Only so many rows, drawn by --seed
    #[arg(long, value_name = "N", help_heading = "Selection")]
    pub sample: Option<u32>,

    /// Only the first so many rows
    #[arg(long, value_name = "N", help_heading = "Selection")]
    pub head: Option<u32>,

    /// Ask every row so many times
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Selection")]
    pub repeat: u32,

    /// Rows under way at once; auto finds out what the target takes
    #[arg(short = 'c', long, value_name = "N", default_value = "4", help_heading = "Pace")]
    pub concurrency: Concurrency,

    /// Send no more than this, as in 5/s
    #[arg(long, value_name = "RATE", conflicts_with = "rpm", help_heading = "Pace")]
    pub rate: Option<Rate>,

    /// Send no more than so many a minute
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pace")]
    pub rpm: Option<u32>,

    /// Attempts at a row, outages of the target not counted
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Retries")]
    pub max_attempts: u32,

    /// No further attempt so long after a row's first; a longer outage stops the batch
    #[arg(long, value_name = "TIME", default_value = "15m", help_heading = "Retries")]
    pub max_elapsed: Span,

    /// A target that wants us to wait longer stops the batch
    #[arg(long, value_name = "TIME", default_value = "5m", help_heading = "Retries")]
    pub max_retry_after: Span,

    /// Whether a row is sent again that the agent may have taken
    #[arg(long, value_name = "WHAT", default_value = "at-least-once", help_heading = "Retries")]
    pub effects: Effects,

    /// Rows with the same value in this field are one session: in order, one at a time
    #[arg(long, value_name = "FIELD", help_heading = "Sessions")]
    pub session_field: Option<String>,

    /// Which session_id is sent: one that was never used, or the row's own
    #[arg(long, value_name = "WHICH", default_value = "fresh", help_heading = "Sessions")]
    pub session_ids: SessionIds,

    /// In which order the results stand
    #[arg(long, value_name = "ORDER", default_value = "completion", help_heading = "Output")]
    pub order: Order,

    /// What a result looks like; without it, csv where the name of -o ends so, else native
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub output_format: Option<Shape>,

    /// Tell what happens as it happens, a JSON document a line; - is standard output, which then shows no
    /// summary
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub events: Option<PathBuf>,

    /// Make the run directory in this folder
    #[arg(long, value_name = "DIR", default_value = "reports", help_heading = "Output")]
    pub out: PathBuf,

    /// How the summary is written to standard output
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text, help_heading = "Output")]
    pub format: SummaryFormat,

    /// Say nothing while it runs, and of the summary only what failed
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value_t = ProgressChoice::Auto, help_heading = "Output")]
    pub progress: ProgressChoice,

    /// Serve live numbers for Prometheus on this address, as in 127.0.0.1:9464, under /metrics
    #[arg(long, value_name = "ADDRESS", help_heading = "Output")]
    pub prometheus: Option<SocketAddr>,

    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto, help_heading = "Output")]
    pub color: Colour,

    /// Stop when more rows than this are without an answer, as in 10 or 5%
    #[arg(long, value_name = "N|P%", value_parser = failures, help_heading = "Limits")]
    pub max_failures: Option<Failures>,

    /// What every answer has to be: a file with the fields of a scenario's `expect`
    #[arg(long, value_name = "FILE", help_heading = "Limits")]
    pub expect: Option<PathBuf>,

    /// Start no more rows after this time
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub deadline: Option<Span>,

    /// Show what would be done; send nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Go on with the batch in this run directory, or with the one these results belong to
    #[arg(long, value_name = "RUN_DIR", num_args = 0..=1, conflicts_with = "fresh")]
    pub resume: Option<Option<PathBuf>>,

    /// Begin anew, whatever there is
    #[arg(long)]
    pub fresh: bool,

    /// Write to the disk in groups, or every record by itself
    #[arg(long, value_name = "HOW", default_value = "group")]
    pub durability: Durability,

    /// Threads that send; without it, one less than there are processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
}

/// Looking at a batch that is there.
#[derive(Debug, Clone, Subcommand)]
pub enum Kind {
    /// Say how far a batch has come; it may be running
    Status {
        /// Its run directory
        run: PathBuf,
    },
    /// Replay the journal, make the results anew, and check that everything agrees
    Verify {
        /// Its run directory
        run: PathBuf,
    },
    /// Write the results in another form
    Export {
        /// Its run directory
        run: PathBuf,
        /// Where to; without it, standard output
        #[arg(short = 'o', long, value_name = "FILE")]
        results: Option<PathBuf>,
        /// What a result looks like
        #[arg(long, value_name = "FORMAT", default_value = "native")]
        output_format: Shape,
        /// In which order the results stand
        #[arg(long, value_name = "ORDER", default_value = "input")]
        order: Order,
    },
}

/// How many rows may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// So many.
    Fixed(u32),
    /// What the target takes.
    Auto,
}

impl FromStr for Concurrency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(count @ 1..=10_000)) => Ok(Self::Fixed(count)),
            _ => Err("write a number from 1 to 10000, or auto".into()),
        }
    }
}

/// A role and the field that plays it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) role: Role,
    pub(super) field: String,
}

/// What a field can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What is said.
    Message,
    /// What the row is known by.
    Id,
    /// Which session it belongs to.
    Session,
    /// What its answers have to be.
    Expect,
    /// Values for --message.
    Vars,
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, field) = text.split_once('=').ok_or("write it as message=FIELD")?;
        let role = match role {
            "message" | "turns" => Role::Message,
            "id" => Role::Id,
            "session" => Role::Session,
            "expect" => Role::Expect,
            "vars" => Role::Vars,
            other => {
                return Err(format!("`{other}` is not message, id, session, expect or vars"));
            }
        };
        Ok(Self { role, field: field.to_owned() })
    }
}

/// A field and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair(pub(super) String, pub(super) String);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, value) = text.split_once('=').ok_or("write it as FIELD=VALUE")?;
        Ok(Self(field.to_owned(), value.to_owned()))
    }
}

/// One of so many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part(pub(super) u32, pub(super) u32);

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('/')
            .and_then(|(part, of)| Some(Self(part.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some(Self(part, of)) if (1..=of).contains(&part) => Ok(Self(part, of)),
            _ => Err("write a part of so many, as in 1/4".into()),
        }
    }
}

fn failures(text: &str) -> Result<Failures, String> {
    if let Ok(count) = text.parse() {
        return Ok(Failures::Count(count));
    }
    let share: Share = text.parse().map_err(|_| "write a count, or a share as in 5%".to_owned())?;
    Ok(Failures::Share(share))
}

macro_rules! words {
    ($type:ty { $($value:expr => $word:literal),+ $(,)? }) => {
        impl ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &[$($value),+]
            }

            fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
                let known = [$(($value, $word)),+];
                let word = known.into_iter().find(|(value, _)| value == self)?.1;
                Some(clap::builder::PossibleValue::new(word))
            }
        }
    };
}

words!(Format {
    Self::JsonLines => "jsonl",
    Self::Csv => "csv",
    Self::Text => "txt",
    Self::OpenAi => "openai-batch",
});
words!(BadRows { Self::Refuse => "refuse", Self::Skip => "skip" });
words!(Effects { Self::AtLeastOnce => "at-least-once", Self::AtMostOnce => "at-most-once" });
words!(SessionIds { Self::Fresh => "fresh", Self::Literal => "literal" });
words!(Order { Self::Completion => "completion", Self::Input => "input" });
words!(Shape { Self::Native => "native", Self::OpenAi => "openai-batch", Self::Csv => "csv" });
words!(Durability { Self::Group => "group", Self::Each => "each" });
