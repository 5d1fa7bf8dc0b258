//! `peelfs completions`: scripts that are tried in the shells themselves.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{app, gzip, stored, write};
use crate::support::archive::{Written, oci};
use crate::support::mount::PEELFS;
use crate::support::need::{has, need};
use crate::support::terminal::Terminal;
use crate::support::{Layer, session, user};

/// Names that a shell must quote, each by the beginning that is typed of it.
const QUOTED: [(&str, &str); 14] = [
    ("a", "a b  c"),
    ("it", "it's"),
    ("dou", "double\"quote"),
    ("sub", "sub$(touch pwned)"),
    ("tick", "tick`touch pwned`"),
    ("var", "var$HOME${HOME}"),
    ("semi", "semi;touch pwned"),
    ("pipe", "pipe|touch pwned&"),
    ("star", "star*[a-z]?"),
    ("back", "back\\slash"),
    ("new", "new\nline"),
    ("brace", "brace{a,b}<>()#~"),
    ("col", "col:on@at=is"),
    ("\u{e9}t", "\u{e9}t\u{e9}"),
];

#[test]
fn the_scripts_ask_for_paths_in_an_image() {
    session(
        stored().path(),
        r#"
$ peelfs index gzip.tar > /dev/null
$ peelfs __complete-path -- /many/00 cat gzip.tar | tr '\0' '\n' | head -n 2
/many/000
/many/001
$ peelfs __complete-path -- m ls -l gzip.tar@0 | tr '\0' '\n'
many/
$ peelfs __complete-path -- m mount gzip.tar
$ peelfs __complete-path -- m ls
$ XDG_CACHE_HOME=$PWD/none peelfs __complete-path -- / ls gzip.tar
"#,
    );
}

#[test]
fn plain_layers_are_read_for_it() {
    session(
        app().path(),
        r#"
$ peelfs __complete-path -- /etc/ cat app.tar@1 | tr '\0' '\n'
/etc/passwd
$ peelfs __complete-path -- /etc/ cat app.tar | tr '\0' '\n'
/etc/hostname
"#,
    );
}

#[test]
fn bash_completes_commands_options_and_paths_in_an_image() {
    session(
        stored().path(),
        r#"
$ peelfs index gzip.tar > /dev/null
$ echo 'source <(peelfs completions bash); complete -p peelfs; t() { COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=($1); COMP_CWORD=$2; COMPREPLY=(); _peelfs_in_image peelfs "${COMP_WORDS[$2]}"; echo "${COMPREPLY[@]}"; }; t "peelfs cat gzip.tar /many/29" 3; t "peelfs ls gzip.tar@0 /ma" 3; t "peelfs comp" 1; t "peelfs find gzip.tar --inam" 3; t "peelfs ls --cache-dir . gzip.tar /ma" 5' | bash
complete -o bashdefault -o default -F _peelfs_in_image peelfs
/many/290 /many/291 /many/292 /many/293 /many/294 /many/295 /many/296 /many/297 /many/298 /many/299
/many/
completions
--iname
/many/
"#,
    );
}

#[test]
fn fish_completes_commands_options_and_paths_in_an_image() {
    need!(has("fish"), "needs fish");
    session(
        stored().path(),
        r#"
$ peelfs index gzip.tar > /dev/null
$ peelfs completions fish > peelfs.fish
$ fish -N -c 'source peelfs.fish; complete -C "peelfs cat gzip.tar /many/29"' | head -n 2
/many/290
/many/291
$ fish -N -c 'source peelfs.fish; complete -C "peelfs ls gzip.tar@0 /ma"'
/many/
$ fish -N -c 'source peelfs.fish; complete -C "peelfs comp"'
completions	Write a script that completes command lines of peelfs in a shell
$ fish -N -c 'source peelfs.fish; complete -C "peelfs find gzip.tar --inam"'
--iname	The same, whatever the case
$ fish -N -c 'source peelfs.fish; complete -C "peelfs history gz"'
gzip.tar
"#,
    );
}

