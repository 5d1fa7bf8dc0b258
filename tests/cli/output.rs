//! Where output goes: a pipe that closes, a terminal that obeys, a disk that is full.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{app, configured, hostile_names, write};
use crate::support::mount::{PEELFS, cache_home, command};
use crate::support::need::{has, need};
use crate::support::{Layer, peelfs, session};

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let dir = TempDir::new().unwrap();
    let tar = (0..20_000).fold(Layer::new(), |tar, no| tar.file(&format!("name-{no:06}"), b""));
    write(dir.path(), "many.tar", &tar.file("zeros", &[0; 3_000_000]).finish());
    session(
        dir.path(),
        r#"
$ { peelfs ls many.tar; echo status $? >&2; } | head -1
name-000000
! status 0
$ { peelfs ls -l many.tar; echo status $? >&2; } | head -1 | cut -c1-20
-rw-r--r-- 1 0 0    
! status 0
$ { peelfs ls --json many.tar; echo status $? >&2; } | head -1
[
! status 0
$ { peelfs tree many.tar; echo status $? >&2; } | head -2
/
├── name-000000
! status 0
$ { peelfs tree --json many.tar; echo status $? >&2; } | head -1
{"path":"","type":"directory","mode":"0755","uid":0,"gid":0,"size":0,"mtime":"2023-11-14T22:13:20Z","nlink":1,"inode":1,"layers":[0],"children":[
! status 0
$ { peelfs cat many.tar zeros; echo status $? >&2; } | head -c 3 | wc -c
3
! status 0
"#,
    );
}

#[test]
fn a_full_disk_is_an_error() {
    let dir = app();
    for args in
        ["ls app.tar", "ls --json app.tar", "tree app.tar", "cat app.tar etc/hostname", "inspect app.tar"]
    {
        let mut command = command();
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        command.args(args.split(' ')).current_dir(dir.path());
        let output = command.stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args}: {said}");
        assert!(said.starts_with("peelfs: stdout: No space left on device"), "{args}: {said}");
    }
}

/// What a command writes to a terminal.
fn on_a_terminal(dir: &TempDir, command: &str) -> Vec<u8> {
    with_colours(dir, &format!("--color=never --no-pager {command}"))
}

/// The same with colours, and through a pager.
fn with_colours(dir: &TempDir, command: &str) -> Vec<u8> {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("{PEELFS} {command}"), "/dev/null"]);
    script.env("XDG_CACHE_HOME", cache_home()).env_remove("PAGER").env_remove("NO_COLOR");
    script
        .env("TERM", "xterm")
        .current_dir(dir.path())
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .stdout
}

