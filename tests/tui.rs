//! The browser as users meet it: a program on a terminal, keys, and what is to be seen.

use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::cli::{app, hostile_names, write};
use crate::support::mount::command;
use crate::support::{Terminal, layer, peelfs, sys};

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
└──────────────────────────────┘└──────────────────────────────────────── 1/8 ─┘
┌─ Versions · /bin ────────────────────────────────────────────────────────────┐
│=> merged from layers 1, 0 (step 1)                                           │
│layer 1   shown   implied directory                                           │
│layer 0   merged  drwxr-xr-x 0:0  2023-11-14 22:13                            │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ move  → ← open close  Enter look  / find  [ ] layer  m mode    q quit  ? keys
"#,
    );
}

#[test]
fn a_layer_is_seen_as_it_was_and_alone() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
    terminal.press(&format!("2{DOWN}{DOWN}l"));
    terminal.expect_pane(
        "as of layer 2",
        "app.tar",
        r#"
app.tar · as of layer 2
  ▸ bin/                                    L1
  ▸ dev/                                    L1
C ▾ etc/                                    L2
A     hostname                         3 B  L2
D     passwd                           8 B  L1
    lib -> usr/lib                          L0
  ▸ run/                                    L1
A ▸ srv/                                    L2
  ▸ tmp/                                    L0
  ▸ usr/                                    L0
"#,
    );
    terminal.press("3[");
    terminal.expect_pane(
        "layer 1 alone",
        "app.tar",
        r#"
app.tar · layer 1 alone
C ▸ bin/                                    L1
A ▸ dev/                                    L1
C ▾ etc/                                    L1
D     motd (whiteout)                       L1
C     passwd                           8 B  L1
A ▸ run/                                    L1
"#,
    );
    terminal.expect_pane(
        "/etc",
        "Versions",
        r#"
Versions · /etc
=> shown from layer 2 (step 2)
layer 2   shown              implied directory
layer 1   hidden by layer 2  drwxr-xr-x 0:0  2023-11-14 22:13
layer 0   hidden by layer 2  drwxr-xr-x 0:0  2023-11-14 22:13
"#,
    );
}

#[test]
fn a_search_finds_names_of_the_whole_tree() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
    terminal.press("/s");
    terminal.expect_pane(
        "of 18 names",
        "app.tar",
        r#"
app.tar · merged
/s▏  1/7 of 18 names
  /bin/ash                             8 B  L1
  /bin/sh                              8 B  L0
  /dev/sda (block device)                   L1
A /etc/hostname                        3 B  L2
A /srv/                                     L2
  /usr/                                     L0
  /usr/lib/libc.so                 2.9 KiB  L0
"#,
    );
    terminal.press(&format!("{DOWN}{DOWN}{UP}\r"));
    terminal.expect_pane(
        "n N hits",
        "app.tar",
        r#"
app.tar · merged
/s  2/7 of 18 names
  ▾ bin/                                    L1
      ash                              8 B  L1
      sh                               8 B  L0
  ▸ dev/                                    L1
C ▸ etc/                                    L2
    lib -> usr/lib                          L0
  ▸ run/                                    L1
A ▸ srv/                                    L2
  ▸ tmp/                                    L0
  ▸ usr/                                    L0
"#,
    );
    terminal.press("n");
    terminal.expect_pane(
        "3/",
        "app.tar",
        r#"
app.tar · merged
/s  3/7 of 18 names
  ▾ bin/                                    L1
      ash                              8 B  L1
      sh                               8 B  L0
  ▾ dev/                                    L1
      null (character device)               L1
      sda (block device)                    L1
C ▸ etc/                                    L2
    lib -> usr/lib                          L0
  ▸ run/                                    L1
A ▸ srv/                                    L2
  ▸ tmp/                                    L0
"#,
    );
}