#[test]
fn zsh_completes_commands_options_and_paths_in_an_image() {
    need!(has("zsh"), "needs zsh");
    let dir = hostile();
    let mut shell = Shell::zsh(dir.path());
    for (typed, completed) in [
        ("peelfs ls image.tar /on", "peelfs ls image.tar /only/"),
        ("peelfs ls -l image.tar@0 on", "peelfs ls -l image.tar@0 only/"),
        ("peelfs cat image.tar only/e", "peelfs cat image.tar only/entry "),
        ("peelfs complet", "peelfs completions "),
        ("peelfs find image.tar --inam", "peelfs find image.tar --iname="),
        ("peelfs stat image.tar /only --deref", "peelfs stat image.tar /only --dereference "),
        ("peelfs history im", "peelfs history image.tar "),
        ("peelfs mount image.tar /on", "peelfs mount image.tar /on"),
    ] {
        assert_eq!(shell.complete(typed), completed, "{typed}");
    }
}

#[test]
fn zsh_loads_the_script_by_its_name_too() {
    need!(has("zsh"), "needs zsh");
    let dir = hostile();
    let mut shell = Shell::new(dir.path(), "zsh", &["-f", "-i"], ZSH_LOADED);
    assert_eq!(shell.complete("peelfs ls image.tar /on"), "peelfs ls image.tar /only/");
    assert_eq!(shell.complete("peelfs complet"), "peelfs completions ");
}

#[test]
fn bash_writes_names_so_that_it_reads_them_back() {
    need!(has("bash"), "needs bash");
    let dir = hostile();
    reads_back(&mut Shell::bash(dir.path()), dir.path(), "bash");
}

#[test]
fn zsh_writes_names_so_that_it_reads_them_back() {
    need!(has("zsh"), "needs zsh");
    let dir = hostile();
    reads_back(&mut Shell::zsh(dir.path()), dir.path(), "zsh");
}

#[test]
fn fish_writes_names_so_that_it_reads_them_back() {
    need!(has("fish"), "needs fish");
    let dir = hostile();
    fs::write(dir.path().join("peelfs.fish"), peelfs_completions("fish")).unwrap();
    let ask = "source peelfs.fish; complete -C --escape \"$LINE\"";
    for (begun, name) in QUOTED {
        let line = format!("peelfs cat image.tar /h/{begun}");
        let written = until_in_time(|| {
            let written = run(dir.path(), "fish", &["-N", "-c", ask], &[("LINE", &line)]).stdout;
            (!written.is_empty()).then(|| String::from_utf8(written).unwrap())
        });
        let written = written.unwrap_or_else(|| panic!("nothing for {line}"));
        is_read(dir.path(), "fish", &format!("peelfs cat image.tar {}", written.trim_end()), name);
    }
}

/// What a shell makes of a begun name, the same shell has to read back as that name, and nothing in it be run.
fn reads_back(shell: &mut Shell, dir: &Path, program: &str) {
    for (begun, name) in QUOTED {
        for quote in ["", "\"", "'"] {
            let line = shell.complete(&format!("peelfs cat image.tar {quote}/h/{begun}"));
            let is_open = !quote.is_empty() && !line.trim_end().ends_with(quote);
            is_read(dir, program, &format!("{line}{}", if is_open { quote } else { "" }), name);
        }
    }
    let line = shell.complete(r"peelfs cat image.tar /h/a\ ");
    is_read(dir, program, &line, "a b  c");
    let line = shell.complete(r"peelfs cat image.tar /h/sub\$\(to");
    is_read(dir, program, &line, "sub$(touch pwned)");
}

#[track_caller]
fn is_read(dir: &Path, program: &str, line: &str, name: &str) {
    let output = run(dir, program, &["-c", line], &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), content(name), "{name:?}: {line}\n{output:?}");
    assert!(!dir.join("pwned").exists(), "{name:?}: {line}");
}

fn content(name: &str) -> String {
    format!("of {name:?}")
}

/// A directory with an image `image.tar` that is indexed and has names in `h` that a shell must quote, and `only/entry`.
fn hostile() -> TempDir {
    let dir = TempDir::new().unwrap();
    let many = (0..100).fold(Layer::new(), |tar, no| tar.file(&format!("many/{no:03}"), b""));
    let tar =
        QUOTED.iter().fold(many, |tar, (_, name)| tar.file(&format!("h/{name}"), content(name).as_bytes()));
    let tar = tar.file("h/\u{1b}[31mred", b"").file("h/tab\tname", b"").file("only/entry", b"");
    let mut image = Written::new("app:1", [tar]);
    image.store = gzip;
    write(dir.path(), "image.tar", &oci(&[image]));
    let indexed = run(dir.path(), PEELFS, &["index", "image.tar"], &[]);
    assert!(indexed.status.success(), "{indexed:?}");
    dir
}

