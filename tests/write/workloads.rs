//! What programs do: the same script in a mount and in a plain directory says the same and leaves the same.

use std::path::Path;
use std::process::{Command, Stdio};

use super::check::check_script;
use super::{NEEDS, can_compare, richest};
use crate::support::need::{has, need};
use crate::support::{By, layer};

/// What a script says in a directory.
pub fn run(script: &str, dir: &Path) -> Result<String, String> {
    let mut shell = Command::new("sh");
    shell.arg("-ec").arg(script).current_dir(dir).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
    shell.env("HOME", dir).env("GIT_CONFIG_NOSYSTEM", "1").env("TZ", "UTC");
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(format!("{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}

#[track_caller]
fn both(name: &str, script: &str) {
    for by in [By::Kernel, By::Peelfs] {
        let more = "./ src/ src/main.c=int.main; src/lib/ src/lib/a.c=a src/lib/b.c=b src/run=x!755 etc/ etc/conf=old=1";
        let layers =
            [richest::layer(by), layer(more), layer("./ src/ src/lib/ src/lib/.wh.b.c src/lib/c.c=c")];
        if let Err(reason) = check_script(by, layers, |dir| run(script, dir)) {
            panic!("{name}, by {by:?}: {reason}");
        }
    }
}

#[test]
fn trees_are_copied_moved_and_removed() {
    need!(can_compare(), NEEDS);
    both("cp", "cp -a tree copy; cp -a src src2; cp -al src src3; rm -rf src; cp -a src2 src; ls -R | sort");
    both(
        "mv",
        "mv src tree/below; mkdir src; mv tree/below/src/lib src; mv src/lib/c.c src/lib/b.c; ls -R | sort",
    );
    both("rm", "rm -rf tree src; mkdir tree src; touch -d @5 tree src; rm -rf tree; find . | sort");
    both(
        "find",
        "find . -type f -newermt 2001-01-01 -exec chmod 600 {} +; find . -depth -name '*e*' -delete || :; find . | sort",
    );
    both(
        "chmod",
        "chmod -R go= .; chown -R 7:8 src; touch -d @9 src/lib; chmod -R u+s src; cp -a --attributes-only src/run o",
    );
}

#[test]
fn files_are_edited_in_the_ways_of_editors() {
    need!(can_compare(), NEEDS);
    both(
        "in place",
        "sed -i s/old/new/ etc/conf; sed -i.bak s/new/newer/ etc/conf; cat etc/conf etc/conf.bak",
    );
    both(
        "safe",
        "echo 1 >etc/.new; sync etc/.new; mv etc/.new etc/conf; ln etc/conf etc/conf~; echo 2 >etc/conf; cat etc/*",
    );
    both(
        "dd",
        "dd if=/dev/zero of=large bs=4k seek=3 count=2 conv=notrunc,fsync status=none; dd if=large of=holes bs=1000 skip=7 \
        status=none; truncate -s 1M holes; fallocate -p -o 4096 -l 8192 large; sha256sum large holes",
    );
    both(
        "append",
        "for i in $(seq 50); do echo $i >>etc/log; echo $i >>large; done; tail -n 3 large | od -c | tail -n 2; wc etc/log",
    );
    both("lock", "flock etc/conf -c 'echo locked >>etc/conf'; flock -n src true; cat etc/conf");
}

#[test]
fn archives_are_unpacked_over_what_is_there() {
    need!(can_compare(), NEEDS);
    let pack = "mkdir new; echo 1 >new/f; ln new/f new/g; ln -s f new/l; mkfifo new/p; touch -d @7 new/f; \
        tar cf new.tar new src tree; ";
    both(
        "tar x",
        &format!(
            "{pack} rm -rf new src; tar xpf new.tar; tar xpf new.tar; tar df new.tar; rm new.tar; ls -lR --time-style=+ src | wc -l"
        ),
    );
    both(
        "tar over another",
        &format!("{pack} mv tree t; mv src tree; mv t src; tar xpf new.tar; rm -f new.tar; find . | sort"),
    );
    both(
        "--overwrite",
        &format!(
            "{pack} echo x >src/run; tar xpf new.tar --overwrite; tar xpf new.tar --unlink-first --recursive-unlink; rm new.tar"
        ),
    );
}

#[test]
fn a_repository_is_made_changed_and_packed() {
    need!(can_compare() && has("git"), "needs root, FUSE, overlayfs and git");
    let git = "g() { git -c user.name=n -c user.email=e -c init.defaultBranch=main -c advice.detachedHead=false \
        -c gc.auto=0 -C src \"$@\"; }; export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000';";
    // What git keeps of files' numbers and times is in .git/index.
    let script = "g init -q; g add -A; g commit -qm one; g mv lib l2; echo more >>src/main.c; g commit -qam two; \
        g checkout -q HEAD~; ls src; g checkout -q main; ls src; g status --porcelain; g gc -q --prune=now; g fsck; g log --format=%H; \
        g stash list; g clean -fdxq; g reset -q --hard HEAD~; g status --porcelain; rm -rf src/.git";
    both("git", &format!("{git} {script}"));
}
