//! Random stacks of layers, few names and many collisions, that print in the words of [`super::layer`].

use std::fmt;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

use super::Layer;

/// Stacks that a test of random ones tries if nothing else is said.
const STACKS: u32 = 3000;

/// What all names are made of.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The most members a layer has; more only hide each other.
const MAX_MEMBERS: usize = 10;

/// One member of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name as it is to stand in the tar, without the slash behind a directory's.
    pub name: String,
    pub what: What,
    /// Its mode, if not the usual one.
    pub mode: Option<u32>,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Directory,
    /// With contents that no other file of the stack has.
    File(String),
    Symlink(String),
    Link(String),
    CharDevice(u32, u32),
    Fifo,
}

/// Members of each layer, base first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Stack(pub Vec<Vec<Member>>);

impl Stack {
    /// Any stack: hostile names, links to nothing and markers in odd places too.
    pub fn any() -> impl Strategy<Value = Stack> {
        vec(vec(member(), 0..=MAX_MEMBERS), 1..=6).prop_map(|layers| Stack(layers).numbered())
    }

    /// The layers, base first.
    pub fn layers(&self) -> impl Iterator<Item = Layer> {
        self.lines().map(|line| super::layer(&line))
    }

    /// The layers, each in a line of words.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|members| members.iter().map(Member::to_string).collect::<Vec<_>>().join(" "))
    }

    /// Gives each file contents that say where it stands.
    fn numbered(mut self) -> Stack {
        for (layer, members) in self.0.iter_mut().enumerate() {
            for (at, member) in members.iter_mut().enumerate() {
                if let What::File(text) = &mut member.what {
                    *text = format!("{layer}.{at}");
                }
            }
        }
        self
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.what {
            What::Directory => write!(f, "{name}/")?,
            What::File(text) => write!(f, "{name}={text}")?,
            What::Symlink(target) => write!(f, "{name}->{target}")?,
            What::Link(target) => write!(f, "{name}=>{target}")?,
            What::CharDevice(major, minor) => write!(f, "c{name}@{major}:{minor}")?,
            What::Fifo => write!(f, "{name}|")?,
        }
        match self.mode {
            Some(mode) => write!(f, "!{mode:o}"),
            None => Ok(()),
        }
    }
}

/// Runs a test on random stacks, the same ones each time; a failure prints the smallest that fails.
///
/// `PEELFS_STACKS` says how many, a `share`th of which this test takes.
pub fn on_stacks(share: u32, stacks: impl Strategy<Value = Stack>, test: impl Fn(Stack) -> TestCaseResult) {
    let all = std::env::var("PEELFS_STACKS").map_or(STACKS, |number| number.parse().unwrap());
    let config = Config { cases: all.div_ceil(share), failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    match TestRunner::new_with_rng(config, rng).run(&stacks, test) {
        Ok(()) => {}
        Err(TestError::Fail(reason, stack)) => panic!("layers, base first: {stack:#?}\n{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![
        4 => member_of(spelled(path()), file()),
        3 => member_of(spelled(path()), Just(What::Directory)),
        2 => member_of(path(), symlink()),
        3 => member_of(path(), path().prop_map(What::Link)),
        3 => member_of(whiteout(), marker()),
        1 => member_of(inside(".wh..wh..opq"), marker()),
        1 => member_of(path(), Just(What::CharDevice(0, 0))),
        1 => member_of(path(), prop_oneof![Just(What::CharDevice(1, 3)), Just(What::Fifo)]),
        1 => bookkeeping(),
        1 => rejected(),
    ]
}

fn member_of(
    name: impl Strategy<Value = String>,
    what: impl Strategy<Value = What>,
) -> impl Strategy<Value = Member> {
    let mode = weighted(0.2, select(vec![0o700, 0o711, 0o1777, 0o4755]));
    (name, what, mode).prop_map(|(name, what, mode)| Member { name, what, mode })
}

fn name() -> impl Strategy<Value = &'static str> {
    select(&NAMES[..])
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![4 => vec(name(), 1..=2), 1 => vec(name(), 3..=4)].prop_map(|names| names.join("/"))
}

/// The same name as others would write it (S1).
fn spelled(path: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let spelling = prop_oneof![8 => Just(("", "/")), 1 => Just(("./", "/")), 1 => Just(("/", "/./"))];
    (path, spelling).prop_map(|(path, (start, slash))| format!("{start}{}", path.replace('/', slash)))
}

fn file() -> impl Strategy<Value = What> {
    Just(What::File(String::new()))
}

fn symlink() -> impl Strategy<Value = What> {
    let start = prop_oneof![4 => Just(""), 1 => Just("/"), 1 => Just("../"), 1 => Just("../../")];
    (start, path()).prop_map(|(start, path)| What::Symlink(format!("{start}{path}")))
}

/// A name in the root or in a directory.
fn inside(name: impl fmt::Display) -> impl Strategy<Value = String> {
    let name = name.to_string();
    weighted(0.7, path()).prop_map(move |dir| dir.map(|dir| dir + "/").unwrap_or_default() + &name)
}

fn whiteout() -> impl Strategy<Value = String> {
    name().prop_flat_map(|name| inside(format!(".wh.{name}")))
}

/// What a marker is does not matter (S10).
fn marker() -> impl Strategy<Value = What> {
    let link = prop_oneof![whiteout(), path()].prop_map(What::Link);
    prop_oneof![8 => file(), 1 => Just(What::Directory), 1 => symlink(), 1 => link]
}

/// AUFS's own files, and links to them (S12).
fn bookkeeping() -> impl Strategy<Value = Member> {
    let pseudo = || inside(".wh..wh.plnk/1");
    prop_oneof![
        2 => member_of(pseudo(), file()),
        2 => member_of(path(), pseudo().prop_map(What::Link)),
        1 => member_of(inside(".wh..wh.aufs"), file()),
        1 => member_of(inside(".wh..wh.plnk"), Just(What::Directory)),
    ]
}

/// What has no place in a tree (S2, S10, S13, S25).
fn rejected() -> impl Strategy<Value = Member> {
    const BAD: [&str; 8] = ["..", "../a", "a/../b", ".wh.", ".wh..", ".wh...", ".wh.a/b", "a/.wh..wh..opq/b"];
    prop_oneof![
        member_of(select(&BAD[..]).prop_map(str::to_owned), file()),
        member_of(Just(".".to_owned()), prop_oneof![Just(What::Directory), Just(What::Fifo)]),
        member_of(path(), select(vec!["../a", ".", ".wh.a"]).prop_map(|t| What::Link(t.to_owned()))),
    ]
}