fn run(dir: &Path, program: &str, args: &[&str], vars: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env("XDG_CACHE_HOME", dir.join("cache"));
    command.env("PATH", user::path_with(Path::new(PEELFS).parent().unwrap())).env("LC_ALL", "C.UTF-8");
    command.env("HOME", dir).envs(vars.iter().copied()).output().unwrap()
}

fn peelfs_completions(shell: &str) -> Vec<u8> {
    run(Path::new("/"), PEELFS, &["completions", shell], &[]).stdout
}

/// Tries a few times: on a busy machine names may come too late for who waits at the keyboard.
fn until_in_time<T>(act: impl FnMut() -> Option<T>) -> Option<T> {
    std::iter::repeat_with(act).take(5).flatten().next()
}

/// A shell on a terminal. `setup` is read first; it binds Ctrl-X d to what writes the line into the file `line`.
struct Shell {
    terminal: Terminal,
    dir: std::path::PathBuf,
}

const BASH: &str = r#"
source <(peelfs completions bash)
dump() { printf %s "$READLINE_LINE" > line.new; mv line.new line; READLINE_LINE= READLINE_POINT=0; }
bind 'set enable-bracketed-paste off'
bind -x '"\C-xd": dump'
touch ready
"#;

const ZSH: &str = r#"
autoload -Uz compinit
compinit -u -D
source <(peelfs completions zsh)
dump() { printf %s "$BUFFER" > line.new; mv line.new line; BUFFER= }
zle -N dump
bindkey '^Xd' dump
touch ready
"#;

const ZSH_LOADED: &str = r#"
mkdir functions
peelfs completions zsh > functions/_peelfs
fpath=($PWD/functions $fpath)
autoload -Uz compinit
compinit -u -D
dump() { printf %s "$BUFFER" > line.new; mv line.new line; BUFFER= }
zle -N dump
bindkey '^Xd' dump
touch ready
"#;

impl Shell {
    fn bash(dir: &Path) -> Shell {
        Shell::new(dir, "bash", &["--norc", "--noprofile", "-i"], BASH)
    }

    fn zsh(dir: &Path) -> Shell {
        Shell::new(dir, "zsh", &["-f", "-i"], ZSH)
    }

    fn new(dir: &Path, program: &str, args: &[&str], setup: &str) -> Shell {
        fs::write(dir.join("setup"), setup).unwrap();
        let mut command = Command::new(program);
        command.args(args).env("XDG_CACHE_HOME", dir.join("cache")).env("HOME", dir).env("LC_ALL", "C.UTF-8");
        command.env("PATH", user::path_with(Path::new(PEELFS).parent().unwrap()));
        let terminal = Terminal::run(command, dir, (50, 200), &[("HISTFILE", "/dev/null")]);
        let mut shell = Shell { terminal, dir: dir.to_owned() };
        shell.terminal.press("source ./setup\n");
        shell.wait_for("ready");
        shell
    }

    /// What a line becomes when it is completed.
    fn complete(&mut self, line: &str) -> String {
        until_in_time(|| {
            self.terminal.press(&format!("{line}\t\u{18}d"));
            let completed = self.wait_for("line");
            (completed != line).then_some(completed)
        })
        .unwrap_or_else(|| line.to_owned())
    }

    /// The contents of a file, once it is there; it is taken away.
    #[track_caller]
    fn wait_for(&mut self, name: &str) -> String {
        let (path, since) = (self.dir.join(name), Instant::now());
        while !path.exists() {
            let seen = || String::from_utf8_lossy(&self.terminal.bytes()).into_owned();
            assert!(since.elapsed() < Duration::from_secs(60), "no {name}: {}", seen());
            thread::sleep(Duration::from_millis(10));
        }
        let contents = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        contents
    }
}
