//! `peelfs man`: the manual pages of all commands.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::{Cli, Outcome, Result};

/// Write the manual pages of all commands into a directory
#[derive(clap::Args)]
pub struct Args {
    /// Where to; it is made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub fn run(args: Args) -> Result {
    fs::create_dir_all(&args.dir).map_err(|error| format!("{}: {error}", args.dir.display()))?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    pages(&command, "peelfs", &args.dir)?;
    Ok(Outcome::Fine)
}

/// A command's page and those of the commands below it: `peelfs-cache-ls.1`.
fn pages(command: &clap::Command, name: &str, dir: &Path) -> Result<()> {
    let file = dir.join(format!("{name}.1"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut page)?;
    fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, &format!("{name}-{}", below.get_name()), dir)?;
    }
    Ok(())
}
