//! Every field of the scenario file: its name, what may stand there, what it is for.
//!
//! One table, used three times: the readers know their fields from it, `streamgauge schema` is
//! made from it, and a test holds the readers to it. A field that is not here does not exist.

use super::loads::OnOverload;
use super::model::{Framing, History, Keep, OnEnd, OnError, Pick, Protocol, Via};
use super::words::Worded;

/// One field of a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What it is for: one line.
    pub(super) doc: &'static str,
    /// What holds where it is left out, as it would be written.
    pub(super) default: Option<&'static str>,
    /// Whether its map cannot do without it.
    pub(super) required: bool,
}

/// What may stand in a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Text; a number is taken as it is written.
    Text,
    /// A whole number, both ends included.
    Whole(u64, u64),
    /// `250ms`, `2s`, `1m30s`.
    Span,
    /// A span, or a distribution of them.
    Delay,
    /// `5/s`, `300/m`.
    Rate,
    /// `even`, `poisson` or `gamma(0.5)`.
    Arrivals,
    /// A count, or a share such as `1%`.
    CountOrShare,
    /// `true` or `false`.
    Truth,
    /// One of a few words.
    Word(fn() -> Vec<&'static str>),
    /// Anything at all.
    Any,
    /// A map with these fields and no other.
    Map(&'static [Field]),
    /// A map with exactly one of these fields.
    OneOf(&'static [Field]),
    /// A map whose names are free.
    Named(&'static Kind),
    List(&'static Kind),
    Either(&'static [Kind]),
    /// Nothing: the name alone says enough.
    Nothing,
}

/// The names of a table, in its order.
pub(super) const fn names<const N: usize>(fields: &'static [Field]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = fields[at].name;
        at += 1;
    }
    names
}

fn words<T: Worded>() -> Vec<&'static str> {
    T::WORDS.iter().map(|(word, _)| *word).collect()
}

const fn field(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, doc, default: None, required: false }
}

impl Field {
    const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

use Kind::{
    Any, Arrivals, CountOrShare, Delay, Either, List, Map, Named, Nothing, OneOf, Rate, Span, Text,
    Truth, Whole, Word,
};

const MOST: u64 = u64::MAX;
/// Sessions open at once.
const AT_ONCE: Kind = Whole(1, 100_000);
const TEXTS: Kind = Either(&[Text, List(&Text)]);

pub(super) const SCENARIO: &[Field] = &[
    field("name", Text, "What the run is called; becomes part of a folder's name"),
    field("target", Map(TARGET), "Who is asked").required(),
    OWN[0],
    OWN[1],
    OWN[2],
    OWN[3],
    OWN[4],
    OWN[5],
    OWN[6],
    OWN[7],
    OWN[8],
    field("limits", Map(LIMITS), "What must not be exceeded"),
    OWN[9],
    field("thresholds", Named(&TEXTS), "What has to hold: metric to expressions as p(95)<800ms"),
    field("stop_when", Either(&[RULE, List(&RULE)]), "What ends a run before its time"),
    field("scenarios", List(&Map(LISTED)), "Several that are run together and reported apart"),
];

/// What a scenario says for itself, at the top of the file or in an entry of `scenarios`.
pub(super) const OWN: &[Field] = &[
    field("users", Map(USERS), "Who asks"),
    field("sessions", List(&Map(SESSION)), "What is asked: kinds of conversation"),
    field("data", Named(&Map(FEEDER)), "Files whose rows templates take values from"),
    field("env", List(&Text), "Environment variables that templates may name as env.NAME"),
    field("load", OneOf(LOAD), "How much is asked at once; exactly one model"),
    field(
        "warmup",
        Either(&[Span, Map(WARMUP)]),
        "What is left out of the figures: a time, or turns",
    )
    .default("0s"),
    field("drain", Span, "How long answers may still come after the end").default("30s"),
    field("on_error", Word(words::<OnError>), "What a failed turn does to the rest of its session")
        .default("end_session"),
    field("expect", EXPECT_KIND, "What every answer of a main message has to be"),
    field("slo", Map(SLO), "What a good turn is; goodput counts those"),
];

/// An entry of `scenarios`. What it does not say stands at the top of the file, or is the default.
pub(super) const LISTED: &[Field] = &[
    field("name", Text, "Figures are kept by it; default: scenario-N"),
    field("start_after", Span, "How long after the beginning of the run it starts").default("0s"),
    OWN[0],
    OWN[1],
    OWN[2],
    OWN[3],
    OWN[4],
    OWN[5],
    OWN[6],
    OWN[7],
    OWN[8],
    OWN[9],
];

/// A metric with its expression, and `for`.
const RULE: Kind = Named(&Text);

pub(super) const WARMUP: &[Field] =
    &[field("turns", Whole(1, MOST), "Turns due before so many have ended").required()];

pub(super) const TARGET: &[Field] = &[
    field("url", Text, "A URL, or `embedded` for the built-in agent").required(),
    field("protocol", Word(words::<Protocol>), "The API it speaks").default("lyzr-v2"),
    field("framing", Word(words::<Framing>), "How replies are framed").default("auto"),
    field("agent_id", Text, "Which agent answers"),
    field("api_key_env", Text, "The NAME of the variable that holds the key, never the key"),
    field("headers", Named(&Text), "Sent with every request"),
    field("timeouts", Map(TIMEOUTS), "When to give up"),
    field("history", Word(words::<History>), "What is sent along of a conversation (openai)"),
    field("connections", Word(words::<Keep>), "Who shares connections").default("shared"),
    field("transport", Word(words::<Via>), "Which of our transports asks").default("auto"),
    field("source_addresses", TEXTS, "Addresses of this machine that connections come from"),
    field("http2", Truth, "Whether HTTP/2 is spoken").default("false"),
    field("proxy", Text, "An http, https, socks5 or socks5h URL"),
    field("ca_file", Text, "Certificates to trust, in PEM"),
    field("client_cert", Text, "The client's certificate, in PEM; goes with client_key"),
    field("client_key", Text, "The client's private key, in PEM; goes with client_cert"),
    field("resolve", TEXTS, "Addresses of the target's host, as host:port:address"),
];

pub(super) const TIMEOUTS: &[Field] = &[
    field("connect", Span, "Opening a connection").default("5s"),
    field("first_chunk", Span, "From sending until the first text").default("30s"),
    field("idle", Span, "Between two chunks").default("30s"),
    field("total", Span, "The whole reply").default("5m"),
];

pub(super) const USERS: &[Field] = &[
    field(
        "count",
        Whole(1, 1_000_000),
        "How many identities; default: as many as are open at once",
    ),
    field("from", Text, "A file with a row a user: csv, jsonl or json"),
    field("id", Text, "Template of the user_id").default("user-{{ user.index }}"),
    field(
        "sessions_per_user",
        Whole(1, 1_000_000_000),
        "How many sessions each user opens in all; the load ends when they are used up",
    ),
];

pub(super) const SESSION: &[Field] = &[
    field("name", Text, "Figures are kept by it; default: the file's stem, or session-N"),
    field("weight", Whole(1, 1_000_000), "How often it comes against the others").default("1"),
    field("session_id", Text, "A fixed session_id instead of a fresh one each time"),
    field("user_id", Text, "A fixed user_id instead of the identity's"),
    field("on_error", Word(words::<OnError>), "Overrides the scenario's on_error"),
    field("expect", EXPECT_KIND, "What every answer of its main messages has to be"),
    field("setup", MESSAGES, "Said before the rest; left out of the figures"),
    field("messages", MESSAGES, "What is said, in order"),
    field("closing", MESSAGES, "Said after the rest; left out of the figures"),
    field("from", Text, "A file whose rows are sessions: jsonl, csv, json or txt"),
    field("message", Text, "The field of a row that holds its one message"),
    field("turns", Text, "The field of a row that holds a list of messages"),
    field("id", Text, "The field that names the row"),
    field("think", Delay, "Before every message of a row but its first").default("0s"),
];

const MESSAGES: Kind = List(&Either(&[Text, Map(MESSAGE)]));

pub(super) const MESSAGE: &[Field] = &[
    field("text", Text, "A template; sent as it stands without {{").required(),
    field("think", Delay, "Before this message is due").default("0s"),
    field("expect", EXPECT_KIND, "What its answer has to be"),
];

const EXPECT_KIND: Kind = Map(EXPECT);

pub(super) const EXPECT: &[Field] = &[
    field("contains", TEXTS, "The text holds this, letter for letter"),
    field("matches", TEXTS, "The text holds a match of this regular expression"),
    field(
        "json",
        Either(&[Map(EXPECT_JSON), List(&Map(EXPECT_JSON))]),
        "The text is JSON with this in it",
    ),
    field("min_chunks", Whole(1, MOST), "At least so many chunks"),
    field("max_chunks", Whole(1, MOST), "At most so many chunks"),
    field("min_bytes", Whole(1, MOST), "At least so many bytes of body"),
    field("max_bytes", Whole(1, MOST), "At most so many bytes of body"),
    field("max_ttfc", Span, "Time to first chunk, from when the turn was due"),
    field("max_total", Span, "Until the answer ended, from when the turn was due"),
    field("not_empty", Truth, "The text is more than white space"),
];

pub(super) const EXPECT_JSON: &[Field] = &[
    field("path", Text, "Where: $.a.b[0] or /a/b/0").required(),
    field("exists", Truth, "Whether a value stands there").default("true"),
    field("equals", Any, "The value that stands there"),
];

pub(super) const FEEDER: &[Field] = &[
    field("from", Text, "The file: csv, jsonl or json").required(),
    field("pick", Word(words::<Pick>), "Which row a session takes").default("sequential"),
    field("on_end", Word(words::<OnEnd>), "What happens when unique rows run out").default("stop"),
];

pub(super) const LOAD: &[Field] = &[
    field("once", Either(&[Nothing, Map(ONCE)]), "Everything once"),
    field("closed", Map(CLOSED), "So many sessions open at any time"),
    field("open", Map(OPEN), "Sessions arrive on a schedule, whatever the agent does"),
    field("replay", Map(REPLAY), "Sessions arrive when those of a trace did"),
];

pub(super) const ONCE: &[Field] =
    &[field("concurrency", AT_ONCE, "Sessions open at once").default("8")];

pub(super) const CLOSED: &[Field] = &[
    field("users", AT_ONCE, "Sessions open at once"),
    field("duration", Span, "When no more are opened"),
    field("iterations", Whole(1, 1_000_000_000_000), "How many sessions in all"),
    field("stages", List(&Map(USER_STAGE)), "Users that come and go, instead of the other three"),
];

pub(super) const USER_STAGE: &[Field] = &[
    field("for", Span, "How long it takes; 0s is a jump").required(),
    field("to", Whole(0, 100_000), "Users at its end, in a straight line").required(),
];

pub(super) const OPEN: &[Field] = &[
    field("rate", Rate, "New sessions"),
    field("stages", List(&Map(RATE_STAGE)), "A rate that changes, instead of rate and duration"),
    field("arrivals", Arrivals, "How evenly they come: even, poisson or gamma(shape)")
        .default("even"),
    field("duration", Span, "For how long"),
    field("max_in_flight", AT_ONCE, "Most turns on the wire; default: no bound"),
    field("on_overload", Word(words::<OnOverload>), "What an arrival does that finds no slot")
        .default("queue"),
];

pub(super) const RATE_STAGE: &[Field] = &[
    field("for", Span, "How long it takes; 0s is a jump").required(),
    field("to", Either(&[Rate, Whole(0, 0)]), "The rate at its end, in a straight line").required(),
];

pub(super) const REPLAY: &[Field] = &[
    field("from", Text, "A trace of arrivals: jsonl, csv, or the samples.csv of a run").required(),
    field("speed", Text, "How many times faster").default("1"),
    field("window", Map(WINDOW), "The part of the trace that is taken"),
    field("max_in_flight", AT_ONCE, "Most turns on the wire; default: no bound"),
    field("on_overload", Word(words::<OnOverload>), "What an arrival does that finds no slot")
        .default("queue"),
];

pub(super) const WINDOW: &[Field] = &[
    field("from", Span, "From here, counted from its first arrival").default("0s"),
    field("to", Span, "Up to here"),
];

pub(super) const LIMITS: &[Field] = &[
    field("requests", Rate, "Requests over the whole run; waiting counts as queue"),
    field("retries", Whole(0, 100), "Further attempts at a turn that is safe to repeat")
        .default("0"),
    field("failures", CountOrShare, "Turns that may stay without an answer").default("0"),
];

pub(super) const SLO: &[Field] = &[
    field("ttfc", Span, "Time to first chunk, at most"),
    field("total", Span, "Until the reply ended, at most"),
];
