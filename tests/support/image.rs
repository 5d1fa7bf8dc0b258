//! Images for tests, in memory: layers stacked as any command would stack them.

use std::sync::Arc;

use peelfs::blob::Blob;
use peelfs::entry::{Attributes, Kind};
use peelfs::fs::{Filesystem, InodeNo};
use peelfs::image::{self, IndexedLayer, LayerSource, Origin};
use peelfs::index::{Content, LayerIndex, check};
use peelfs::path::TreePath;
use peelfs::stack::Stack;
use peelfs::union::{Last, Node};

use super::layer::Layer;

/// The index as a cache gives it: what holds for an index must hold for the file that it is kept in.
fn stored(index: &LayerIndex) -> LayerIndex {
    let file = tempfile::tempfile().unwrap();
    index.store(&file).unwrap();
    LayerIndex::load(&file, || None).unwrap()
}

/// Layers, base first, with all that a command could ask of them.
pub struct Image {
    pub fs: Filesystem,
}

impl Image {
    /// Stacks layers, base first. Every index is checked.
    pub fn of(layers: impl IntoIterator<Item = Layer>) -> Image {
        Image::of_tars(layers.into_iter().map(Layer::finish))
    }

    /// Stacks layer tars, base first.
    pub fn of_tars(tars: impl IntoIterator<Item = Vec<u8>>) -> Image {
        let layers = tars.into_iter().map(|tar| {
            let index = LayerIndex::of_tar(&tar).unwrap();
            let index = stored(&index);
            assert_eq!(check(&index, Some(tar.len() as u64)), Vec::<String>::new());
            let blob: Blob = Arc::new(tar);
            IndexedLayer::new(index, Content::Tar(blob))
        });
        let layers: Vec<IndexedLayer> = layers.collect();
        let sources = layers.iter().enumerate().map(|(no, layer)| LayerSource {
            place: format!("layer {no}"),
            origin: Origin::Indexed(layer.clone()),
            digest: None,
            claimed_size: None,
            diff_id: None,
            media_type: None,
            toc: None,
        });
        let image = image::Image::of_layers(sources.collect());
        Image { fs: Filesystem::new(Stack::new(image, layers).unwrap()) }
    }

    /// One layer that is the whole image.
    pub fn one(layer: Layer) -> Image {
        Image::of([layer])
    }

    /// The tree in the words of [`super::layer::layer`], one line, in the order of a walk.
    pub fn tree(&self) -> String {
        let union = &self.fs.stack().union;
        let walk = union.walk(TreePath::root(), union.root().clone());
        let words = walk.map(|walked| {
            let walked = walked.unwrap();
            let path = walked.path.as_bytes().escape_ascii().to_string();
            match union.attributes(&walked.node).unwrap().kind {
                Kind::Directory => format!("{path}/"),
                Kind::Regular => match self.read(walked.path.as_bytes()) {
                    text if text.is_empty() => path,
                    text => format!("{path}={}", text.escape_ascii()),
                },
                Kind::Symlink => {
                    let target = self.fs.readlink(InodeNo::of(union, &walked.node)).unwrap();
                    format!("{path}->{}", target.escape_ascii())
                }
                Kind::CharDevice => format!("c{path}@"),
                Kind::BlockDevice => format!("b{path}@"),
                Kind::Fifo => format!("{path}|"),
                Kind::Socket => format!("{path}$"),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// What stands at a path, symlinks not followed.
    pub fn node(&self, path: &[u8]) -> Option<Node> {
        self.fs.stack().union.resolve(path, Last::Keep).ok().map(|resolved| resolved.node)
    }

    /// The inode at a path.
    pub fn ino(&self, path: &str) -> InodeNo {
        let node = self.node(path.as_bytes()).unwrap_or_else(|| panic!("no {path} in {}", self.tree()));
        InodeNo::of(&self.fs.stack().union, &node)
    }

    /// The attributes at a path.
    pub fn stat(&self, path: &str) -> Attributes {
        self.fs.attributes(self.ino(path)).unwrap()
    }

    /// The contents of a file.
    pub fn read(&self, path: &[u8]) -> Vec<u8> {
        let union = &self.fs.stack().union;
        let node = union.resolve(path, Last::Follow).unwrap().node;
        let ino = InodeNo::of(union, &node);
        let mut bytes = vec![0; self.fs.attributes(ino).unwrap().size as usize];
        assert_eq!(self.fs.read(ino, 0, &mut bytes).unwrap(), bytes.len());
        bytes
    }

    /// The extended attributes at a path, as `name=value`.
    pub fn xattrs(&self, path: &str) -> Vec<String> {
        let xattrs = self.fs.xattrs(self.ino(path)).unwrap();
        let text = xattrs.iter().map(|x| format!("{}={}", x.name.escape_ascii(), x.value.escape_ascii()));
        text.collect()
    }

    /// What was rejected, as `layer name: reason`.
    pub fn rejected(&self) -> Vec<String> {
        let rejected = self.fs.stack().rejected().unwrap();
        let lines = rejected.iter().map(|(no, r)| format!("{no} {}: {}", r.name.escape_ascii(), r.reason));
        lines.collect()
    }
}
