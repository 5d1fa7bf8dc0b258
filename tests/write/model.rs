//! Random operations over random layers, on a mount and on a plain directory.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::check::check;
use super::{NEEDS, can_compare, richest};
use crate::support::By;
use crate::support::need::need;
use crate::support::stacks::Stack;

/// Cases that a test tries if nothing else is said.
const CASES: u32 = 40;

/// Operations between two looks at the whole tree.
const BATCH: usize = 6;

/// Names that are given; most are those that random layers have, too.
pub const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "large"];

/// Descriptors that are held at a time.
const HELD: [&str; 2] = ["x", "y"];

/// Layers and what is done to them.
#[derive(Clone)]
pub struct Case {
    pub stack: Stack,
    pub lines: Vec<String>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layers, base first, above the richest: {:#?}\n{:#?}", self.stack, self.lines)
    }
}

#[test]
fn random_operations_by_peelfs() {
    need!(can_compare(), NEEDS);
    on_cases(By::Peelfs);
}

#[test]
fn random_operations_by_the_kernel() {
    need!(can_compare(), NEEDS);
    on_cases(By::Kernel);
}

/// Tries `PEELFS_WRITES` cases, the same ones each time; a failure prints the smallest that fails.
fn on_cases(by: By) {
    let cases = std::env::var("PEELFS_WRITES").map_or(CASES, |number| number.parse().unwrap());
    // Each try costs some mounts.
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tried = TestRunner::new_with_rng(config, rng).run(&case(by), |case| {
        let layers = std::iter::once(richest::layer(by)).chain(case.stack.layers());
        check(by, layers, case.lines.chunks(BATCH)).map_err(TestCaseError::fail)
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => panic!("{case:?}\n{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

pub fn case(by: By) -> impl Strategy<Value = Case> {
    let stack = Stack::any().prop_map(move |stack| match by {
        By::Peelfs => stack.unpackable().explicit(),
        // overlayfs parts lower hard links when it writes to one (W6).
        By::Kernel => stack.without_links().unpackable().explicit(),
    });
    (stack, vec(line(), 1..40)).prop_map(|(stack, lines)| Case { stack, lines })
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![5 => of_contents(), 3 => of_attributes(), 6 => of_names(), 5 => of_held()]
}

/// What may be there or not.
fn any() -> impl Strategy<Value = String> {
    vec(select(&NAMES[..]), 1..=3).prop_map(|names| names.join("/"))
}

fn present() -> impl Strategy<Value = String> {
    prop_oneof![9 => (0..1000).prop_map(|number| format!("@{number}")), 1 => any()]
}

fn file() -> impl Strategy<Value = String> {
    prop_oneof![9 => (0..1000).prop_map(|number| format!("@{number}f")), 1 => present()]
}

fn dir() -> impl Strategy<Value = String> {
    prop_oneof![9 => (0..1000).prop_map(|number| format!("@{number}d")), 1 => present()]
}

/// A name in a directory that is there, most often a new one.
fn new() -> impl Strategy<Value = String> {
    let within = (0..1000, select(&NAMES[..])).prop_map(|(number, name)| format!("@{number}d/{name}"));
    prop_oneof![9 => within, 1 => any()]
}

/// Lengths and offsets about pages, blocks and ends of files.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0u32..20, select(vec![511, 4095, 4096, 4097, 8192, 69_999, 70_000, 131_072, 200_000])]
}

fn fill() -> impl Strategy<Value = char> {
    proptest::char::range('A', 'Z')
}

fn of_contents() -> impl Strategy<Value = String> {
    let stretch = || (file(), number(), number());
    prop_oneof![
        3 => new().prop_map(|path| format!("create {path} 640")),
        1 => file().prop_map(|path| format!("read {path}")),
        4 => (stretch(), fill()).prop_map(|((path, at, len), fill)| format!("write {path} {at} {len} {fill}")),
        2 => (file(), number(), fill()).prop_map(|(path, len, fill)| format!("append {path} {len} {fill}")),
        2 => (file(), number(), fill()).prop_map(|(path, len, fill)| format!("rewrite {path} {len} {fill}")),
        1 => (new(), number(), fill()).prop_map(|(path, len, fill)| format!("rewrite {path} {len} {fill}")),
        3 => (file(), number(), number(), fill())
            .prop_map(|(path, at, len, fill)| format!("map {path} {at} {len} {fill}")),
        2 => (file(), number()).prop_map(|(path, len)| format!("truncate {path} {len}")),
        1 => stretch().prop_map(|(path, at, len)| format!("punch {path} {at} {len}")),
        1 => stretch().prop_map(|(path, at, len)| format!("allocate {path} {at} {len}")),
        3 => (file(), stretch()).prop_map(|(from, (to, at, len))| format!("copy {from} {to} {at} {len}")),
        1 => present().prop_map(|path| format!("sync {path}")),
    ]
}

fn of_attributes() -> impl Strategy<Value = String> {
    let mode = || select(vec!["600", "755", "4711", "2750", "1777", "0"]);
    let id = || select(vec!["-", "0", "7", "1000"]);
    let name = || select(vec!["user.one", "user.two", "trusted.one"]);
    prop_oneof![
        2 => (present(), mode()).prop_map(|(path, mode)| format!("chmod {path} {mode}")),
        2 => (present(), id(), id()).prop_map(|(path, uid, gid)| format!("chown {path} {uid} {gid}")),
        2 => (present(), 0u32..2_000, 0u32..1_000_000_000)
            .prop_map(|(path, seconds, nanoseconds)| format!("utimes {path} {seconds} {nanoseconds}")),
        2 => (present(), name(), number()).prop_map(|(path, name, value)| format!("setxattr {path} {name} {value}")),
        2 => (present(), name()).prop_map(|(path, name)| format!("removexattr {path} {name}")),
    ]
}

fn of_names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => new().prop_map(|path| format!("mkdir {path} 750")),
        1 => new().prop_map(|path| format!("fifo {path}")),
        1 => new().prop_map(|path| format!("device {path}")),
        2 => (any(), new()).prop_map(|(target, path)| format!("symlink {target} {path}")),
        2 => (file(), new()).prop_map(|(from, to)| format!("link {from} {to}")),
        4 => file().prop_map(|path| format!("unlink {path}")),
        2 => dir().prop_map(|path| format!("rmdir {path}")),
        2 => dir().prop_map(|path| format!("clear {path}")),
        3 => (present(), new()).prop_map(|(from, to)| format!("rename {from} {to}")),
        2 => (file(), file()).prop_map(|(from, to)| format!("rename {from} {to}")),
        2 => (dir(), new()).prop_map(|(from, to)| format!("rename {from} {to}")),
        2 => (dir(), dir()).prop_map(|(from, to)| format!("rename {from} {to}")),
        2 => (present(), new()).prop_map(|(from, to)| format!("rename-new {from} {to}")),
        3 => (present(), present()).prop_map(|(one, other)| format!("exchange {one} {other}")),
    ]
}

fn of_held() -> impl Strategy<Value = String> {
    let name = || select(&HELD[..]);
    prop_oneof![
        4 => (file(), name()).prop_map(|(path, name)| format!("hold {path} {name}")),
        2 => (file(), name()).prop_map(|(path, name)| format!("hold-writing {path} {name}")),
        3 => name().prop_map(|name| format!("read-held {name}")),
        1 => name().prop_map(|name| format!("stat-held {name}")),
        2 => (name(), number(), number(), fill())
            .prop_map(|(name, at, len, fill)| format!("write-held {name} {at} {len} {fill}")),
        1 => (name(), number()).prop_map(|(name, len)| format!("truncate-held {name} {len}")),
        1 => name().prop_map(|name| format!("sync-held {name}")),
    ]
}
