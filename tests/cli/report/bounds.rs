//! No image makes the page long, or slow to open.

use std::fmt::Write as _;
use std::time::Duration;

use peelfs::digest::Digest;
use tar::EntryType;
use tempfile::TempDir;

use super::super::write;
use super::page;
use crate::support::Layer;
use crate::support::browser::{self, Browser};
use crate::support::need::need;

#[test]
fn many_names_take_no_more_room_than_few() {
    let dir = TempDir::new().unwrap();
    let tar = (0..20_000)
        .fold(Layer::new(), |tar, no| tar.file(&format!("{}/{}/{no}", no % 50, no % 1000), &[b'x'; 40]));
    let tar = (0..200).fold(tar, |tar, no| tar.file(&format!("0/small{no}"), &[b'x'; 40]));
    let tar = tar.file("0/large", &[b'x'; 60_000]);
    write(dir.path(), "many.tar", &tar.finish());
    let many = page(&dir.path().join("many.tar"));
    assert!(many.len() < 1_500_000, "{}", many.len());
    assert!(many.contains("<strong>20,201</strong> <em>files"));
    assert!(
        many.contains("<title>other 200 names in /0 · 7.8 KiB · layer 0</title>"),
        "small ones stand together"
    );
    assert!(many.contains(">other 200 names</text>"));
    let mut deep = Layer::new();
    for no in 0..200 {
        let path = "d/".repeat(no) + "f";
        deep = deep.long(EntryType::Regular, path.as_bytes(), &[b'x'; 400]);
    }
    write(dir.path(), "deep.tar", &deep.finish());
    assert!(page(&dir.path().join("deep.tar")).len() < 500_000);
}

/// What takes the most room when it is escaped, and does the most harm when it is not.
const EVIL: &str = "<img src=x onerror=alert(1)>\"'&\u{202e}\u{2028}\n</script>";

/// As many layers as can be stacked, and as many steps as a configuration takes, each text as long as it can be; a
/// hundred trees as deep as pages show, of the longest names, half of them hidden.
fn monster() -> TempDir {
    let quotes = |count: usize| "\"<'>&".repeat(count / 5);
    let mut base = Layer::new();
    for no in 0..100 {
        for depth in 0..12 {
            let dirs: String = (0..depth).fold(format!("{no}{}", quotes(240)), |mut path, level| {
                write!(path, "/{level}{}", quotes(240)).unwrap();
                path
            });
            base =
                base.long(EntryType::Regular, format!("{dirs}/f\u{202e}").as_bytes(), &vec![b'x'; 3000 + no]);
        }
    }
    let mut hiding = Layer::new();
    for no in 0..50 {
        hiding = hiding.long(EntryType::Regular, format!(".wh.{no}{}", quotes(240)).as_bytes(), b"");
    }
    let mut layers = vec![base.finish(), hiding.finish()];
    layers.extend(
        (0..30).map(|no| Layer::new().file("same", &vec![b'a' + no; 1000 + usize::from(no)]).finish()),
    );
    let places: Vec<usize> = (0..500).map(|no| if no < 2 { no } else { 2 + no % 30 }).collect();
    let steps = (0..10_000).map(|no| {
        let length = if no == 0 { 1_000_000 } else { 2000 >> (no / 256) };
        serde_json::json!({ "created_by": quotes(length), "comment": EVIL, "author": EVIL, "created": EVIL,
            "empty_layer": no >= 500 })
    });
    let diff_ids = places.iter().map(|&place| Digest::of(&layers[place]).to_string());
    let config = serde_json::json!({ "os": EVIL, "architecture": EVIL, "author": EVIL.repeat(1000), "created": EVIL,
        "rootfs": { "type": "layers", "diff_ids": diff_ids.collect::<Vec<_>>() }, "history": steps.collect::<Vec<_>>() });
    let tags: Vec<_> = (0..500).map(|no| format!("{}{no}", EVIL.repeat(20))).collect();
    let names: Vec<_> = places.iter().map(|place| format!("l{place}")).collect();
    let manifest = serde_json::json!([{ "Config": "c.json", "RepoTags": tags, "Layers": names }]);
    let mut tar = Layer::new().file("c.json", config.to_string().as_bytes());
    for (no, layer) in layers.iter().enumerate() {
        tar = tar.file(&format!("l{no}"), layer);
    }
    let dir = TempDir::new().unwrap();
    write(dir.path(), "monster.tar", &tar.file("manifest.json", manifest.to_string().as_bytes()).finish());
    dir
}

#[test]
fn no_image_makes_it_long_and_what_is_left_out_is_said() {
    let dir = monster();
    let page = page(&dir.path().join("monster.tar"));
    assert!(page.len() < 2_000_000, "{}", page.len());
    for (what, id) in [
        ("names</dd>", "facts"),
        ("layers more above, with", "layers"),
        ("versions more", "worst"),
        ("paths more.", "worst"),
        ("steps more.", "steps"),
        ("the beginning of 976.6 KiB", "steps"),
    ] {
        let list = page.find(&format!("class=\"{id}\"")).unwrap();
        assert!(page[list..].contains(what), "{what}");
    }
    for word in ["<img", "alert(1)<", "\u{2028}", "\u{202e}"] {
        assert!(!page.contains(word), "{word:?}");
    }
    assert_eq!(page.matches("</script").count(), 1);

    need!(browser::is_available(), "no chromium");
    std::fs::write(dir.path().join("page.html"), &page).unwrap();
    let mut browser = Browser::new();
    let took = browser.open(&dir.path().join("page.html"));
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(browser.complaints(), [""; 0]);
    assert_eq!(browser.eval("document.querySelectorAll('script, img, iframe').length"), 1);
    // The whole of it answers: all areas take part in each of these.
    browser.click("document.querySelector('.legend .no')");
    assert!(browser.eval("document.querySelectorAll('.c.off').length").as_u64().unwrap() > 0);
    assert_eq!(
        browser.eval("document.documentElement.scrollWidth <= innerWidth"),
        true,
        "nothing sticks out"
    );
}
