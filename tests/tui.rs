//! The browser as users meet it: a program on a terminal, keys, and what is to be seen.

use std::path::Path;

use crate::cli::{app, hostile_names, write};
use crate::support::{Terminal, layer, peelfs};

const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";

fn open(dir: &Path, name: &str) -> Terminal {
    sized(dir, name, 24, 80)
}

fn sized(dir: &Path, name: &str, rows: u16, columns: u16) -> Terminal {
    Terminal::start(dir, (rows, columns), &["tui", name], &[])
}

#[test]
fn it_shows_layers_tree_and_versions() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.expect(
        "Versions",
        r#"
┌─ Layers 3 ───────────────────┐┌─ app.tar · merged ───────────────────────────┐
│ 0    2.9 KiB step 0          ││  ▸ bin/                                    L1│
│ 1        8 B step 1          ││  ▸ dev/                                    L1│
│ 2        8 B step 2          ││C ▸ etc/                                    L2│
│                              ││    lib -> usr/lib                          L0│
│                              ││  ▸ run/                                    L1│
│                              ││A ▸ srv/                                    L2│
│                              ││  ▸ tmp/                                    L0│
│                              ││  ▸ usr/                                    L0│
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
└──────────────────────────────┘└──────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────┐
│/bin                                                                          │
│layer 1   shown               implied directory                               │
│layer 0   merged              drwxr-xr-x 0:0               2023-11-14T22:13:20│
│=> merged from layers 1, 0 (step 1)                                           │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  Tab pane  m mode  [ ] layer  / find  e why
"#,
    );
}

#[test]
fn a_layer_is_seen_as_it_was_and_alone() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
    terminal.press(&format!("2{DOWN}{DOWN}l"));
    terminal.expect(
        "as of layer 2",
        r#"
┌─ Layers 3 ───────────────────┐┌─ app.tar · as of layer 2 ────────────────────┐
│ 0    2.9 KiB step 0          ││  ▸ bin/                                    L1│
│ 1        8 B step 1          ││  ▸ dev/                                    L1│
│ 2        8 B step 2          ││C ▾ etc/                                    L2│
│                              ││A     hostname                         3 B  L2│
│                              ││D     passwd                           8 B  L1│
│                              ││    lib -> usr/lib                          L0│
│                              ││  ▸ run/                                    L1│
│                              ││A ▸ srv/                                    L2│
│                              ││  ▸ tmp/                                    L0│
│                              ││  ▸ usr/                                    L0│
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
└──────────────────────────────┘└──────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────┐
│/etc                                                                          │
│layer 2   shown               implied directory                               │
│layer 1   hidden by layer 2   drwxr-xr-x 0:0               2023-11-14T22:13:20│
│layer 0   hidden by layer 2   drwxr-xr-x 0:0               2023-11-14T22:13:20│
│=> shown from layer 2 (step 2)                                                │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  Tab pane  m mode  [ ] layer  / find  e why
"#,
    );
    terminal.press("3[");
    terminal.expect(
        "layer 1 alone",
        r#"
┌─ Layers 3 ───────────────────┐┌─ app.tar · layer 1 alone ────────────────────┐
│ 0    2.9 KiB step 0          ││C ▸ bin/                                    L1│
│ 1        8 B step 1          ││A ▸ dev/                                    L1│
│ 2        8 B step 2          ││C ▾ etc/                                    L1│
│                              ││D     motd (whiteout)                       L1│
│                              ││C     passwd                           8 B  L1│
│                              ││A ▸ run/                                    L1│
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
└──────────────────────────────┘└──────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────┐
│/etc                                                                          │
│layer 2   shown               implied directory                               │
│layer 1   hidden by layer 2   drwxr-xr-x 0:0               2023-11-14T22:13:20│
│layer 0   hidden by layer 2   drwxr-xr-x 0:0               2023-11-14T22:13:20│
│=> shown from layer 2 (step 2)                                                │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  Tab pane  m mode  [ ] layer  / find  e why
"#,
    );
}

