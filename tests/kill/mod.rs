//! The daemon ended, or refused by the host, at every call that changes the upper directory or the work directory:
//! what then shows is the tree before the operation or the tree after it, and nothing between (W2, W7).
//!
//! `PEELFS_FAULT`, which only programs built for tests heed, chooses the call (`src/upper/sys.rs`).

mod scenarios;
mod trial;

use crate::support::need::{has_fuse, need};
use crate::support::overlay;

use scenarios::SCENARIOS;
use trial::Trial;

#[test]
fn w2_killed_at_any_call_it_shows_the_tree_before_or_after() {
    on_scenarios(1, &[], Trial::killed_at_any_call);
}

#[test]
fn w2_w8_killed_where_owners_and_modes_are_kept_in_attributes() {
    // Where a name goes is the same.
    on_scenarios(4, &["-o", "xattr_permissions=2"], Trial::killed_at_any_call);
}

#[test]
fn w2_killed_while_it_mounts_it_mounts_the_next_time() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let scenario = SCENARIOS.first().unwrap();
    assert_none(Trial::new(scenario, &[]).killed_while_it_mounts());
}

#[test]
fn w7_refused_at_any_call_nothing_is_half_done() {
    on_scenarios(1, &[], Trial::refused_at_any_call);
}

/// Tries every `step`th scenario and reports all that went wrong at once. `PEELFS_SCENARIO` chooses those with it in
/// their name.
fn on_scenarios(step: usize, options: &'static [&'static str], test: impl Fn(&Trial) -> Vec<String>) {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let chosen = std::env::var("PEELFS_SCENARIO").ok();
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|chosen| name.contains(chosen));
    // A symlink can have no attribute of a user's, so no other owner is kept of it.
    let is_possible = |operation: &str| options.is_empty() || !operation.starts_with("chown etc/link");
    let scenarios = SCENARIOS.iter().filter(|s| is_chosen(s.name) && is_possible(s.operation));
    let step = if chosen.is_some() { 1 } else { step };
    assert_none(scenarios.step_by(step).flat_map(|scenario| test(&Trial::new(scenario, options))).collect());
}

fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{} failures:\n{}", wrong.len(), wrong.join("\n"));
}
