//! statfs(2): the whole image, and nothing free (S26).

use rustix::fs::StatVfsMountFlags;

use super::{mount, succeed};
use crate::support::layer;
use crate::support::need::{has_fuse, need};

/// What statfs(2) says of every FUSE file system (statfs(2), "magic numbers").
const FUSE_SUPER_MAGIC: i64 = 0x6573_5546;

#[test]
fn s26_the_size_is_that_of_all_layers_and_nothing_is_free() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) =
        mount([layer("d/").file("a", &[1; 10_000]).file("d/b", &[2; 5_000]), layer(".wh.a c=3 e->c")]);
    let statfs = rustix::fs::statfs(mount.path()).unwrap();
    assert_eq!((statfs.f_type, statfs.f_bsize, statfs.f_namelen), (FUSE_SUPER_MAGIC, 4096, 255));
    assert_eq!((statfs.f_blocks, statfs.f_bfree, statfs.f_bavail), (15_001u64.div_ceil(4096), 0, 0));
    assert_eq!((statfs.f_files, statfs.f_ffree), (6, 0));
    let flags = rustix::fs::statvfs(mount.path()).unwrap().f_flag;
    let expected = StatVfsMountFlags::RDONLY | StatVfsMountFlags::NOSUID | StatVfsMountFlags::NODEV;
    assert!(flags.contains(expected), "{flags:?}");
}

#[test]
fn df_knows_the_mount_by_its_image() {
    need!(has_fuse(), "needs FUSE");
    let (mount, dir) = mount([layer("a=1")]);
    let df = succeed(std::process::Command::new("df").arg("--output=source,fstype,pcent").arg(mount.path()));
    let fields: Vec<&str> = df.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(fields, [dir.path().join("layer0.tar").to_str().unwrap(), "fuse.peelfs", "100%"]);
}
