//! `peelfs completions`: what a shell needs to complete command lines; bash also completes paths in images.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::Output;
use super::{Cli, Outcome, Result};

/// Write a script that completes command lines of peelfs in a shell
#[derive(clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_name = "bash|zsh|fish", hide_possible_values = true)]
    shell: For,
}

/// The shells there is a script for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum For {
    Bash,
    Zsh,
    Fish,
}

pub fn run(args: Args) -> Result {
    let (shell, addition) = match args.shell {
        For::Bash => (Shell::Bash, include_str!("completions.bash")),
        For::Zsh => (Shell::Zsh, ""),
        For::Fish => (Shell::Fish, ""),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut without_hidden(&Cli::command()), "peelfs", &mut script);
    let mut out = Output::new();
    out.write_all(&script)?;
    out.write_all(addition.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Fine)
}

/// The program without the commands that only scripts call.
fn without_hidden(cli: &clap::Command) -> clap::Command {
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set());
    clap::Command::new("peelfs").args(cli.get_arguments()).subcommands(shown)
}
