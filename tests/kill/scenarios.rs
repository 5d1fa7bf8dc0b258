//! What is tried: one operation each, in the words of `write::perform`, over layers that have something for all.

use crate::support::{Layer, layer};

/// One operation on a mount, and what was done in an earlier mount of the same upper.
pub struct Scenario {
    pub name: &'static str,
    pub before: &'static [&'static str],
    pub operation: &'static str,
}

const fn on(name: &'static str, before: &'static [&'static str], operation: &'static str) -> Scenario {
    Scenario { name, before, operation }
}

/// More than one call of any size copies.
const BIG: usize = 3 << 20;

/// The layers, base first.
pub fn layers() -> [Layer; 2] {
    let base = "etc/ etc/file=lower!640 etc/other=other etc/gone=gone etc/link->file \
        far/ far/a/!750 far/a/b/!1777 far/a/b/file=far hard/ hard/one=linked hard/two=>hard/one \
        merged/ merged/x=x merged/y=y dir/ dir/inner=inner dir/sub/ dir/sub/leaf=leaf emptied/ emptied/x=x";
    let attributes = || [("SCHILY.xattr.user.note", &b"a\nb"[..]), ("SCHILY.xattr.user.other", &b"c"[..])];
    let base = layer(base).pax(attributes()).entry("etc/noted=noted").pax(attributes()).entry("noted/!2755");
    let base = base.file("etc/big", &(0..BIG).map(|at| (at / 1000) as u8).collect::<Vec<u8>>());
    [base, layer("merged/ merged/z=z emptied/ emptied/.wh.x top/ top/file=top")]
}

/// All names of `merged`, one of the base and one of the top among them.
const EMPTY_MERGED: &[&str] = &["unlink merged/x", "unlink merged/y", "unlink merged/z"];

const EMPTY_MERGED_AND_MAKE: &[&str] =
    &["unlink merged/x", "unlink merged/y", "unlink merged/z", "mkdir made 750", "create made/file 600"];

/// What was renamed has whiteouts in the upper, and nothing below its new name.
const RENAME_AND_EMPTY: &[&str] =
    &["rename dir new", "unlink new/inner", "unlink new/sub/leaf", "rmdir new/sub"];

#[rustfmt::skip]
pub const SCENARIOS: &[Scenario] = &[
    // Copying up.
    on("write to a file", &[], "write etc/file 2 3 w"),
    on("write to a large file", &[], "write etc/big 1000000 3 w"),
    on("write to a file with attributes", &[], "write etc/noted 0 3 w"),
    on("write to a file deep in the image", &[], "write far/a/b/file 0 3 w"),
    on("write to a hard link", &[], "write hard/one 0 3 w"),
    on("write to a hard link, the other one gone", &["unlink hard/one"], "write hard/two 0 3 w"),
    on("open with O_TRUNC", &[], "rewrite etc/file 0 w"),
    on("open with O_TRUNC of a hard link", &[], "rewrite hard/two 0 w"),
    on("truncate", &[], "truncate etc/big 1000"),
    on("chmod of a file", &[], "chmod etc/file 4711"),
    on("chmod of a hard link", &[], "chmod hard/two 600"),
    on("chmod of a directory", &[], "chmod dir 711"),
    on("chmod of a merged directory deep down", &["chmod far 700"], "chmod far/a/b 711"),
    on("chown of a symlink", &[], "chown etc/link 3 4"),
    on("utimes of a file", &[], "utimes etc/file 1000000000 5"),
    on("setxattr of a file", &[], "setxattr etc/noted user.note new"),
    on("removexattr of a directory", &[], "removexattr noted user.note"),
    on("punch a hole", &[], "punch etc/big 4096 8192"),
    // Making.
    on("create", &[], "create dir/sub/new 640"),
    on("create over a whiteout", &["unlink etc/gone"], "create etc/gone 600"),
    on("create over a whiteout of a layer", &[], "create emptied/x 600"),
    on("mkdir", &[], "mkdir dir/new 750"),
    on("mkdir over a whiteout", &["unlink etc/gone"], "mkdir etc/gone 755"),
    on("mkdir over a removed directory", &["unlink top/file", "rmdir top"], "mkdir top 755"),
    on("symlink", &[], "symlink target dir/new"),
    on("symlink over a whiteout", &["unlink etc/gone"], "symlink target etc/gone"),
    on("mknod of a fifo", &[], "fifo dir/new"),
    on("mknod of a device", &[], "device dir/new"),
    on("mknod over a whiteout", &["unlink etc/gone"], "device etc/gone"),
    on("link of a lower file", &[], "link etc/file dir/new"),
    on("link of a lower hard link", &[], "link hard/two hard/three"),
    on("link of an upper file", &["create new 600"], "link new dir/new"),
    on("link over a whiteout", &["unlink etc/gone"], "link etc/file etc/gone"),
    // Removing.
    on("unlink of a lower file", &[], "unlink etc/file"),
    on("unlink of a lower file deep down", &[], "unlink far/a/b/file"),
    on("unlink of a lower hard link", &[], "unlink hard/one"),
    on("unlink of an upper file", &["create dir/new 600"], "unlink dir/new"),
    on("unlink of a file that was copied up", &["write etc/file 0 1 w"], "unlink etc/file"),
    on("unlink of a file over a whiteout", &["unlink etc/gone", "create etc/gone 600"], "unlink etc/gone"),
    on("unlink of a hard link that was copied up", &["write hard/one 0 1 w"], "unlink hard/two"),
    on("rmdir of an upper directory", &["mkdir new 755"], "rmdir new"),
    on("rmdir of a lower directory", &["unlink top/file"], "rmdir top"),
    on("rmdir of a directory that a layer emptied", &[], "rmdir emptied"),
    on("rmdir of a merged directory full of whiteouts", EMPTY_MERGED, "rmdir merged"),
    on("rmdir of an opaque directory", &["unlink top/file", "rmdir top", "mkdir top 755"], "rmdir top"),
    on("rmdir of a renamed directory full of whiteouts", RENAME_AND_EMPTY, "rmdir new"),
    // Renaming.
    on("rename of a lower file", &[], "rename etc/file dir/new"),
    on("rename of an upper file", &["create new 600"], "rename new dir/new"),
    on("rename over a whiteout", &["unlink etc/gone"], "rename etc/file etc/gone"),
    on("rename of an upper file over a whiteout", &["unlink etc/gone", "create new 600"], "rename new etc/gone"),
    on("rename of a lower file over a lower file", &[], "rename etc/file etc/other"),
    on("rename of a lower file over one that was copied up", &["write etc/other 0 1 w"], "rename etc/file etc/other"),
    on("rename of an upper file over a lower file", &["create new 600"], "rename new etc/other"),
    on("rename of a lower hard link", &[], "rename hard/one dir/new"),
    on("rename with NOREPLACE", &[], "rename-new etc/file dir/new"),
    on("rename of a lower directory", &[], "rename dir new"),
    on("rename of a lower directory into another", &[], "rename dir far/a/b/new"),
    on("rename of a merged directory", &["create merged/new 600"], "rename merged new"),
    on("rename of a directory that was renamed", &["rename dir new"], "rename new far/newer"),
    on("rename of a directory back", &["rename dir new"], "rename new dir"),
    on("rename of an upper directory", &["mkdir made 755", "create made/file 600"], "rename made dir/new"),
    on("rename of a directory over a whiteout", &["unlink etc/gone"], "rename dir etc/gone"),
    on("rename of an upper directory over an emptied one", EMPTY_MERGED_AND_MAKE, "rename made merged"),
    on("rename of a lower directory over an emptied one", EMPTY_MERGED, "rename dir merged"),
    on("rename of a directory over a renamed one that is empty", RENAME_AND_EMPTY, "rename far/a new"),
    on("exchange of lower files", &[], "exchange etc/file far/a/b/file"),
    on("exchange of a lower file and a lower directory", &[], "exchange etc/file dir"),
    on("exchange of lower directories", &[], "exchange dir far/a"),
    on("exchange of an upper and a lower directory", &["mkdir made 755", "create made/file 600"], "exchange made dir"),
];
