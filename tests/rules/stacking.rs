//! S20–S26: how layers become one tree.

use std::collections::BTreeSet;

use super::check;
use crate::support::{Image, Layer, layer};

#[test]
fn s20_the_first_layer_from_the_top_that_has_the_name_decides() {
    check(&[
        (&["a=1", "a=2", "a=3"], "a=3"),
        (&["a=1", "b=2"], "a=1 b=2"),
        (&["a=1", "a->x"], "a->x"),
        (&["d/a=1", "d=2"], "d=2"),
        (&["d=1", "d/a=2"], "d/ d/a=2"),
        (&["d/a=1", "d/b=2", "d/c=3"], "d/ d/a=1 d/b=2 d/c=3"),
        (&["d/a=1", "d/.wh.a", "d/b=3"], "d/ d/b=3"),
    ]);
}

#[test]
fn s21_a_file_between_two_directories_cuts_the_stack() {
    check(&[
        (&["d/a=1", "d=2", "d/b=3"], "d/ d/b=3"),
        (&["d/a=1", "d->x", "d/b=3"], "d/ d/b=3"),
        (&["d/e/a=1", "d/e=2", "d/e/b=3"], "d/ d/e/ d/e/b=3"),
        (&["d/a=1", ".wh.d", "d/b=3", "d/c=4"], "d/ d/b=3 d/c=4"),
    ]);
}

#[test]
fn s22_a_directory_shows_the_attributes_of_its_topmost_explicit_member() {
    let mode = |layers: &[&str]| Image::of(layers.iter().map(|line| layer(line))).stat("d").mode;
    for (layers, expected) in [
        (&["d/!700 d/a", "d/!711 d/b"][..], 0o711),
        (&["d/!700 d/a", "d/b"], 0o700),
        (&["d/!700", "d/!711", "d/a"], 0o711),
        // What is cut off has no say.
        (&["d/!700", "d/.wh..wh..opq d/a"], 0o755),
        (&["d/!700", "d=file", "d/a"], 0o755),
    ] {
        assert_eq!(mode(layers), expected, "{layers:?}");
    }
}

#[test]
fn s23_each_name_is_listed_once_with_dot_and_dot_dot() {
    let image = Image::of([layer("d/a d/b d/c"), layer("d/b d/.wh.c"), layer("d/e/x d/a")]);
    let mut names = Vec::new();
    image
        .fs
        .readdir(image.ino("d"), 0, |entry| {
            names.push(entry.name.escape_ascii().to_string());
            false
        })
        .unwrap();
    assert_eq!(names, [".", "..", "a", "b", "e"]);
}

#[test]
fn s23_a_listing_goes_on_where_it_was_left() {
    // One layer is read from its index, several are merged: both must hold.
    let many: String = (0..100).map(|i| format!("d/f{i:02} ")).collect();
    let hidden: String = (0..100).step_by(3).map(|i| format!("d/.wh.f{i:02} ")).collect();
    for layers in
        [vec![many.clone()], vec![many.clone(), hidden.clone()], vec![format!("{many} d/x"), hidden]]
    {
        let image = Image::of(layers.iter().map(|line| layer(line)));
        let list = |from: u64, count: usize| {
            let mut entries = Vec::new();
            let add = |entry: &peelfs::fs::DirEntry<'_>| {
                if entries.len() < count {
                    entries.push((entry.name.to_vec(), entry.ino, entry.next));
                }
                entries.len() == count
            };
            image.fs.readdir(image.ino("d"), from, add).unwrap();
            entries
        };
        let whole = list(0, usize::MAX);
        for (i, (_, _, next)) in whole.iter().enumerate() {
            assert_eq!(list(*next, 5), whole[i + 1..].iter().take(5).cloned().collect::<Vec<_>>());
        }
        let mut again = Vec::new();
        while let [.., (_, _, next)] = &*list(again.last().map_or(0, |(_, _, next)| *next), 7) {
            let from = again.last().map_or(0, |(_, _, next)| *next);
            again.extend(list(from, 7));
            assert_ne!(*next, from);
        }
        assert_eq!(again, whole);
    }
}

#[test]
fn s23_dot_dot_is_the_directory_above() {
    let image = Image::of([layer("d/e/f"), layer("d/e/g")]);
    let mut dots = Vec::new();
    let add = |entry: &peelfs::fs::DirEntry<'_>| {
        dots.push((entry.name.to_vec(), entry.ino));
        dots.len() == 2
    };
    image.fs.readdir(image.ino("d/e"), 0, add).unwrap();
    assert_eq!(dots, [(b".".to_vec(), image.ino("d/e")), (b"..".to_vec(), image.ino("d"))]);
}

