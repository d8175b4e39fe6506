//! One test binary; a file per capability.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

/// The embedded agent over real sockets: replies, refusals, faults, sessions, the truth.
mod agent;
/// The embedded agent and clients other people wrote.
mod agent_clients;
/// `streamgauge agent` as a command: what it says where, how it ends, how it refuses.
mod agent_command;
/// The embedded agent and clients that mean ill, or are broken.
mod agent_hostile;
/// The embedded agent answering from a recorded run, or from another server.
mod agent_sources;
/// Runs kept under a name: apart from the reports, whole, and found again.
mod baseline;
/// `streamgauge batch`: rows sent once and accounted for, whatever happens in between.
mod batch;
/// Long campaigns against a batch, run by hand.
mod batch_campaigns;
/// What a batch tells while it goes.
mod batch_events;
/// What `streamgauge batch` does when the target limits, refuses or breaks.
mod batch_limits;
/// What a row of a batch may say of itself, and what comes back.
mod batch_rows;
/// `streamgauge calibrate`: what it measures, keeps, and leaves behind.
mod calibrate;
/// A run inside GitHub Actions, and inside nothing.
mod ci;
/// The shell steps of the action and of the examples for CI.
mod ci_documents;
/// `streamgauge compare`: verdicts, refusals, formats, exit codes.
mod compare_command;
/// What is said of runs whose samples are known: errors first, noise between runs, verdicts.
mod compare_judge;
/// Two sweeps compared, level by level.
mod compare_sweeps;
/// How a target is reached: whose connections, HTTP/2, TLS, proxies, addresses.
mod connections;
/// The protocols end to end: what is asked, how answers are read, what is told apart.
mod dialects;
/// What a run sees of itself, how that is judged, and the control turns.
mod instrument;
/// Loads as the agent meets them: ramps, traces, levels, and the search for the highest.
mod loads;
/// Arrivals against the distributions they promise: Kolmogorov–Smirnov over ten seeds.
mod loads_arrivals;
/// What recording a turn and writing its row costs; run by hand, in a release build.
mod measure_cost;
/// report.html in a browser: safe, silent, right; sorting and zooming.
mod browser;
/// Chromium for tests.
mod driver;
/// The pages of a comparison and of a history: the same numbers as their JSON, text that stays text.
mod pages;
/// Where messages get their values: files, the environment, chance.
mod data;
/// What the documents show is what there is.
mod documents;
/// Expectations, set-up and closing as a user meets them.
mod expect;
/// Event streams byte by byte, against fixtures and another decoder.
mod event_streams;
/// Every fault of the embedded agent, and what a run reports for it.
mod faults;
/// The fuzz targets, in a short form.
mod fuzz;
/// The files that have a line a second: timeline.csv and histograms.hlog.
mod measure_files;
/// Runs over time: what is kept, what is found, what is shown.
mod history;
/// What is decided before anything is sent.
mod plan;
/// What `streamgauge plan` shows and refuses.
mod plan_command;
/// Live numbers for scrapers, and the live view where there is no terminal.
mod prometheus;
/// SOCKS proxies, and proxies over TLS.
mod proxies;
/// A recorded agent replayed: the same answers, as slowly.
mod record_replay;
/// What the report of a run looks like, and that it stays within 80 columns.
mod report;
/// `streamgauge report`: a run shown again from its directory, whatever has happened to it.
mod report_command;
/// `streamgauge run` as a user meets it: the command, real sockets, the files it leaves.
mod run;
/// What is read, and what is refused with its place.
mod scenario;
/// The schema that editors complete from, a first scenario, and completions.
mod schema;
/// A run read from its directory: finished, killed, copied, damaged.
mod stored;
/// What a summary says of known samples, live or read again from samples.csv.
mod summary;
/// What tests of the whole command share.
mod support;
/// The wire transport against servers that answer in every way HTTP/1.1 allows, and in some it does not.
mod wire;
/// Conventions that matter: layers, purity, sizes, names in documents.
mod tidy;
/// Several scenarios in one file: read, planned, run together, reported apart.
mod together;
