//! `peelfs umount`: take a mount away.

use std::path::PathBuf;

use crate::fuse::unmount;

use super::{Outcome, Result, complain};

/// Unmount a mount of peelfs, a dead one too
#[derive(clap::Args)]
#[command(visible_alias = "unmount")]
pub struct Args {
    /// Where it is
    #[arg(value_name = "MOUNTPOINT", required = true)]
    mount_points: Vec<PathBuf>,
    /// Take it out of the tree now, and end it when its last user does
    #[arg(short, long)]
    lazy: bool,
}

pub fn run(args: Args) -> Result {
    let mut outcome = Outcome::Fine;
    for mount_point in &args.mount_points {
        if let Err(error) = unmount(mount_point, args.lazy) {
            complain(&error.to_string());
            outcome = Outcome::Partial;
        }
    }
    Ok(outcome)
}
