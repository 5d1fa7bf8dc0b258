//! What changed, in the words of `docker diff`, and as `docker diff` itself has it.

use std::fs;
use std::path::Path;

use tar::EntryType;
use tempfile::TempDir;

use super::case::Case;
use super::{NEEDS, can_compare};
use crate::support::archive::{self, Written};
use crate::support::docker::{self, Docker};
use crate::support::layer;
use crate::support::mount::command;
use crate::support::need::{has, need};

const BASE: [&str; 1] = ["./ a/ a/x=1 a/y=2 a/sub/ a/sub/deep/ a/sub/deep/z=3 b=4 l->b e/"];

/// What is done, and what is told of it, lines joined by commas.
const CASES: [(&str, &str); 16] = [
    ("true", ""),
    ("echo 1 >a/new", "C /a,A /a/new"),
    ("rm a/x", "C /a,D /a/x"),
    ("chmod 600 b", "C /b"),
    ("chmod 600 b; chmod 644 b", ""),
    ("touch a", ""),
    ("touch b", "C /b"),
    ("chmod 700 a/sub", "C /a,C /a/sub"),
    ("echo 1 >a/sub/deep/z", "C /a,C /a/sub,C /a/sub/deep,C /a/sub/deep/z"),
    ("rm -r a/sub", "C /a,D /a/sub"),
    ("rm -r a/sub; mkdir a/sub; echo 1 >a/sub/n", "C /a,C /a/sub,D /a/sub/deep,A /a/sub/n"),
    ("mkdir -p n/m; echo 1 >n/m/o", "A /n,A /n/m,A /n/m/o"),
    ("rm b; mkdir b; echo 1 >b/c", "C /b,A /b/c"),
    ("rm -r a; echo 1 >a", "C /a"),
    ("mv a/sub moved", "C /a,D /a/sub,A /moved,A /moved/deep,A /moved/deep/z"),
    ("rm l; ln -s e l; echo 1 >'a b'; echo 1 >a-b; echo 1 >a/c", "C /a,A /a/c,A /a b,A /a-b,C /l"),
];

#[test]
fn changes_are_told_as_docker_tells_them() {
    need!(can_compare(), NEEDS);
    for (script, lines) in CASES {
        let case = Case::of(&BASE);
        case.write(script);
        assert_eq!(case.status().trim_end().replace('\n', ","), lines, "{script}");
    }
}

#[test]
fn programs_have_them_as_json() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write("rm b; echo 1 >\"$(printf 'a/\\377')\"");
    let json: serde_json::Value = serde_json::from_str(&case.succeed("status", &["--json"])).unwrap();
    let expected = serde_json::json!([
        { "change": "changed", "path": "a" },
        { "change": "added", "path": "a/\u{fffd}", "path_hex": "612fff" },
        { "change": "deleted", "path": "b" },
    ]);
    assert_eq!(json, expected);
}

#[test]
fn w9_an_upper_of_another_image_is_refused() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    let other = format!("sha256:{}", "0".repeat(64));
    case.write_by_hand(&format!("echo 1 >n; setfattr -n trusted.overlay.peelfs.base -v {other} ."));
    for verb in ["status", "revert", "commit"] {
        let args: &[&str] = match verb {
            "status" => &[],
            "revert" => &["/b"],
            _ => &["-o", "new.tar"],
        };
        let output = case.peelfs(verb, args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb}");
        assert!(stderr.contains("made over other layers") && stderr.contains("--force"), "{stderr}");
    }
    assert_eq!(case.succeed("status", &["--force"]), "A /n\n");
    let before = fs::metadata(case.path("upper")).unwrap().modified().unwrap();
    assert_eq!(fs::metadata(case.path("upper")).unwrap().modified().unwrap(), before);
}

/// What a container does to the file system of its image.
const SCRIPT: &str = "cd /work && rm gone && rm -r tree/sub && mkdir tree/sub && echo 2 >tree/sub/new && \
    mv moved elsewhere && rm file && mkdir file && echo 3 >file/now && chmod 4711 changed && \
    ln hard harder && ln -s nowhere link && mknod node c 1 3 && touch same && touch tree && \
    chmod 600 copied && chmod 644 copied && mkdir -p new/dir && echo 1 >new/dir/f";

#[test]
fn docker_diff_says_the_same_of_a_container() {
    need!(docker::is_available() && has("busybox"), "needs docker, dockerd and a static busybox");
    let docker = Docker::get();
    let program = fs::read("/bin/busybox").unwrap();
    let applets = ["sh", "rm", "mkdir", "mv", "chmod", "ln", "mknod", "touch"];
    let links: String = applets.iter().map(|applet| format!(" bin/{applet}->busybox")).collect();
    let base = layer(&format!("./ etc/ dev/ proc/ sys/ bin/{links}"));
    let base = base.add(EntryType::Regular, b"bin/busybox", &program, |header| header.set_mode(0o755));
    let work = layer(
        "./ work/ work/gone=1 work/tree/ work/tree/keep=1 work/tree/sub/ work/tree/sub/old=1 work/moved=1 \
         work/file=1 work/changed=1 work/hard=1 work/same=1 work/copied=1",
    );
    let dir = TempDir::new().unwrap();
    let image = dir.path().join("image.tar");
    fs::write(&image, archive::docker(&[Written::new("diffed:1", [base, work])])).unwrap();
    docker.run(&["load", "--input", image.to_str().unwrap()]);
    docker.run(&["run", "--name", "diffed", "--network", "none", "diffed:1", "sh", "-c", SCRIPT]);
    let upper = docker.run(&["inspect", "--format", "{{.GraphDriver.Data.UpperDir}}", "diffed"]);
    let theirs = docker.run(&["diff", "diffed"]);
    let status = command().arg("status").arg(&image).arg("--upper").arg(Path::new(&upper)).output().unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // Docker gives names of a directory in no order.
    assert_eq!(sorted(&String::from_utf8(status.stdout).unwrap()), sorted(&theirs));
    docker.run(&["rm", "diffed"]);
}
