//! What other tools got wrong, each as they met it. The names are theirs.

use peelfs::blob::SpoolDir;
use peelfs::entry::Time;
use peelfs::image::{Input, Opening};
use peelfs::index::LayerIndex;
use peelfs::stack::Stack;
use peelfs::tarball::TarReader;
use peelfs::union::dump;
use tar::EntryType;

use crate::support::archive::{self, Written};
use crate::support::{Image, Layer, layer};

/// Layers, base first, show a tree.
fn shows(layers: &[&str], tree: &str) {
    assert_eq!(Image::of(layers.iter().map(|line| layer(line))).tree(), tree, "{layers:#?}");
}

/// Opens an archive from a file, as a command would.
fn open(archive: &[u8]) -> Result<Stack, peelfs::stack::Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    std::fs::write(&path, archive).unwrap();
    let tars = TarReader { spool: SpoolDir::new(dir.path()), ..TarReader::default() };
    let opening = Opening { tars, ..Opening::default() };
    Stack::open(&opening, &Input::Paths(vec![path]))
}

#[test]
fn dive_and_fuse_overlayfs_425_ignore_opaque() {
    shows(&["d/old d/e/old", "d/ d/.wh..wh..opq d/new"], "d/ d/new");
}

#[test]
fn composefs_rs_8_and_clip_apply_markers_in_tar_order_and_wipe_their_own_layer() {
    shows(&["d/old", "d/ d/new d/.wh..wh..opq"], "d/ d/new");
    shows(&["d/old", "d/ d/new .wh.d"], "d/ d/new");
    shows(&["f=old", "f=new .wh.f"], "f=new");
}

#[test]
fn crane_drops_a_name_that_is_added_again_by_the_layer_that_whites_it_out() {
    shows(&["f=old d/x", ".wh.f f=new .wh.d d/y"], "d/ d/y f=new");
}

#[test]
fn fuse_overlayfs_151_lets_a_whiteout_in_the_root_hide_the_name_everywhere() {
    shows(&["x=1 d/x=2 d/e/x=3", ".wh.x d/new"], "d/ d/e/ d/e/x=3 d/new d/x=2");
}

#[test]
fn stereoscope_647_wipes_a_directory_for_a_bare_whiteout() {
    shows(&["d/a=1 d/b=2", "d/.wh. d/c=3"], "d/ d/a=1 d/b=2 d/c=3");
}

#[test]
fn containerd_2001_takes_a_whiteout_of_dot_dot_for_a_path() {
    shows(&["a=1 d/b=2", "d/.wh.. d/.wh... .wh.. .wh..."], "a=1 d/ d/b=2");
}

#[test]
fn moby_15517_shows_leftovers_of_aufs() {
    shows(&["a=1 .wh..wh.aufs .wh..wh.orph/ .wh..wh.plnk/ .wh..wh.plnk/1.2=x"], "a=1");
}

#[test]
fn umoci_254_confuses_a_whiteout_with_one_in_a_directory_of_that_name() {
    shows(&["test/test=1 test/a=2", "test/ test/.wh.test"], "test/ test/a=2");
    shows(&["test/test=1 a=2", ".wh.test"], "a=2");
    shows(&["test/test=1", ".wh.test test/.wh.test"], "test/");
}

#[test]
fn crane_977_and_2002_lose_a_hard_link_when_its_target_is_deleted_or_replaced_above() {
    shows(&["a=old b=>a", ".wh.a"], "b=old");
    shows(&["a=old b=>a", "a=new"], "a=new b=old");
    shows(&["d/a=old b=>d/a", ".wh.d"], "b=old");
}

#[test]
fn image_spec_1204_links_across_layers() {
    shows(&["a=1", "b=>a"], "a=1 b=1");
    shows(&["a=1", "b=>a", "a=2 .wh.b"], "a=2");
}

#[test]
fn composefs_rs_gives_up_the_whole_mount_for_one_link_to_nothing() {
    shows(&["a=1", "b=>nowhere c=2"], "a=1 c=2");
}

#[test]
fn stereoscope_694_follows_a_lower_symlink_to_apply_an_opaque_marker() {
    shows(&["d/a=1 l->d", "l/.wh..wh..opq"], "d/ d/a=1 l/");
    shows(&["d/a=1 l->d", "l/.wh.a l/b=2"], "d/ d/a=1 l/ l/b=2");
}

