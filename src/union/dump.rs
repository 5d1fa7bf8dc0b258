//! The tree as text, one path a line: what tests compare.

use crate::layer::Result;
use crate::path::TreePath;

use super::{Node, Union};

/// Writes every path, directories with a trailing `/`, bytes outside printable ASCII escaped.
pub fn dump(union: &Union) -> Result<String> {
    let mut text = String::new();
    for walked in union.walk(TreePath::root(), union.root().clone()) {
        let walked = walked?;
        text.extend(walked.path.as_bytes().escape_ascii().map(char::from));
        if matches!(walked.node, Node::Dir(_)) {
            text.push('/');
        }
        text.push('\n');
    }
    Ok(text)
}
