//! A program on a pseudo-terminal, and what is to be seen there.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::panic::Location;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::mount::{PEELFS, cache_home, command};
use super::session::compare;
use super::sys;

/// How long a screen may take to come; machines are slow at times.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing must change for a screen to be there.
const CALM: Duration = Duration::from_millis(350);

/// A terminal with a program on it.
pub struct Terminal {
    ours: File,
    child: Child,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    last: Instant,
}

impl Terminal {
    /// Starts the program under test in a directory, on a terminal of a size.
    pub fn start(dir: &Path, size: (u16, u16), args: &[&str], vars: &[(&str, &str)]) -> Terminal {
        let mut command = command();
        command.args(args);
        Terminal::run(command, dir, size, vars)
    }

    /// Runs a script by a shell with job control, `peelfs` being the program under test.
    pub fn shell(dir: &Path, size: (u16, u16), script: &str) -> Terminal {
        let programs = Path::new(PEELFS).parent().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-m", "-c", script]);
        shell.env("PATH", super::user::path_with(programs)).env("XDG_CACHE_HOME", cache_home());
        Terminal::run(shell, dir, size, &[])
    }

    /// Starts any program so.
    pub fn run(
        mut command: Command,
        dir: &Path,
        (rows, columns): (u16, u16),
        vars: &[(&str, &str)],
    ) -> Terminal {
        let (ours, theirs) = sys::open_pty(rows, columns).unwrap();
        command.current_dir(dir).env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.envs(vars.iter().copied());
        command.stdin(Stdio::from(theirs.try_clone().unwrap()));
        command.stdout(Stdio::from(theirs.try_clone().unwrap())).stderr(Stdio::from(theirs));
        sys::take_terminal(&mut command);
        let child = command.spawn().unwrap();
        let parser = vt100::Parser::new(number(rows), number(columns), 0);
        let seen = Arc::new(Mutex::new(Seen { parser, bytes: Vec::new(), last: Instant::now() }));
        let (mut reader, seen_by_reader) = (ours.try_clone().unwrap(), seen.clone());
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                let mut seen = seen_by_reader.lock().unwrap();
                seen.parser.process(&buffer[..len]);
                seen.bytes.extend_from_slice(&buffer[..len]);
                seen.last = Instant::now();
            }
        });
        Terminal { ours, child, seen }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
        self.seen.lock().unwrap().last = Instant::now();
    }

    /// Makes the window another size.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let mut seen = self.seen.lock().unwrap();
        seen.parser.screen_mut().set_size(number(rows), number(columns));
        seen.last = Instant::now();
        sys::resize(&self.ours, rows, columns).unwrap();
    }

    /// The screen, once a text is on it and nothing changes any more.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        let since = Instant::now();
        loop {
            let (screen, calm) = {
                let seen = self.seen.lock().unwrap();
                (seen.parser.screen().contents(), seen.last.elapsed() > CALM)
            };
            if calm && screen.contains(text) {
                return screen.lines().map(|line| format!("{}\n", line.trim_end())).collect();
            }
            assert!(since.elapsed() < PATIENCE, "no {text:?} on the screen:\n{screen}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Compares a pane of the screen, once a text is on the screen; as for [`Terminal::expect`].
    #[track_caller]
    pub fn expect_pane(&mut self, text: &str, title: &str, expected: &str) {
        let actual = format!("\n{}", pane(&self.wait_for(text), title));
        compare(Location::caller(), expected, &actual);
    }

    /// Compares the screen, once a text is on it, with what is expected; `PEELFS_TEST_ACCEPT=1` as for sessions.
    #[track_caller]
    pub fn expect(&mut self, text: &str, expected: &str) {
        let actual = format!("\n{}", self.wait_for(text));
        compare(Location::caller(), expected, &actual);
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn wait_until(&self, holds: impl Fn(&Terminal) -> bool) {
        let since = Instant::now();
        while !holds(self) {
            assert!(since.elapsed() < PATIENCE, "it does not come to be");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether a text is on the screen now.
    pub fn shows(&self, text: &str) -> bool {
        self.seen.lock().unwrap().parser.screen().contents().contains(text)
    }

    /// Writes `scribbled` over the screen, as another program might.
    pub fn scribble(&self) {
        self.seen.lock().unwrap().parser.process(b"\x1b[5;5Hscribbled");
    }

    /// Whether the terminal gives a program whole lines, and echoes what is typed.
    pub fn is_cooked(&self) -> bool {
        use rustix::termios::{LocalModes, tcgetattr};
        tcgetattr(&self.ours).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// All bytes that the program wrote.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.lock().unwrap().bytes.clone()
    }

    /// Whether the alternate screen is shown, and whether the cursor is.
    pub fn modes(&self) -> (bool, bool) {
        let seen = self.seen.lock().unwrap();
        let screen = seen.parser.screen();
        (screen.alternate_screen(), !screen.hide_cursor())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program to end, and for all that it wrote.
    pub fn end(&mut self) -> ExitStatus {
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(since.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(10));
        };
        thread::sleep(CALM);
        status
    }
}

/// What stands in the frame whose title begins so: the title, and the lines without the empty ones at the end.
fn pane(screen: &str, title: &str) -> String {
    let lines: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
    let title: Vec<char> = format!("┌─ {title}").chars().collect();
    let place = lines
        .iter()
        .enumerate()
        .find_map(|(y, line)| line.windows(title.len()).position(|window| window == title).map(|x| (y, x)));
    let (top, left) = place.unwrap_or_else(|| panic!("no such pane on the screen:\n{screen}"));
    let width = lines[top][left..].iter().position(|&c| c == '┐').unwrap();
    let inner = |line: &Vec<char>| line[left + 1..left + width].iter().collect::<String>();
    let rows = lines[top + 1..].iter().take_while(|line| line[left] == '│');
    let mut text = inner(&lines[top]).trim_matches(['─', ' ']).to_owned();
    for row in rows {
        text.push('\n');
        text.push_str(inner(row).trim_end());
    }
    format!("{}\n", text.trim_end())
}

fn number(size: u16) -> NonZero<u16> {
    NonZero::new(size).unwrap()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
