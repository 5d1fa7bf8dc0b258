//! peelfs: a container image tarball as a directory, without extracting it, without Docker, without root.
//!
//! The modules, lowest first; each uses only what stands before it (`tests/architecture.rs`).

pub mod path;
pub mod digest;
pub mod entry;
pub mod text;
pub mod counter;
pub mod wait;
pub mod host;
pub mod mapped;
pub mod layer;
pub mod union;
pub mod cache;
pub mod blob;
pub mod tar;
pub mod index;
pub mod tarball;
pub mod image;
pub mod stack;
pub mod upper;
pub mod verify;
pub mod commit;
pub mod account;
pub mod find;
pub mod usage;
pub mod waste;
pub mod compare;
pub mod export;
pub mod copy_out;
pub mod lesson;
pub mod report;
pub mod fs;
pub mod fuse;
pub mod tui;
pub mod cli;