#[test]
fn old_docker_archives_hold_repeated_layers_as_symlinks() {
    let tar = layer("a=1").finish();
    let written = Written::new("app:1", [layer("a=1"), layer("a=1")]);
    let config = String::from_utf8(written.config()).unwrap();
    let archive = Layer::new()
        .file("c.json", config.as_bytes())
        .file("one/layer.tar", &tar)
        .raw(&layer("two/layer.tar->../one/layer.tar").finish_open())
        .file(
            "manifest.json",
            br#"[{"Config":"c.json","RepoTags":null,"Layers":["one/layer.tar","two/layer.tar"]}]"#,
        )
        .finish();
    let stack = open(&archive).unwrap();
    assert_eq!(stack.image.layers.len(), 2);
    assert_eq!(dump(&stack.union).unwrap(), "a\n");
}

#[test]
fn docker_25_writes_an_archive_that_is_an_oci_layout_too() {
    let written = || Written::new("app:1", [layer("d/ d/a=1"), layer("d/.wh.a d/b=2")]);
    let oci = archive::oci(&[written()]);
    let config = peelfs::digest::Digest::of(&written().config());
    let blob = |digest: &peelfs::digest::Digest| format!("\"blobs/sha256/{}\"", digest.hex());
    let layers: Vec<String> = written().layers.iter().map(|l| blob(&peelfs::digest::Digest::of(l))).collect();
    let manifest = format!(
        r#"[{{"Config":{},"RepoTags":["example.com/app:1"],"Layers":[{}]}}]"#,
        blob(&config),
        layers.join(",")
    );
    let both = [&oci[..oci.len() - 1024], &Layer::new().file("manifest.json", manifest.as_bytes()).finish()]
        .concat();
    let stack = open(&both).unwrap();
    assert_eq!(dump(&stack.union).unwrap(), "d/\nd/b\n");
    // One image, with the full name that only Docker's list has and the manifest that only the index has.
    assert_eq!(stack.image.tags, ["example.com/app:1"]);
    assert!(stack.image.manifest.is_some());
}

#[test]
fn dive_507_and_592_stop_at_a_nested_index() {
    let written =
        |architecture| Written { platform: ("linux", architecture), ..Written::new("app:1", [layer("a=1")]) };
    let nested = archive::oci(&[written("amd64"), written("arm64"), written("s390x"), written("riscv64")]);
    let stack = open(&nested);
    match ["x86_64", "aarch64", "s390x", "riscv64"].contains(&std::env::consts::ARCH) {
        true => assert_eq!(dump(&stack.unwrap().union).unwrap(), "a\n"),
        false => assert!(stack.err().unwrap().to_string().contains("no image for")),
    }
}

#[test]
fn umoci_and_erofs_stumble_over_negative_and_huge_numbers() {
    let with_size = |size: &[u8; 12]| {
        let mut header = crate::support::layer::header(EntryType::Regular, 0);
        header.as_old_mut().name[..1].copy_from_slice(b"f");
        header.as_old_mut().size = *size;
        header.set_cksum();
        LayerIndex::of_tar(&Layer::new().raw(header.as_bytes()).finish()).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        with_size(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        "offset 0: bad size in header"
    );
    let huge = with_size(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(huge, "member f, offset 0: the archive is cut: 9223372036854774783 bytes are missing");
    let old = Layer::new().pax([("mtime", &b"-2147483649.000000001"[..])]).file("f", b"");
    assert_eq!(Image::one(old).stat("f").mtime, Time { secs: -2_147_483_650, nanos: 999_999_999 });
}

#[test]
fn crane_and_ratarmount_34_do_not_notice_truncation() {
    let tar = layer("").file("f", &[7; 2000]).finish();
    for len in [512 + 1, 512 + 1999, 700, 100] {
        let error = LayerIndex::of_tar(&tar[..len].to_vec()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("is cut"), "{len}: {error}");
    }
    // Cut behind a member, it is a tar without an end mark, as some builders write them.
    assert!(LayerIndex::of_tar(&tar[..512 + 2048].to_vec()).is_ok());
}

#[test]
fn names_that_are_no_utf8_or_empty_and_files_without_contents() {
    let strange = Layer::new()
        .add(EntryType::Regular, b"\xffile", b"1", |_| {})
        .add(EntryType::Regular, b"", b"gone", |_| {})
        .file("empty", b"");
    let image = Image::one(strange);
    assert_eq!(image.tree(), "empty \\xffile=1");
    assert_eq!(image.rejected(), ["0 : empty name"]);
}
