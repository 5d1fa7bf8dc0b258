//! `peelfs completions`: what a shell needs to complete command lines, and paths in images.

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
        For::Zsh => (Shell::Zsh, include_str!("completions.zsh")),
        For::Fish => (Shell::Fish, include_str!("completions.fish")),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut without_hidden(&Cli::command()), "peelfs", &mut script);
    let mut script = String::from_utf8(script)?;
    if shell == Shell::Zsh {
        script = renamed(&script)?;
    }
    let mut out = Output::new();
    out.write_all(script.as_bytes())?;
    out.write_all(addition.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Fine)
}

/// zsh's script with its function as `_peelfs_words`, to be called by one that knows more, and without the lines
/// that make it known.
fn renamed(script: &str) -> Result<String> {
    let parts = script.split_once("\n_peelfs() {");
    let parts = parts.zip(script.rfind("\nif [ \"$funcstack[1]\" = \"_peelfs\" ]"));
    let ((head, _), end) = parts.ok_or("zsh's script has another form than was expected")?;
    let body = script.get(head.len()..end).unwrap_or_default();
    let body = body.replacen("_peelfs() {", "_peelfs_words() {", 1);
    // Behind `*::` _arguments offers no options any more.
    Ok(format!("{head}{}\n", body.replace("'*::", "'*:")))
}

/// The program without the commands that only scripts call.
fn without_hidden(cli: &clap::Command) -> clap::Command {
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set());
    clap::Command::new("peelfs").args(cli.get_arguments()).subcommands(shown)
}
