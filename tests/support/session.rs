//! A session on a terminal, as text: commands, and all that they print.

use std::fmt::Write as _;
use std::fs;
use std::panic::Location;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use super::mount::{PEELFS, cache_home};

/// Runs the commands of a session in a directory and compares everything they say.
///
/// A command stands behind `$ `, and behind it what it writes: stdout as it is, stderr with `! ` before
/// each line, and `? STATUS` where that is not 0. `$PWD` stands for the directory. With `PEELFS_TEST_ACCEPT=1` what they say now is
/// written into the test.
#[track_caller]
pub fn session(dir: &Path, expected: &str) {
    let cache = cache_home();
    let mut actual = String::from("\n");
    for command in expected.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(actual, "$ {command}").unwrap();
        let said = block(&run(dir, &cache, command));
        actual.push_str(&said.replace(&*dir.to_string_lossy(), "$PWD"));
    }
    compare(Location::caller(), expected, &actual);
}

/// Compares what is with what a test expects, and with `PEELFS_TEST_ACCEPT=1` has the test expect it.
pub fn compare(caller: &Location<'_>, expected: &str, actual: &str) {
    if actual != expected {
        if std::env::var_os("PEELFS_TEST_ACCEPT").is_some_and(|value| value == "1") {
            return accept(caller.file(), expected, actual);
        }
        panic!("{}\nall of it is:\n{actual}", differences(expected, actual));
    }
}

fn run(dir: &Path, cache: &Path, command: &str) -> Output {
    let programs = Path::new(PEELFS).parent().unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).current_dir(dir).stdin(Stdio::null());
    shell.env("PATH", super::user::path_with(programs)).env("LC_ALL", "C.UTF-8");
    shell.env("XDG_CACHE_HOME", cache).env_remove("RUST_LOG").env_remove("TMPDIR").output().unwrap()
}

fn block(output: &Output) -> String {
    let mut block = lines("", &output.stdout) + &lines("! ", &output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(status) => writeln!(block, "? {status}").unwrap(),
        None => panic!("{}", output.status),
    }
    block
}

/// Lines with something before each; bytes that are no text show as escapes.
fn lines(before: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        text.push_str(before);
        for chunk in line.utf8_chunks() {
            text.push_str(chunk.valid());
            chunk.invalid().iter().for_each(|byte| write!(text, "\\x{byte:02x}").unwrap());
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str("(no newline)\n");
    }
    text
}

/// The lines that one text has and the other has not, with what stands between them left out.
fn differences(expected: &str, actual: &str) -> String {
    let (expected, actual): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let same = expected.iter().zip(&actual).take_while(|(a, b)| a == b).count();
    let rest = (&expected[same..], &actual[same..]);
    let same_end = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = format!("from line {} on, expected (-) and found (+):", same + 1);
    for (sign, lines) in [('-', rest.0), ('+', rest.1)] {
        for line in &lines[..lines.len() - same_end] {
            write!(text, "\n{sign} {line}").unwrap();
        }
    }
    text
}

/// Puts what is said now where the test says what was expected.
fn accept(file: &str, expected: &str, actual: &str) {
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = fs::read_to_string(&path).unwrap();
    let quoted = |text: &str| format!("r#\"{text}\"#");
    assert_eq!(source.matches(&quoted(expected)).count(), 1, "{file}: not one literal that is this session");
    fs::write(path, source.replace(&quoted(expected), &quoted(actual))).unwrap();
}