#[test]
fn colours_and_the_pager_are_for_people_and_for_whoever_asks() {
    need!(has("script"), "needs script(1)");
    let dir = app();
    let shown = with_colours(&dir, "ls app.tar");
    assert!(shown.starts_with(b"\x1b[1;34mbin\x1b[0m\r\n"), "{}", shown.escape_ascii());
    let sed = "PEELFS_PAGER=\"sed 's/^/paged: /'\"";
    for (before, command, is_paged) in [
        (sed, "history app.tar", true),
        (sed, "tree app.tar", true),
        (sed, "ls -l app.tar", true),
        (sed, "explain app.tar etc", true),
        (sed, "ls app.tar", false),
        (sed, "history app.tar --no-pager", false),
        (sed, "history app.tar --json", false),
        (sed, "cat app.tar etc/hostname", false),
        ("PEELFS_PAGER=", "history app.tar", false),
        ("PAGER=cat", "history app.tar", false),
        ("PEELFS_PAGER=no-such-pager", "ls app.tar", false),
    ] {
        let mut script = Command::new("script");
        let line = format!("{before} {PEELFS} {command}");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(dir.path());
        script.env("XDG_CACHE_HOME", cache_home()).env_remove("RUST_LOG");
        let output = script.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.stdout.starts_with(b"paged: "), is_paged, "{line}: {output:?}");
        assert!(output.status.success() && !output.stdout.is_empty(), "{line}: {output:?}");
    }
    session(
        dir.path(),
        r#"
$ peelfs ls app.tar | head -1
bin
$ peelfs --color always ls app.tar | head -1 | cat -v
^[[1;34mbin^[[0m
$ CLICOLOR_FORCE=1 peelfs ls app.tar | head -1 | cat -v
^[[1;34mbin^[[0m
$ CLICOLOR_FORCE=1 NO_COLOR=1 peelfs ls app.tar | head -1
bin
$ PEELFS_PAGER='sed s/^/paged:/' peelfs history app.tar | head -1
0  11.0 KiB  step 0
"#,
    );
}

/// Whether a terminal would do anything with it but show it.
fn is_harmless(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let text = text.replace("\r\n", "");
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'))
}

#[test]
fn hostile_names_are_escaped_on_a_terminal_and_raw_in_a_pipe() {
    need!(has("script"), "needs script(1)");
    let dir = hostile_names();
    for command in [
        "ls names.tar",
        "ls -l names.tar",
        "ls -R names.tar",
        "ls --json names.tar",
        "tree names.tar",
        "tree --json names.tar",
        "stat names.tar link \"$(printf '\\033[31mred')\"",
        "explain names.tar \"$(printf '\\033[31mred')\"",
        "inspect names.tar",
        "verify names.tar",
        "cat names.tar \"$(printf '\\033]0;no such file')\"",
        "ls names.tar \"$(printf '\\033]0;no such file')\"",
        "ls \"$(printf '\\033]0;no such image')\"",
    ] {
        let shown = on_a_terminal(&dir, command);
        assert!(is_harmless(&shown), "{command}: {}", shown.escape_ascii());
        assert!(!shown.is_empty(), "{command}");
    }
    let lines = String::from_utf8(on_a_terminal(&dir, "ls names.tar")).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(
        lines,
        [
            "\\u{1b}[31mred",
            "back\\slash",
            "gnp.\\u{202e}exe",
            "link",
            "new\\nline",
            "not utf-8 \\xff",
            "\u{e9}t\u{e9}"
        ]
    );
    let image = dir.path().join("names.tar");
    let piped = peelfs(["ls".as_ref(), image.as_os_str()]).stdout;
    assert_eq!(
        piped.escape_ascii().to_string(),
        "\\x1b[31mred\\nback\\\\slash\\ngnp.\\xe2\\x80\\xaeexe\\nlink\\nnew\\nline\\nnot utf-8 \\xff\\n\\xc3\\xa9t\\xc3\\xa9\\n"
    );
}

#[test]
fn hostile_texts_of_a_configuration_are_escaped_everywhere() {
    let hostile = "\\u001b[31m\\u0007\\n\\u202e";
    let config = format!(
        "{{\"os\":\"{hostile}\",\"architecture\":\"{hostile}\",\"created\":\"{hostile}\",\"author\":\"{hostile}\",\
         \"config\":{{\"Cmd\":[\"{hostile}\"],\"User\":\"{hostile}\",\"Env\":[\"A={hostile}\"],\
         \"Labels\":{{\"{hostile}\":\"{hostile}\"}}}},\"rootfs\":{{\"diff_ids\":[]}},\
         \"history\":[{{\"created_by\":\"{hostile}\",\"comment\":\"{hostile}\",\"created\":\"{hostile}\"}}]}}"
    );
    let dir = configured(&config, hostile);
    for command in ["inspect", "inspect --json", "history", "history --json", "verify", "explain f"] {
        let (command, path) =
            command.split_once(" f").map_or((command, None), |(command, _)| (command, Some("f")));
        let image = dir.path().join("image.tar");
        let mut args: Vec<_> = command.split(' ').map(std::ffi::OsString::from).collect();
        args.push(image.into_os_string());
        args.extend(path.map(Into::into));
        let output = peelfs(&args);
        let text = String::from_utf8(output.stdout).unwrap().replace('\n', "");
        assert!(is_harmless(text.as_bytes()), "{command}: {}", text.escape_debug());
        assert!(!text.is_empty(), "{command}: {:?}", output.stderr);
    }
}

#[test]
fn commands_can_be_copied() {
    let config = r#"{"os":"linux","architecture":"amd64","config":{"Env":["A=\\377"]},"rootfs":{"diff_ids":[]},
        "history":[{"created_by":"RUN printf 'b\\377' >f"}]}"#;
    session(
        configured(config, "app:1").path(),
        r#"
$ peelfs history image.tar
0  2.0 KiB  RUN printf 'b\377' >f
$ peelfs inspect image.tar | grep -e env -e step
env          A=\377
  step       RUN printf 'b\377' >f
$ peelfs explain image.tar f | tail -1
=> shown from layer 0 (RUN printf 'b\377' >f)
"#,
    );
}