#[test]
fn a_search_finds_names_of_the_whole_tree() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
    terminal.press("/s");
    terminal.expect(
        "of 18 names",
        r#"
┌─ Layers 3 ───────────────────┐┌─ app.tar · merged ───────────────────────────┐
│ 0    2.9 KiB step 0          ││/s▏  1/7 of 18 names                          │
│ 1        8 B step 1          ││  /bin/ash                             8 B  L1│
│ 2        8 B step 2          ││  /bin/sh                              8 B  L0│
│                              ││  /dev/sda (block device)                   L1│
│                              ││A /etc/hostname                        3 B  L2│
│                              ││A /srv/                                     L2│
│                              ││  /usr/                                     L0│
│                              ││  /usr/lib/libc.so                 2.9 KiB  L0│
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
└──────────────────────────────┘└──────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────┐
│/bin/ash                                                                      │
│layer 1   shown               -rwxr-xr-x 0:0           8 B 2023-11-14T22:13:20│
│=> shown from layer 1 (step 1)                                                │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
type a part or *.so  ↑↓ hits  Enter go there  Esc stop
"#,
    );
    terminal.press(&format!("{DOWN}{DOWN}{UP}\r"));
    terminal.expect(
        "n N hits",
        r#"
┌─ Layers 3 ───────────────────┐┌─ app.tar · merged ───────────────────────────┐
│ 0    2.9 KiB step 0          ││/s  2/7 of 18 names                           │
│ 1        8 B step 1          ││      ash                              8 B  L1│
│ 2        8 B step 2          ││      sh                               8 B  L0│
│                              ││  ▸ dev/                                    L1│
│                              ││C ▸ etc/                                    L2│
│                              ││    lib -> usr/lib                          L0│
│                              ││  ▸ run/                                    L1│
│                              ││A ▸ srv/                                    L2│
│                              ││  ▸ tmp/                                    L0│
│                              ││  ▸ usr/                                    L0│
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
└──────────────────────────────┘└──────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────┐
│/bin/sh                                                                       │
│layer 0   shown               -rwxr-xr-x 0:0           8 B 2023-11-14T22:13:20│
│=> shown from layer 0 (step 0)                                                │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
n N hits  ↑↓ move  → ← open close  Enter look  Esc end search  ? keys
"#,
    );
    terminal.press("n");
    terminal.expect(
        "3/",
        r#"
┌─ Layers 3 ───────────────────┐┌─ app.tar · merged ───────────────────────────┐
│ 0    2.9 KiB step 0          ││/s  3/7 of 18 names                           │
│ 1        8 B step 1          ││      ash                              8 B  L1│
│ 2        8 B step 2          ││      sh                               8 B  L0│
│                              ││  ▾ dev/                                    L1│
│                              ││      null (character device)               L1│
│                              ││      sda (block device)                    L1│
│                              ││C ▸ etc/                                    L2│
│                              ││    lib -> usr/lib                          L0│
│                              ││  ▸ run/                                    L1│
│                              ││A ▸ srv/                                    L2│
│                              ││  ▸ tmp/                                    L0│
│                              ││  ▸ usr/                                    L0│
│                              ││                                              │
│                              ││                                              │
└──────────────────────────────┘└──────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────┐
│/dev/sda                                                                      │
│layer 1   shown               brw-r--r-- 0:0               2023-11-14T22:13:20│
│=> shown from layer 1 (step 1)                                                │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
n N hits  ↑↓ move  → ← open close  Enter look  Esc end search  ? keys
"#,
    );
}

#[test]
fn a_file_is_looked_into_as_text_and_in_hexadecimal() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
    terminal.press("/sh");
    terminal.wait_for("of 18 names");
    terminal.press("\r");
    terminal.wait_for("n N hits");
    terminal.press("\r");
    terminal.expect(
        "· text ·",
        r#"
┌─ /bin/ash · layer 1 · 8 B · text · 0 % ──────────────────────────────────────┐
│#!binary                                                                      │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ PgUp PgDn g G move  x text/hex  q back  ? keys
"#,
    );
    terminal.press("x");
    terminal.expect(
        "hexadecimal",
        r#"
┌─ /bin/ash · layer 1 · 8 B · hexadecimal · 0 % ───────────────────────────────┐
│00000000  23 21 62 69 6e 61 72 79                           |#!binary|        │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ PgUp PgDn g G move  x text/hex  q back  ? keys
"#,
    );
}