/// All inode numbers of an image, by path.
fn inodes(image: &Image) -> Vec<(String, u64)> {
    let tree = image.tree();
    let paths =
        tree.split(' ').map(|word| word.split('=').next().unwrap_or(word).trim_end_matches('/').to_owned());
    paths.filter(|path| !path.is_empty()).map(|path| (path.clone(), image.ino(&path).0)).collect()
}

#[test]
fn s24_inode_numbers_are_a_pure_function_of_layer_and_entry() {
    let image = || Image::of([layer("a=1 d/b=2"), layer("c=3 d/e=4")]);
    assert_eq!(inodes(&image()), inodes(&image()));
    let numbers: BTreeSet<u64> = inodes(&image()).into_iter().map(|(_, ino)| ino).collect();
    assert_eq!(numbers.len(), inodes(&image()).len());
    // What lies above changes no number below: a directory is its bottommost member.
    let below = Image::of([layer("a=1 d/b=2")]);
    assert_eq!((below.ino("a"), below.ino("d"), below.ino("d/b")), {
        let image = image();
        (image.ino("a"), image.ino("d"), image.ino("d/b"))
    });
    assert_eq!(image().ino("/").0, 1);
}

#[test]
fn s24_hard_links_of_a_layer_share_a_number_and_count_their_names() {
    let image = Image::of([layer("a=1 b=>a d/c=>a x=2"), layer("e=>f f=3 .wh.b")]);
    assert_eq!(image.ino("a"), image.ino("d/c"));
    assert_eq!(image.ino("e"), image.ino("f"));
    assert_ne!(image.ino("a"), image.ino("x"));
    // Names in its own layer, whatever hides them above.
    let links: Vec<u32> = ["a", "d/c", "x", "e", "f"].iter().map(|path| image.stat(path).nlink).collect();
    assert_eq!(links, [3, 3, 1, 2, 2]);
    assert_eq!((image.stat("d").nlink, image.stat("/").nlink), (1, 1));
}

#[test]
fn s24_the_same_file_in_two_layers_is_two_inodes() {
    let lower = Image::of([layer("a=1")]);
    let upper = Image::of([layer("a=1"), layer("a=1")]);
    assert_ne!(lower.ino("a"), upper.ino("a"));
}

#[test]
fn s25_the_root_always_exists() {
    check(&[(&[], ""), (&[""], ""), (&["", ""], ""), (&["a=1", ""], "a=1")]);
    let root = Image::of([]).stat("/");
    assert_eq!((root.mode, root.uid, root.nlink), (0o755, 0, 1));
    assert_eq!(Image::one(layer("./!1700 a=1")).stat("/").mode, 0o1700);
    assert_eq!(Image::of([layer("./!700"), layer("a")]).stat("/").mode, 0o700);
}

#[test]
fn s25_a_layer_cannot_make_the_root_anything_else() {
    let root_as = |kind| Layer::new().add(kind, b"./", b"", |_| {}).file("a", b"1");
    for kind in [tar::EntryType::Symlink, tar::EntryType::Fifo, tar::EntryType::Char] {
        let image = Image::of([layer("b=2"), root_as(kind)]);
        assert_eq!(image.tree(), "a=1 b=2");
        assert_eq!(image.rejected(), ["1 ./: the root must be a directory"]);
    }
    let linked = Image::one(layer("a=1 ./=>a"));
    assert_eq!((linked.tree().as_str(), linked.rejected().len()), ("a=1", 1));
}

#[test]
fn s26_blocks_are_what_the_data_needs() {
    let image = Image::one(layer("d/ l->d").file("f0", b"").file("f1", b"x").file("f2", &[7; 513]));
    let blocks = |path| image.stat(path).blocks;
    assert_eq!([blocks("d"), blocks("l"), blocks("f0"), blocks("f1"), blocks("f2")], [0, 0, 0, 1, 2]);
}

#[test]
fn s26_statfs_reports_all_layers() {
    let image = Image::of([layer("a=12345 b=>a d/"), layer("a=123 .wh.d")]);
    let statfs = image.fs.statfs();
    assert_eq!((statfs.bytes, statfs.entries), (8, 5));
}
