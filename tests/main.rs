//! The integration tests, one module a subject. What they need of the machine and lack, they say
//! (`support::need`); with `PEELFS_TEST_ALL=1`, as in CI, lacking it is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stderr, missing_docs)]

mod support;

mod allocations;
mod architecture;
mod model;
mod waste;
mod compare;
mod oracle;
mod rules;
mod docs;
mod schemas;
mod peers;
mod tars;
mod scale;
mod cli;
mod tui;
mod mount;
mod cache;
mod inputs;
mod podman;
mod claims;
mod commit;
mod views;
mod copy_out;
mod export;
mod write;
mod kill;
mod tutorial;
