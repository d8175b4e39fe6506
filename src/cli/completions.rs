//! `streamgauge completions`: what a shell needs to complete commands and flags.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::exit::Exit;

/// Arguments of `streamgauge completions`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
As in:
  streamgauge completions bash > ~/.local/share/bash-completion/completions/streamgauge
  streamgauge completions fish > ~/.config/fish/completions/streamgauge.fish")]
pub struct Args {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Writes them to `out`; the exit code.
pub fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    // Into memory first: the generator ends the process where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "streamgauge", &mut script);
    super::told(out.write_all(&script).and_then(|()| out.flush()), err)
}
