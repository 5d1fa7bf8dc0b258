//! Arguments that commands share.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::blob::{BlockCache, SpoolDir};
use crate::cache::{self, Cache};
use crate::fuse;
use crate::image::{Choice, Cut, Input, Opening, Platform};
use crate::layer::LayerNo;
use crate::stack::{self, Stack};
use crate::tarball::{DEFAULT_BLOCKS, DEFAULT_MAX_SIZE, TarReader};
use crate::upper::{Looked, Upper};

use super::progress::Bar;
use super::size::Size;

/// Where help lists what all commands share.
const HEADING: &str = "Opening the image";

/// How an image is opened.
#[derive(Args, Debug, Clone, Default)]
pub struct OpenArgs {
    /// Choose an image of an archive that holds several, by tag or ID
    #[arg(long, help_heading = HEADING, value_name = "TAG|ID")]
    pub image: Option<String>,
    /// Choose the image for a platform [default: this machine's]
    #[arg(long, help_heading = HEADING, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,
    /// Keep indexes in this directory [default: $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
    #[arg(long, help_heading = HEADING, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Keep no indexes, and use none
    #[arg(long, help_heading = HEADING, conflicts_with = "cache_dir")]
    pub no_cache: bool,
    /// Hold decoded bytes of compressed layers in so much memory [default: 64M]
    #[arg(long, help_heading = HEADING, value_name = "SIZE")]
    pub cache_mem: Option<Size>,
    /// Open compressed layers that are not what the image says they are; plain ones only `verify` compares
    #[arg(long, help_heading = HEADING)]
    pub no_verify: bool,
    /// Open a layer by the table of contents in it (eStargz, zstd:chunked), without decoding the layer
    #[arg(long, help_heading = HEADING)]
    pub trust_toc: bool,
    /// Refuse a layer that decodes to more than this [default: 1T]
    #[arg(long, help_heading = HEADING, value_name = "SIZE")]
    pub max_layer_size: Option<Size>,
    /// Decode what cannot be read in place in this directory [default: $TMPDIR or /var/tmp]
    #[arg(long, help_heading = HEADING, value_name = "DIR")]
    pub spool_dir: Option<PathBuf>,
    /// Refuse an image with members that have no place in its tree
    #[arg(long, help_heading = HEADING)]
    pub strict: bool,
}

impl OpenArgs {
    pub fn opening(&self, cut: Cut) -> Opening {
        let choice = Choice { image: self.image.clone(), platform: self.platform.clone() };
        let tars = TarReader {
            cache: self.cache(),
            blocks: Arc::new(BlockCache::new(self.cache_mem.map_or(DEFAULT_BLOCKS, |size| size.0))),
            spool: self.spool_dir.clone().map(SpoolDir::new).unwrap_or_default(),
            recall: true,
            verify: !self.no_verify,
            trust_toc: self.trust_toc,
            max_size: self.max_layer_size.map_or(DEFAULT_MAX_SIZE, |size| size.0),
            progress: Arc::new(Bar::default()),
        };
        Opening { choice, cut, tars }
    }

    /// The cache directory, if there is to be one.
    pub fn cache(&self) -> Option<Cache> {
        if self.no_cache {
            return None;
        }
        let cache = cache_at(self.cache_dir.as_deref());
        if cache.is_none() {
            tracing::info!("neither $XDG_CACHE_HOME nor $HOME is set: indexes are not kept (--cache-dir)");
        }
        cache
    }

    /// Opens an image with its layers.
    pub fn stack(&self, input: &Input, cut: Cut) -> Result<Stack, stack::Error> {
        let stack = Stack::open(&self.opening(cut), input)?;
        if self.strict {
            stack.check_strict()?;
        }
        warn_of_rejected(&stack);
        Ok(stack)
    }
}

/// The image that a command looks into.
#[derive(Args, Debug, Clone)]
pub struct ImageArgs {
    /// The image: an archive, a layout, a tar or a directory; IMAGE@N as of layer N, IMAGE#N layer N alone
    #[arg(value_name = "IMAGE")]
    pub image_path: PathBuf,
    /// Put a layer below IMAGE (repeat: base first)
    #[arg(long, help_heading = HEADING, value_name = "LAYER")]
    pub lower: Vec<PathBuf>,
    #[command(flatten)]
    pub open: OpenArgs,
}

