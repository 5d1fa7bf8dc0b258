//! What is known of a path beside what is in it, as extended attributes: the layer that shows it, who made that.

use crate::entry::Xattr;
use crate::layer::{Found, LayerNo, Result};
use crate::path::TreePath;
use crate::stack::Stack;
use crate::union::explain;

/// How all their names begin.
pub const PREFIX: &[u8] = b"user.peelfs.";

/// Whether a name is one of theirs, whoever has set it.
pub fn is_fact(name: &[u8]) -> bool {
    name.starts_with(PREFIX)
}

/// What is known of what a layer shows; what has no path has no versions.
pub fn of(stack: &Stack, layer: LayerNo, path: Option<&TreePath>) -> Result<Vec<Xattr>> {
    let source = stack.image.layers.get(layer.0 as usize);
    let diff_id = source.and_then(|source| source.diff_id.as_ref());
    let mut facts = vec![fact("layer", layer.to_string())];
    facts.extend(diff_id.map(|id| fact("diff_id", id.to_string())));
    facts.extend(stack.created_by(layer).map(|command| fact("created_by", command.to_owned())));
    if let Some(path) = path {
        facts.push(fact("versions", versions(stack, path)?.to_string()));
    }
    Ok(facts)
}

/// What is known of what is in an upper directory.
pub fn of_upper(stack: &Stack, path: Option<&TreePath>) -> Result<Vec<Xattr>> {
    let mut facts = vec![fact("layer", "upper".to_owned())];
    if let Some(path) = path {
        facts.push(fact("versions", (versions(stack, path)? + 1).to_string()));
    }
    Ok(facts)
}

/// How many layers have something by this name, hidden or not.
fn versions(stack: &Stack, path: &TreePath) -> Result<usize> {
    let explanation = explain(&stack.union, path)?;
    let words = explanation.steps.last().map(|last| &*last.words).unwrap_or_default();
    Ok(words.iter().filter(|word| matches!(word.found, Found::Leaf(_) | Found::Dir { .. })).count())
}

fn fact(name: &str, value: String) -> Xattr {
    Xattr { name: [PREFIX, name.as_bytes()].concat().into(), value: value.into_bytes().into() }
}
