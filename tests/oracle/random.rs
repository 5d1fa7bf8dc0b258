//! Random stacks, as far as GNU tar unpacks them as every unpacker would.

use proptest::prelude::*;

use super::{NEEDS, can_compare, differences};
use crate::support::need::need;
use crate::support::stacks::{Stack, on_stacks};
use crate::support::write_tars;

/// The share of all random stacks that is mounted: a mount and its oracle cost some hundred times what a
/// stack costs in memory.
const SHARE: u32 = 15;

#[test]
fn random_stacks_show_as_in_overlayfs() {
    need!(can_compare(), NEEDS);
    on_stacks(SHARE, Stack::any().prop_map(Stack::unpackable), |stack| {
        let dir = tempfile::tempdir().unwrap();
        let differences = differences(&write_tars(dir.path(), stack.layers()));
        prop_assert!(differences.is_empty(), "peelfs first, overlayfs second:\n{}", differences);
        Ok(())
    });
}
