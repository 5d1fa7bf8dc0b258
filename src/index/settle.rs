//! What can only be said when a whole layer has been read: links to later members (S5), and markers,
//! which never hide an entry of their own layer, wherever in it they stand (S10, S11, S14).

use rustc_hash::{FxHashMap, FxHashSet};

use super::inode::Content;
use super::marker::Marker;
use super::node::{NodeNo, State};
use super::reject::{Reason, Rejected};
use super::tree::{PendingLink, Tree};

/// Resolves the pending links, then applies the markers.
pub fn settle(tree: &mut Tree) {
    resolve_links(tree);
    apply_markers(tree);
    find_overlay_whiteouts(tree);
}

fn resolve_links(tree: &mut Tree) {
    let pending = std::mem::take(&mut tree.pending);
    // A name that was replaced while its link waited is no link any more.
    let by_node: FxHashMap<NodeNo, &PendingLink> = pending.iter().map(|link| (link.node, link)).collect();
    for link in &pending {
        resolve_chain(tree, &by_node, link.node);
    }
}

/// Resolves a link and all pending links between it and its target.
fn resolve_chain(tree: &mut Tree, by_node: &FxHashMap<NodeNo, &PendingLink>, first: NodeNo) {
    let mut chain = vec![first];
    let mut in_chain = FxHashSet::from_iter([first]);
    while let Some(&node) = chain.last() {
        let Some(link) = by_node.get(&node).filter(|_| tree.nodes.state(node) == State::PendingLink) else {
            chain.pop();
            continue;
        };
        let target = tree.find(&link.target);
        match target.map(|target| (target, tree.nodes.state(target))) {
            Some((_, State::Leaf { inode })) => tree.nodes.set_state(node, State::Leaf { inode }),
            Some((_, State::Directory { .. })) => reject(tree, link, Reason::LinkToDirectory),
            // The markers come later: what stands there is a member that was rejected.
            Some((_, State::Whiteout)) => reject(tree, link, Reason::LinkToNothing),
            Some((target, State::PendingLink)) if in_chain.insert(target) => chain.push(target),
            // A circle is no target: each of its links has its own to look for.
            Some((target, State::PendingLink)) => {
                let circle = chain.iter().rposition(|&link| link == target).unwrap_or(0);
                let circle = chain.split_off(circle);
                circle.iter().filter_map(|node| by_node.get(node)).for_each(|link| look_below(tree, link));
            }
            _ => look_below(tree, link),
        }
    }
}

/// S5: what is nowhere in this layer is looked for in those below, once they are known.
fn look_below(tree: &mut Tree, link: &PendingLink) {
    let inode = tree.inodes.push_foreign(link.target.clone());
    tree.nodes.set_state(link.node, State::Leaf { inode });
}

fn reject(tree: &mut Tree, link: &PendingLink, reason: Reason) {
    tree.nodes.set_state(link.node, State::Gone);
    tree.rejected.push(Rejected { offset: link.offset, name: link.name.clone(), reason });
}

fn apply_markers(tree: &mut Tree) {
    for (dir, marker) in std::mem::take(&mut tree.markers) {
        match marker {
            Marker::Opaque => make_opaque(tree, dir),
            Marker::Whiteout(name) => {
                let name = tree.nodes.text(name).to_vec();
                apply_whiteout(tree, dir, &name);
            }
        }
    }
}

/// S10: beside a directory a whiteout makes it opaque, beside a link into lower layers it waits for what
/// becomes of that, beside anything else it has nothing left to do.
fn apply_whiteout(tree: &mut Tree, dir: NodeNo, name: &[u8]) {
    match tree.nodes.child(dir, name) {
        Some(node) => match tree.nodes.state(node) {
            State::Directory { .. } => make_opaque(tree, node),
            State::Gone => tree.nodes.set_state(node, State::Whiteout),
            State::Leaf { inode } if is_foreign(tree, inode) => _ = tree.link_whiteouts.insert(node),
            State::Leaf { .. } | State::PendingLink | State::Whiteout => {}
        },
        None => {
            if let Err(reason) = tree.nodes.insert(dir, name, State::Whiteout) {
                tree.rejected.push(Rejected { offset: 0, name: name.into(), reason });
            }
        }
    }
}

fn is_foreign(tree: &Tree, inode: u32) -> bool {
    tree.inodes.get(inode).is_some_and(|inode| matches!(inode.content, Content::Foreign { .. }))
}

fn make_opaque(tree: &mut Tree, node: NodeNo) {
    if let State::Directory { inode, .. } = tree.nodes.state(node) {
        tree.nodes.set_state(node, State::Directory { inode, opaque: true });
    }
}

/// S14: overlayfs's own whiteouts and opaque directories.
fn find_overlay_whiteouts(tree: &mut Tree) {
    for number in 0..tree.nodes.all().len() as NodeNo {
        match tree.nodes.state(number) {
            State::Directory { inode: Some(inode), .. } if is_overlay_opaque(tree, inode) => {
                make_opaque(tree, number);
            }
            State::Leaf { inode } if is_overlay_whiteout(tree, number, inode) => {
                tree.nodes.set_state(number, State::Whiteout);
            }
            _ => {}
        }
    }
}

fn is_overlay_opaque(tree: &Tree, inode: u32) -> bool {
    tree.inodes.get(inode).is_some_and(|inode| inode.overlay.opaque)
}

fn is_overlay_whiteout(tree: &Tree, node: NodeNo, inode: u32) -> bool {
    let Some(inode) = tree.inodes.get(inode) else { return false };
    match inode.content {
        Content::CharDevice(device) => device.is_whiteout(),
        Content::Regular { size: 0, .. } if inode.overlay.whiteout => {
            let State::Directory { inode: Some(dir), .. } = tree.nodes.state(tree.nodes.parent(node)) else {
                return false;
            };
            tree.inodes.get(dir).is_some_and(|dir| dir.overlay.has_file_whiteouts)
        }
        _ => false,
    }
}