impl ImageArgs {
    pub fn input(&self) -> Input {
        let (path, _) = cut_of(&self.image_path);
        Input::Paths(self.lower.iter().map(PathBuf::as_path).chain([path]).map(Path::to_owned).collect())
    }

    pub fn opening(&self) -> Opening {
        self.open.opening(cut_of(&self.image_path).1)
    }

    pub fn stack(&self) -> Result<Stack, stack::Error> {
        self.open.stack(&self.input(), cut_of(&self.image_path).1)
    }

    /// Refuses to write over the image, under whatever name, or over a file of an image that is a directory.
    pub fn check_output(&self, output: &Path) -> Result<(), String> {
        let (Ok(there), Ok(real)) = (output.metadata(), output.canonicalize()) else { return Ok(()) };
        let is_read = |input: &Path| {
            let is_it =
                input.metadata().is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()));
            is_it || input.is_dir() && input.canonicalize().is_ok_and(|dir| real.starts_with(dir))
        };
        let (image, _) = cut_of(&self.image_path);
        match self.lower.iter().map(PathBuf::as_path).chain([image]).any(is_read) {
            true => Err(format!("{}: belongs to the image: name another file", output.display())),
            false => Ok(()),
        }
    }
}

/// Takes `IMAGE@N` and `IMAGE#N` apart; what there is under the whole name is meant by it.
pub fn cut_of(path: &Path) -> (&Path, Cut) {
    let bytes = path.as_os_str().as_bytes();
    let parts = || {
        let at = bytes.iter().rposition(|&byte| matches!(byte, b'@' | b'#'))?;
        let (image, suffix) = bytes.split_at_checked(at)?;
        let (sign, number) = suffix.split_first()?;
        let is_number = number.iter().all(u8::is_ascii_digit);
        let no = LayerNo(str::from_utf8(number).ok().filter(|_| is_number)?.parse().ok()?);
        let cut = if *sign == b'@' { Cut::UpTo(no) } else { Cut::Only(no) };
        Some((Path::new(OsStr::from_bytes(image)), cut))
    };
    match path.symlink_metadata() {
        Ok(_) => (path, Cut::Whole),
        Err(_) => parts().unwrap_or((path, Cut::Whole)),
    }
}

/// An image, and an upper directory over it that need not be mounted.
#[derive(Args, Debug, Clone)]
pub struct UpperArgs {
    #[command(flatten)]
    pub image: ImageArgs,
    /// The upper directory
    #[arg(long, value_name = "DIR")]
    pub upper: PathBuf,
    /// Take the upper directory even if it was made over another image
    #[arg(long)]
    pub force: bool,
}

impl UpperArgs {
    /// Opens both to look; it is said if the upper is mounted.
    pub fn look(&self) -> Result<(Stack, Upper), Box<dyn std::error::Error>> {
        let stack = self.image.stack()?;
        let upper = look_at_upper(&self.upper, &stack, self.force)?;
        Ok((stack, upper))
    }
}

/// Opens an upper directory to look; it is said if it is mounted.
pub fn look_at_upper(dir: &Path, stack: &Stack, force: bool) -> Result<Upper, Box<dyn std::error::Error>> {
    // Each directory on the way to one that is looked at is open.
    fuse::raise_file_limit();
    let Looked { upper, is_in_use } = Upper::look(dir, stack, force)?;
    if is_in_use {
        tracing::info!("{}: mounted; what is written meanwhile may be missed", dir.display());
    }
    Ok(upper)
}

/// The cache in a directory, or where it is if nobody says.
pub fn cache_at(dir: Option<&Path>) -> Option<Cache> {
    let dir = dir.map(Path::to_owned).or_else(cache::default_dir);
    Some(Cache::at(dir?, cache::DEFAULT_LIMIT))
}

/// Nothing is lost silently.
fn warn_of_rejected(stack: &Stack) {
    let count = stack.rejected().map_or(0, |rejected| rejected.len());
    if count > 0 {
        tracing::warn!("members with no place in the tree: {count}; `peelfs verify` lists them");
    }
}

/// A path in an image, as bytes.
pub fn path_bytes(path: &OsString) -> &[u8] {
    path.as_bytes()
}
