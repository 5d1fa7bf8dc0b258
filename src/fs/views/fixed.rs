//! What lies around the views: their directories, and what the image says of itself, as files.

use crate::entry::{Attributes, Device, Kind, Time};
use crate::fs::{DirEntry, Error, Filesystem, InodeNo, Result};
use crate::layer::LayerNo;

use super::number::{Part, View};
use super::{NAME, Views};

/// Numbers of what there is once.
const HERE: u64 = 1;
const LAYERS: u64 = 2;
const UPTO: u64 = 3;
const DIFF: u64 = 4;
const CONFIG: u64 = 5;
const MANIFEST: u64 = 6;
const HISTORY: u64 = 7;

/// Numbers from here on are those of `diff/N`.
const OF_DIFF: u64 = 1 << 32;

/// Names in `/.peelfs`, with their numbers.
const NAMES: [(&str, u64); 6] = [
    ("config.json", CONFIG),
    ("diff", DIFF),
    ("history", HISTORY),
    ("layers", LAYERS),
    ("manifest.json", MANIFEST),
    ("upto", UPTO),
];

/// Something around the views of a tree.
#[derive(Clone, Copy)]
pub struct Fixed<'a> {
    /// The tree.
    pub fs: &'a Filesystem,
    /// Its views.
    pub views: &'a Views,
    /// Which thing.
    pub no: u64,
}

/// One name in a directory.
type Named = (Vec<u8>, InodeNo);

