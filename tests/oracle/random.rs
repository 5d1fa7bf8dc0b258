//! Random stacks, as far as GNU tar unpacks them as every unpacker would.

use proptest::prelude::*;

use super::{NEEDS, can_compare, differences};
use crate::support::naive;
use crate::support::need::need;
use crate::support::stacks::{Member, Stack, What, on_stacks};
use crate::support::write_tars;

/// The share of all random stacks that is mounted: a mount and its oracle cost some hundred times what a
/// stack costs in memory.
const SHARE: u32 = 15;

#[test]
fn random_stacks_show_as_in_overlayfs() {
    need!(can_compare(), NEEDS);
    on_stacks(SHARE, Stack::any().prop_map(unpackable), |stack| {
        let dir = tempfile::tempdir().unwrap();
        let differences = differences(&write_tars(dir.path(), stack.layers()));
        prop_assert!(differences.is_empty(), "peelfs first, overlayfs second:\n{}", differences);
        Ok(())
    });
}

/// Leaves out members that GNU tar refuses or takes in its own way.
fn unpackable(Stack(layers): Stack) -> Stack {
    Stack(layers.into_iter().map(unpackable_members).collect())
}

fn unpackable_members(members: Vec<Member>) -> Vec<Member> {
    let mut layer = naive::Layer::new();
    let mut kept = Vec::new();
    for mut member in members {
        let mut next = layer.clone();
        if next.add(&member).is_err() || next.is_disputed || is_odd_marker(&member) {
            continue;
        }
        // GNU tar knows a directory again only by the name it had before.
        member.name = naive::clean(&member.name).unwrap().join("/");
        if member.name.is_empty() {
            member.name.push('.');
        }
        layer = next;
        kept.push(member);
    }
    kept
}

/// A marker that is a link, perhaps to what is not there.
fn is_odd_marker(member: &Member) -> bool {
    let name = member.name.rsplit('/').next().unwrap();
    name.starts_with(".wh.") && matches!(member.what, What::Link(_) | What::Symlink(_))
}
