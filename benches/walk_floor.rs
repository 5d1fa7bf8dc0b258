//! The floor under every command that visits all of an image: opens it, and walks it.
//!
//! ```text
//! walk_floor IMAGE [CACHE_DIR] [LAYER]   with the indexes of CACHE_DIR; of one layer alone, if LAYER is given
//! ```
//!
//! Looks at the name and the attributes of everything that shows, and prints how many there are, and their bytes.

use std::io::{self, Write};
use std::path::PathBuf;

use peelfs::cache::{Cache, DEFAULT_LIMIT};
use peelfs::image::{Cut, Input, Opening};
use peelfs::layer::LayerNo;
use peelfs::path::TreePath;
use peelfs::stack::Stack;
use peelfs::tarball::TarReader;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let image: PathBuf = args.next().ok_or("usage: walk_floor IMAGE [CACHE_DIR] [LAYER]")?.into();
    let cache = args.next().map(|dir| Cache::at(dir, DEFAULT_LIMIT));
    let layer = args.next().map(|no| no.to_string_lossy().parse().map(LayerNo)).transpose()?;
    let opening = Opening {
        cut: layer.map_or(Cut::Whole, Cut::Only),
        tars: TarReader { cache, recall: true, ..TarReader::default() },
        ..Opening::default()
    };
    let union = Stack::open(&opening, &Input::Paths(vec![image]))?.union;
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    for walked in union.walk(TreePath::root(), union.root().clone()) {
        entries += 1;
        bytes = bytes.wrapping_add(union.attributes(&walked?.node)?.size);
    }
    Ok(writeln!(io::stdout(), "{entries} {bytes}")?)
}