impl Fixed<'_> {
    /// The number of `/.peelfs`.
    pub fn root() -> InodeNo {
        View::Fixed.number(InodeNo(HERE))
    }

    /// The directory that a view stands in.
    pub fn above(view: View) -> InodeNo {
        View::Fixed.number(InodeNo(match view {
            View::Fixed => HERE,
            View::Layer(_) => LAYERS,
            View::UpTo(_) => UPTO,
            View::Diff(no, _) => OF_DIFF + u64::from(no.0),
        }))
    }

    /// The attributes.
    pub fn attributes(&self) -> Result<Attributes> {
        let time = self.views.time(self.fs);
        match self.text_len()? {
            Some(len) => Ok(file(len, time)),
            None if self.is_dir() => Ok(Attributes { kind: Kind::Directory, mode: 0o555, ..file(0, time) }),
            None => Err(Error::Stale),
        }
    }

    /// What a name in it is.
    pub fn lookup(&self, name: &[u8]) -> Result<Option<InodeNo>> {
        self.check_dir()?;
        let Ok(name) = str::from_utf8(name) else { return Ok(None) };
        match self.no {
            HERE => {
                let found = NAMES.iter().find(|(own, no)| *own == name && self.has(*no));
                Ok(found.map(|(_, no)| View::Fixed.number(InodeNo(*no))))
            }
            LAYERS | UPTO | DIFF => Ok(self.layer_no(name).map(|no| self.of_layer(no))),
            _ => {
                let part = Part::ALL.iter().find(|(own, _)| *own == name);
                Ok(part.map(|(_, part)| View::Diff(self.diff_no(), *part).number(InodeNo::ROOT)))
            }
        }
    }

    /// Lists it from a position.
    pub fn readdir(&self, position: u64, add: &mut dyn FnMut(&DirEntry<'_>) -> bool) -> Result<()> {
        self.check_dir()?;
        let own = View::Fixed.number(InodeNo(self.no));
        let above = match self.no {
            HERE => InodeNo::ROOT,
            LAYERS | UPTO | DIFF => Fixed::root(),
            _ => View::Fixed.number(InodeNo(DIFF)),
        };
        let names: Vec<Named> =
            [(b".".to_vec(), own), (b"..".to_vec(), above)].into_iter().chain(self.names()).collect();
        for ((name, ino), next) in names.iter().zip(1..).skip(usize::try_from(position).unwrap_or(usize::MAX))
        {
            let attributes = self.fs.attributes(*ino)?;
            if add(&DirEntry { ino: *ino, name, attributes, next }) {
                break;
            }
        }
        Ok(())
    }

    /// Reads one of the texts.
    pub fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let text: &[u8] = match self.no {
            CONFIG => self.config().unwrap_or_default(),
            HISTORY => self.views.history(self.fs),
            MANIFEST => return self.read_manifest(offset, buf),
            _ => return Err(if self.is_dir() { Error::IsADirectory } else { Error::Stale }),
        };
        let rest = usize::try_from(offset).ok().and_then(|at| text.get(at..)).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }

    /// Its path in the tree.
    pub fn path(&self) -> Vec<u8> {
        let name = match self.no {
            HERE => return NAME.to_vec(),
            LAYERS..=HISTORY => {
                NAMES.iter().find(|(_, no)| *no == self.no).map_or("", |(name, _)| name).to_owned()
            }
            _ => format!("diff/{}", self.diff_no()),
        };
        [NAME, b"/", name.as_bytes()].concat()
    }

    /// How long a text is; `None` if it is none, or not there.
    pub fn text_len(&self) -> Result<Option<u64>> {
        Ok(match self.no {
            CONFIG => self.config().map(|config| config.len() as u64),
            HISTORY => Some(self.views.history(self.fs).len() as u64),
            MANIFEST => self.manifest().map(|manifest| manifest.blob.len()),
            _ => None,
        })
    }

    fn names(&self) -> Vec<Named> {
        let fixed = |(name, no): &(&str, u64)| (name.as_bytes().to_vec(), View::Fixed.number(InodeNo(*no)));
        match self.no {
            HERE => NAMES.iter().filter(|(_, no)| self.has(*no)).map(fixed).collect(),
            LAYERS | UPTO | DIFF => {
                let layers = (0..self.layers()).map(LayerNo);
                layers.map(|no| (no.to_string().into_bytes(), self.of_layer(no))).collect()
            }
            _ => {
                let no = self.diff_no();
                let part = |(name, part): (&str, Part)| {
                    (name.as_bytes().to_vec(), View::Diff(no, part).number(InodeNo::ROOT))
                };
                Part::ALL.map(part).to_vec()
            }
        }
    }

    /// The number of a layer's own place in this directory.
    fn of_layer(&self, no: LayerNo) -> InodeNo {
        match self.no {
            LAYERS => View::Layer(no).number(InodeNo::ROOT),
            UPTO => View::UpTo(no).number(InodeNo::ROOT),
            _ => View::Fixed.number(InodeNo(OF_DIFF + u64::from(no.0))),
        }
    }

    /// The layer of a name: its number in digits, none of them too much.
    fn layer_no(&self, name: &str) -> Option<LayerNo> {
        let no = name.parse::<u32>().ok().filter(|no| no.to_string() == name && *no < self.layers())?;
        Some(LayerNo(no))
    }

    fn diff_no(&self) -> LayerNo {
        LayerNo(self.no as u32)
    }

    fn layers(&self) -> u32 {
        u32::try_from(self.fs.stack().layers().len()).unwrap_or(u32::MAX)
    }

    fn is_dir(&self) -> bool {
        let is_diff = self.no >= OF_DIFF && self.no - OF_DIFF < self.layers().into();
        matches!(self.no, HERE..=DIFF) || is_diff
    }

    fn check_dir(&self) -> Result<()> {
        if self.is_dir() { Ok(()) } else { Err(Error::NotADirectory) }
    }

    /// Whether the image has something to show there.
    fn has(&self, no: u64) -> bool {
        match no {
            CONFIG => self.config().is_some(),
            MANIFEST => self.manifest().is_some(),
            _ => true,
        }
    }

    fn config(&self) -> Option<&[u8]> {
        let config = self.fs.stack().image.config.as_ref()?;
        Some(&*config.json).filter(|json| !json.is_empty())
    }

    fn manifest(&self) -> Option<&crate::image::ArchiveFile> {
        self.fs.stack().image.manifest.as_ref()?.file.as_ref()
    }

    fn read_manifest(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let Some(manifest) = self.manifest() else { return Err(Error::Stale) };
        let left = usize::try_from(manifest.blob.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = left.min(buf.len());
        let read = manifest.blob.read_at(offset, buf.get_mut(..len).unwrap_or_default());
        read.map_err(|source| Error::Io { place: manifest.archive.to_string(), source })
    }
}

/// How a file looks that no layer has.
pub fn file(size: u64, time: Time) -> Attributes {
    Attributes {
        kind: Kind::Regular,
        mode: 0o444,
        uid: 0,
        gid: 0,
        size,
        blocks: size.div_ceil(512),
        device: Device::default(),
        nlink: 1,
        mtime: time,
        atime: time,
        ctime: time,
    }
}
