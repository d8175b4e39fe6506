//! Those who watch a run while it goes: a person at the terminal, and whoever scrapes its numbers.

use std::io::Write;
use std::net::SocketAddr;

use super::prometheus::Prometheus;
use super::refused::Refused;
use super::terminal::{self, Colour, ProgressChoice, Shown};
use crate::clock::Clock;
use crate::scenario::Surroundings;
use crate::sink::live::{Facts, Live};
use crate::sink::{ProgressStyle, Sink};

/// What the command line says about them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) progress: ProgressChoice,
    pub(super) quiet: bool,
    pub(super) color: Colour,
    pub(super) prometheus: Option<SocketAddr>,
}

/// Ready to watch.
pub(super) struct Onlookers {
    shown: Shown,
    coloured: bool,
    prometheus: Option<Prometheus>,
}

/// They watch for as long as this is kept.
#[derive(Default)]
pub(super) struct Watching {
    #[cfg(feature = "tui")]
    _view: Option<super::tui::LiveView>,
}

/// A line of the command's own in the live view, and how much is done where it knows better.
pub(super) type Line = Box<dyn Fn() -> (String, Option<f64>) + Send>;

impl Onlookers {
    /// Listens for scrapers, where that is asked for; nothing has been sent by then.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(super) fn new(
        asked: Wanted,
        world: &dyn Surroundings,
        err: &mut dyn Write,
    ) -> Result<Self, Refused> {
        let shown = terminal::shown(asked.progress, asked.quiet, world);
        if asked.progress == ProgressChoice::Tui && !matches!(shown, Shown::View | Shown::Nothing) {
            let why = match cfg!(feature = "tui") {
                true => "standard error is no terminal",
                false => "this streamgauge was built without it (feature `tui`)",
            };
            let _ = writeln!(err, "note: no live view, plain lines instead: {why}");
        }
        let prometheus = asked.prometheus.map(|address| {
            Prometheus::listen(address).map_err(|error| {
                Refused::broken(&format!(
                    "cannot serve metrics on {address}: {error}; give --prometheus another port, \
                     or 0 for any"
                ))
            })
        });
        let prometheus = prometheus.transpose()?;
        if let Some(server) = prometheus.as_ref().filter(|_| !asked.quiet) {
            let _ = writeln!(err, "metrics: http://{}/metrics", server.address());
        }
        let coloured = terminal::coloured_view(asked.color, world);
        Ok(Self { shown, coloured, prometheus })
    }

    /// How lines of progress are written; `None`: they are not.
    pub(super) fn lines(&self) -> Option<ProgressStyle> {
        match self.shown {
            Shown::Lines(style) => Some(style),
            Shown::Nothing | Shown::View => None,
        }
    }

    /// Watches a run that has begun. What they are told goes through one more sink; where nobody
    /// watches there is none.
    pub(super) fn watch(
        &self,
        facts: Facts,
        clock: Clock,
        line: Option<Line>,
        sinks: &mut Vec<Box<dyn Sink>>,
    ) -> Watching {
        if self.prometheus.is_none() && self.shown != Shown::View {
            return Watching::default();
        }
        let live = Live::new(facts, clock);
        sinks.push(live.sink());
        if let Some(server) = &self.prometheus {
            server.serve(live.clone());
        }
        self.view(live, line)
    }

    #[cfg(feature = "tui")]
    fn view(&self, live: Live, line: Option<Line>) -> Watching {
        let wanted = self.shown == Shown::View;
        // A terminal that cannot be taken is no reason not to run.
        let start = || super::tui::LiveView::start(live, line, self.coloured).ok();
        Watching { _view: wanted.then(start).flatten() }
    }

    #[cfg(not(feature = "tui"))]
    fn view(&self, _: Live, _: Option<Line>) -> Watching {
        let _ = self.coloured;
        Watching::default()
    }
}