#[test]
fn why_a_name_shows_is_told() {
    let dir = app();
    let mut terminal = sized(dir.path(), "app.tar", 40, 120);
    terminal.wait_for("Versions");
    terminal.press("2/motd\re");
    terminal.press("[");
    terminal.expect("Why it shows", r#"
┌─ Layers 3 ───────────────────────────────────┐┌─ app.tar · as of layer 1 ────────────────────────────────────────────┐
│ 0    2.9 KiB step 0                          ││C ▸ bin/                                                            L1│
│ 1        8 B step 1                          ││A ▸ dev/                                                            L1│
│ 2        8 B step 2                          ││C ▸ etc/                                                            L1│
│                                              ││    lib -> usr/lib                                                  L0│
│                                              ││A ▸ run/                                                            L1│
│                                              ││  ▸ tmp/                                                            L0│
│                                              ││  ▸ usr/                                                            L0│
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
└──────────────────────────────────────────────┘└──────────────────────────────────────────────────────────────────────┘
┌─ Why it shows ───────────────────────────────────────────────────────────────────────────────────────────────────────┐
│/bin                                                                                                                  │
│  layer 2     –                                                                                                       │
│  layer 1     directory, implied             → shown                                                                  │
│  layer 0     directory                      → merged in                                                              │
│made by                                                                                                               │
│  layer 1     step 1                                                                                                  │
│  layer 0     step 0                                                                                                  │
│=> merged from layers 1, 0 (step 1)                                                                                   │
│                                                                                                                      │
│                                                                                                                      │
│                                                                                                                      │
└──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  Tab pane  m mode  [ ] layer  / find  e why  ? keys  q quit
"#);
}

#[test]
fn names_that_nobody_should_trust_are_escaped() {
    let dir = hostile_names();
    let mut terminal = open(dir.path(), "names.tar");
    terminal.expect(
        "Versions",
        r#"
┌─ Layers 1 ───────────────────┐┌─ names.tar · merged ─────────────────────────┐
│ 0        6 B names.tar       ││A   \u{1b}[31mred                      1 B  L0│
│                              ││A   back\slash                         1 B  L0│
│                              ││A   gnp.\u{202e}exe                    1 B  L0│
│                              ││A   link -> \u{1b}]0;title\u{7}             L0│
│                              ││A   new\nline                          1 B  L0│
│                              ││A   not utf-8 \xff                     1 B  L0│
│                              ││A   été                                1 B  L0│
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
│                              ││                                              │
└──────────────────────────────┘└──────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────┐
│/\u{1b}[31mred                                                                │
│layer 0   shown               -rw-r--r-- 0:0           1 B 2023-11-14T22:13:20│
│=> shown from layer 0                                                         │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  Tab pane  m mode  [ ] layer  / find  e why
"#,
    );
    terminal.press("G/red\r");
    terminal.wait_for("1/1");
    let bytes = terminal.bytes();
    for hostile in [&b"\x1b[31mred"[..], b"\x1b]0;title", "\u{202e}".as_bytes()] {
        assert!(!bytes.windows(hostile.len()).any(|window| window == hostile), "{hostile:?}");
    }
}

#[test]
fn contents_never_reach_the_terminal_as_they_are() {
    let dir = tempfile::TempDir::new().unwrap();
    let hostile = b"\x1b]0;title\x07\x1b[2Jtext\r\n\ttab\n";
    write(dir.path(), "l.tar", &layer("").file("f", hostile).finish());
    let mut terminal = open(dir.path(), "l.tar");
    terminal.wait_for("Versions");
    terminal.press("\r");
    terminal.expect(
        "· text ·",
        r#"
┌─ /f · layer 0 · 25 B · text · 0 % ───────────────────────────────────────────┐
│\u{1b}]0;title\u{7}\u{1b}[2Jtext\r                                            │
│        tab                                                                   │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ PgUp PgDn g G move  x text/hex  q back  ? keys
"#,
    );
    assert!(!terminal.bytes().windows(4).any(|window| window == b"\x1b]0;"));
}

#[test]
fn any_size_of_window_will_do() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
    terminal.resize(40, 120);
    terminal.expect("Versions", r#"
┌─ Layers 3 ───────────────────────────────────┐┌─ app.tar · merged ───────────────────────────────────────────────────┐
│ 0    2.9 KiB step 0                          ││  ▸ bin/                                                            L1│
│ 1        8 B step 1                          ││  ▸ dev/                                                            L1│
│ 2        8 B step 2                          ││C ▸ etc/                                                            L2│
│                                              ││    lib -> usr/lib                                                  L0│
│                                              ││  ▸ run/                                                            L1│
│                                              ││A ▸ srv/                                                            L2│
│                                              ││  ▸ tmp/                                                            L0│
│                                              ││  ▸ usr/                                                            L0│
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
│                                              ││                                                                      │
└──────────────────────────────────────────────┘└──────────────────────────────────────────────────────────────────────┘
┌─ Versions ───────────────────────────────────────────────────────────────────────────────────────────────────────────┐
│/bin                                                                                                                  │
│layer 1   shown               implied directory                                                                       │
│layer 0   merged              drwxr-xr-x 0:0               2023-11-14T22:13:20Z                                       │
│=> merged from layers 1, 0 (step 1)                                                                                   │
│                                                                                                                      │
│                                                                                                                      │
│                                                                                                                      │
│                                                                                                                      │
│                                                                                                                      │
│                                                                                                                      │
│                                                                                                                      │
└──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  Tab pane  m mode  [ ] layer  / find  e why  ? keys  q quit
"#);
    terminal.resize(10, 40);
    terminal.expect(
        "app.tar",
        r#"
┌─ app.tar · merged ───────────────────┐
│  ▸ bin/                            L1│
│  ▸ dev/                            L1│
│C ▸ etc/                            L2│
│    lib -> usr/lib                  L0│
│  ▸ run/                            L1│
│A ▸ srv/                            L2│
│  ▸ tmp/                            L0│
└──────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  Tab
"#,
    );
    for (rows, columns) in [(1, 1), (2, 3), (3, 200), (100, 4), (5, 20)] {
        terminal.resize(rows, columns);
        terminal.press("?q\t\t\t/a\x1b");
    }
    terminal.resize(24, 80);
    terminal.wait_for("Versions");
}

#[test]
fn without_colours_there_are_letters() {
    let dir = app();
    let mut terminal = Terminal::start(dir.path(), (24, 80), &["tui", "app.tar"], &[("NO_COLOR", "1")]);
    terminal.wait_for("Versions");
    terminal.press("2");
    assert!(terminal.wait_for("as of layer 2").contains("A ▸ srv"));
    let text = String::from_utf8_lossy(&terminal.bytes()).into_owned();
    for colour in ["\x1b[32", "\x1b[38", "\x1b[36", "\x1b[34"] {
        assert!(!text.contains(colour), "{colour:?}");
    }
}

#[test]
fn the_terminal_is_given_back() {
    let dir = app();
    for (how, status) in [("q", 0), ("\x1b", 0), ("\x03", 0), ("TERM", 143), ("HUP", 129)] {
        let mut terminal = open(dir.path(), "app.tar");
        terminal.wait_for("Versions");
        assert_eq!(terminal.modes(), (true, false));
        match how {
            "TERM" => kill(&terminal, rustix::process::Signal::TERM),
            "HUP" => kill(&terminal, rustix::process::Signal::HUP),
            keys => terminal.press(keys),
        }
        assert_eq!(terminal.end().code(), Some(status), "{how:?}");
        assert_eq!(terminal.modes(), (false, true), "{how:?}");
    }
}

fn kill(terminal: &Terminal, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(terminal.pid() as i32).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn without_a_terminal_it_says_so() {
    let dir = app();
    let output = peelfs(["tui", &dir.path().join("app.tar").to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "peelfs: it takes a terminal to look around: `peelfs tree` and `peelfs ls` write to anything\n"
    );
}