#[test]
fn a_file_is_looked_into_as_text_and_in_hexadecimal() {
    let dir = app();
    let mut terminal = sized(dir.path(), "app.tar", 8, 80);
    terminal.wait_for("bin/");
    terminal.press("/ash");
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
└──────────────────────────────────────────────────────────────────────────────┘
↑↓ move  x text/hex  ← → scroll  g G start, end                   q back  ? keys
"#,
    );
    terminal.press("x");
    terminal.expect_pane(
        "hexadecimal",
        "/bin/ash",
        r#"
/bin/ash · layer 1 · 8 B · hexadecimal · 0 %
00000000  23 21 62 69 6e 61 72 79                           |#!binary|
"#,
    );
}

#[test]
fn why_a_name_shows_is_told() {
    let dir = app();
    let mut terminal = sized(dir.path(), "app.tar", 40, 120);
    terminal.wait_for("Versions");
    terminal.press("2[/motd\re");
    terminal.expect_pane(
        "Why · /etc/motd",
        "Why",
        r#"
Why · /etc/motd
=> not there: deleted by layer 1 (step 1); layer 2 hides it, too (step 2)
/etc
  layer 2     directory, opaque, implied     → shown; nothing below shows in it, the search ends here
  layer 1     directory                      → hidden by layer 2
  layer 0     directory                      → hidden by layer 2
/etc/motd
  layer 2     –
  layer 1     whiteout                       → hidden by layer 2
  layer 0     file, 0644, 5 B                → hidden by layer 2
made by
  layer 2     step 2
  layer 1     step 1
  layer 0     step 0
"#,
    );
}

#[test]
fn the_keys_are_listed() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
    terminal.press("?");
    terminal.expect_pane(
        "Keys",
        "Keys",
        r#"
Keys · any other closes this
 ↑ ↓  k j          move
 PgUp PgDn  ^U ^D  move by a screen, by half a screen
 Home End  g G     to the first, to the last
 → l               open a directory; scroll a file to the right
 ← h               close it, or go to the one above; scroll back
 Enter             open or close; look into a file; follow a symlink
 Tab               to the next pane
 [ ]               select a lower, a higher layer
 m  1 2 3          all layers merged, as of the layer, it alone
 /                 search all names: a part, or *.so
 n N               to the next hit, to the one before
 e                 versions, or why it shows
 x                 in a file: text or hexadecimal
 ^L ^Z             draw anew, suspend
 q Esc  ^C         back, and out; out at once

 A                 added by the selected layer
 C                 changed by it, or a directory it has a part in
 D                 deleted by it
 W                 a whiteout that hides nothing
"#,
    );
}

#[test]
fn names_that_nobody_should_trust_are_escaped() {
    let dir = hostile_names();
    let mut terminal = open(dir.path(), "names.tar");
    terminal.expect_pane(
        "Versions",
        "names.tar",
        r#"
names.tar · merged
A   \u{1b}[31mred                      1 B  L0
A   back\slash                         1 B  L0
A   gnp.\u{202e}exe                    1 B  L0
A   link -> \u{1b}]0;title\u{7}             L0
A   new\nline                          1 B  L0
A   not utf-8 \xff                     1 B  L0
A   été                                1 B  L0
"#,
    );
    assert!(terminal.wait_for("Versions").contains(r"Versions · /\u{1b}[31mred"));
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
    terminal.expect_pane(
        "· text ·",
        "/f",
        r#"
/f · layer 0 · 25 B · text · 0 %
\u{1b}]0;title\u{7}\u{1b}[2Jtext\r
        tab
"#,
    );
    assert!(!terminal.bytes().windows(4).any(|window| window == b"\x1b]0;"));
}

