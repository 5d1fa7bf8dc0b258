//! One entry of the tree, for `ls`, `tree` and `stat`: as a line for people, as an object for programs.

use serde_json::{Map, Value, json};

use crate::entry::{Attributes, Kind};
use crate::fs::InodeNo;
use crate::layer::Result;
use crate::text::{mode, timestamp};
use crate::union::{Node, Union};

use super::output::put_name;

/// What is shown of an entry.
pub struct Shown {
    pub ino: InodeNo,
    pub attributes: Attributes,
    /// The layers that it comes from, topmost first; a directory may have several.
    pub layers: Vec<u32>,
    /// A symlink's target.
    pub target: Option<Vec<u8>>,
}

impl Shown {
    pub fn of(union: &Union, node: &Node) -> Result<Shown> {
        let attributes = union.attributes(node)?;
        let target = match node {
            Node::Leaf { layer, leaf } if attributes.kind == Kind::Symlink => {
                Some(union.link_target(*layer, *leaf)?.into_owned())
            }
            _ => None,
        };
        let layers = match node {
            Node::Leaf { layer, .. } => vec![layer.0],
            Node::Dir(dir) => dir.members().iter().map(|member| member.layer.0).collect(),
        };
        Ok(Shown { ino: InodeNo::of(union, node), attributes, layers, target })
    }

    /// `drwxr-xr-x`, as `ls -l` has it.
    pub fn mode(&self) -> String {
        mode(self.attributes.kind, self.attributes.mode)
    }

    /// The size, or a device's number.
    pub fn size(&self) -> String {
        match self.attributes.kind {
            Kind::CharDevice | Kind::BlockDevice => {
                format!("{}, {}", self.attributes.device.major, self.attributes.device.minor)
            }
            _ => self.attributes.size.to_string(),
        }
    }

    /// The entry as an object; `docs/schemas/common.json` has its shape.
    pub fn json(&self, path: &[u8]) -> Map<String, Value> {
        let a = &self.attributes;
        let mut object = Map::new();
        put_name(&mut object, "path", path);
        put_attributes(&mut object, a);
        object.insert("nlink".into(), a.nlink.into());
        object.insert("inode".into(), self.ino.0.into());
        object.insert("layers".into(), self.layers.clone().into());
        if let Some(target) = &self.target {
            put_name(&mut object, "target", target);
        }
        if matches!(a.kind, Kind::CharDevice | Kind::BlockDevice) {
            object.insert("device".into(), json!({ "major": a.device.major, "minor": a.device.minor }));
        }
        object
    }
}

/// Puts what stat(2) says of anything into a JSON object.
pub fn put_attributes(object: &mut Map<String, Value>, a: &Attributes) {
    object.insert("type".into(), a.kind.name().into());
    object.insert("mode".into(), format!("{:04o}", a.mode).into());
    object.insert("uid".into(), a.uid.into());
    object.insert("gid".into(), a.gid.into());
    object.insert("size".into(), a.size.into());
    object.insert("mtime".into(), timestamp(a.mtime).into());
}
