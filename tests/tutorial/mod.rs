//! The tutorial says what is seen: every command in it is run, and its output compared.
//!
//! With `PEELFS_TEST_ACCEPT=1` what is seen now is written into it.

mod kernel;
mod page;
mod shell;

use std::fs;
use std::path::{Path, PathBuf};

use peelfs::lesson::Lesson;

use crate::support::need::{self, need};
use page::Page;
use shell::{Rights, Scratch};

fn tutorial() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial")
}

/// Whether documents are to be rewritten.
fn accepts() -> bool {
    std::env::var_os("PEELFS_TEST_ACCEPT").is_some_and(|value| value == "1")
}

/// Runs all commands of a lesson, in its order, and compares what they say.
fn learn(number: u8) {
    let path = tutorial().join(Lesson::find(number).unwrap().file);
    let mut page = Page::parse(&fs::read_to_string(&path).unwrap());
    let mounts = page.commands(Rights::Root).any(|command| command.contains("peelfs mount"));
    need!(!mounts || need::has_fuse(), "/dev/fuse");
    let attributes = page.commands(Rights::Root).any(|command| command.contains("getfattr"));
    need!(!attributes || need::has("getfattr"), "getfattr (package attr)");
    let rights = Rights::here();
    if rights == Rights::User && page.needs_root() {
        need::skip("root and overlayfs, for the kernel's part of the lesson");
    }
    let scratch = Scratch::new();
    let commands: Vec<String> = page.commands(rights).map(str::to_owned).collect();
    let said = scratch.run(&commands);
    assert_eq!(scratch.mounts(), Vec::<PathBuf>::new(), "the lesson leaves mounts");
    let differences = page.compare(rights, &said);
    if !differences.is_empty() && accepts() {
        return fs::write(&path, page.text()).unwrap();
    }
    assert!(differences.is_empty(), "{}: {differences}", path.display());
}

macro_rules! lessons {
    ($($name:ident $number:literal)*) => {
        $(#[test]
        fn $name() {
            learn($number);
        })*
    };
}

lessons! {
    lesson_1_says_what_is_seen 1
    lesson_2_says_what_is_seen 2
    lesson_3_says_what_is_seen 3
    lesson_4_says_what_is_seen 4
    lesson_5_says_what_is_seen 5
    lesson_6_says_what_is_seen 6
    lesson_7_says_what_is_seen 7
    lesson_8_says_what_is_seen 8
    lesson_9_says_what_is_seen 9
    lesson_10_says_what_is_seen 10
}

#[test]
fn every_lesson_is_in_the_index_with_its_question() {
    let index = fs::read_to_string(tutorial().join("README.md")).unwrap();
    for Lesson { title, asks, file, .. } in &peelfs::lesson::LESSONS {
        assert!(index.contains(&format!("[{title}]({file}) | {asks}")), "{title}: {asks}");
    }
}

#[test]
fn every_lesson_makes_its_image_first_and_asks_something() {
    for lesson in &peelfs::lesson::LESSONS {
        let page = Page::parse(lesson.text);
        let commands: Vec<&str> = page.commands(Rights::Root).collect();
        assert!(commands[0].starts_with(&format!("peelfs lesson {} ", lesson.number)), "{}", commands[0]);
        assert!(commands[1].starts_with("cd "), "{}", commands[1]);
        assert!(page.needs_root(), "{}: the kernel is not asked", lesson.file);
        assert!(lesson.text.contains("<details><summary>"), "{}: no answer", lesson.file);
        // It is read on terminals, too.
        let paragraphs = lesson.text.split("```").step_by(2);
        for line in paragraphs.flat_map(str::lines).filter(|line| !line.starts_with('|')) {
            assert!(line.chars().count() <= 100, "{}: {line}", lesson.file);
        }
    }
}