#[test]
fn any_size_of_window_will_do() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    terminal.wait_for("Versions");
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
└──────────────────────────────── 1/8 ─┘
↑↓ move  → ← open close   q quit  ? keys
"#,
    );
    for (rows, columns) in [(1, 1), (2, 3), (3, 200), (100, 4), (5, 20)] {
        terminal.resize(rows, columns);
        terminal.press("?q\t\t\t/a\x1b");
    }
    terminal.resize(24, 80);
    assert!(terminal.wait_for("Versions").contains("q quit  ? keys"));
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
    let signals = [("TERM", Signal::TERM), ("HUP", Signal::HUP), ("INT", Signal::INT)];
    for (how, status) in [("q", 0), ("\x1b", 0), ("\x03", 0), ("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let mut terminal = open(dir.path(), "app.tar");
        terminal.wait_for("Versions");
        assert_eq!((terminal.modes(), terminal.is_cooked()), ((true, false), false));
        match signals.iter().find(|(name, _)| *name == how) {
            Some((_, signal)) => kill(&terminal, *signal),
            None => terminal.press(how),
        }
        assert_eq!(terminal.end().code(), Some(status), "{how:?}");
        assert_eq!((terminal.modes(), terminal.is_cooked()), ((false, true), true), "{how:?}");
    }
}

#[test]
fn a_signal_suspends_it_and_another_one_has_it_drawn_again() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    let screen = terminal.wait_for("Versions");
    kill(&terminal, Signal::TSTP);
    terminal.wait_until(|terminal| terminal.modes() == (false, true) && terminal.is_cooked());
    kill(&terminal, Signal::CONT);
    terminal.wait_until(|terminal| terminal.modes() == (true, false) && !terminal.is_cooked());
    assert_eq!(terminal.wait_for("Versions"), screen);
    // Stopped behind its back, it takes nothing on the screen for granted.
    kill(&terminal, Signal::STOP);
    terminal.scribble();
    kill(&terminal, Signal::CONT);
    terminal.wait_until(|terminal| !terminal.shows("scribbled"));
    assert_eq!(terminal.wait_for("Versions"), screen);
    // Who leads a session would not be woken.
    terminal.press("\x1a");
    terminal.press("2");
    terminal.wait_for("as of layer 2");
}

#[test]
fn it_ends_when_the_terminal_goes_away() {
    let dir = app();
    let (mut ours, theirs) = sys::open_pty(24, 80).unwrap();
    let mut command = command();
    command.args(["tui", "app.tar"]).current_dir(dir.path()).env("TERM", "xterm");
    command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
    sys::take_terminal(&mut command);
    let mut child = command.spawn().unwrap();
    // It holds the other side open.
    drop(command);
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while !seen.windows(4).any(|window| window == b"keys") {
        let len = ours.read(&mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..len]);
    }
    drop(ours);
    let since = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if since.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("it goes on");
        }
        thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(129));
}

#[test]
fn control_z_gives_the_terminal_to_the_shell() {
    let dir = app();
    let script = "peelfs tui app.tar; echo stopped; read line; fg; echo ended $?; read line";
    let mut terminal = Terminal::shell(dir.path(), (24, 80), script);
    let screen = terminal.wait_for("Versions");
    terminal.press("\x1a");
    terminal.wait_for("stopped");
    assert_eq!((terminal.modes(), terminal.is_cooked()), ((false, true), true));
    terminal.press("\n");
    assert_eq!(terminal.wait_for("Versions"), screen);
    terminal.press("q");
    terminal.wait_for("ended 0");
    assert_eq!((terminal.modes(), terminal.is_cooked()), ((false, true), true));
}

#[test]
fn what_was_written_over_is_drawn_again() {
    let dir = app();
    let mut terminal = open(dir.path(), "app.tar");
    let screen = terminal.wait_for("Versions");
    terminal.scribble();
    assert!(terminal.shows("scribbled"));
    terminal.press("\x0c");
    terminal.wait_until(|terminal| !terminal.shows("scribbled"));
    assert_eq!(terminal.wait_for("Versions"), screen);
}

fn kill(terminal: &Terminal, signal: Signal) {
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
