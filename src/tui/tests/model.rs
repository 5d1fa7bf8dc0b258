//! What keys make of the state.

use super::super::listing::Mode;
use super::super::model::Focus;
use super::super::{Model, Views};
use super::{image, model, press, selected, tree};
use crate::layer::LayerNo;

const BASE: &str = "a/ a/one a/two b/ b/c/ b/c/deep=text b/c/other l->b/c/deep dangling->nowhere z";
const TOP: &str = "a/.wh.one a/three b/c/deep=new new/";

/// What a test looks at after some keys.
fn after<T>(layers: &[&str], keys: &str, look: impl FnOnce(&Model<'_>) -> T) -> T {
    let stack = image(layers);
    let views = Views::new(&stack);
    let mut model = model(&views);
    press(&mut model, keys);
    look(&model)
}

#[test]
fn the_cursor_goes_where_keys_say() {
    for (keys, path) in [
        ("", "/a"),
        ("k", "/a"),
        ("j", "/b"),
        ("j k", "/a"),
        ("G", "/z"),
        ("G j", "/z"),
        ("G g", "/a"),
        ("PgDn", "/z"),
        ("PgDn PgUp", "/a"),
        ("^d", "/z"),
        ("^d ^u", "/a"),
        // Opening and closing.
        ("l j", "/a/one"),
        ("Enter j", "/a/one"),
        ("Space j", "/a/one"),
        ("l l j", "/a/one"),
        ("l j j h", "/a"),
        ("l h j", "/b"),
        ("Enter Enter j", "/b"),
        ("h", "/a"),
        ("j l j l j", "/b/c/deep"),
        ("j l j l G k k k Up", "/b/c/deep"),
        ("G l", "/z"),
        // Symlinks.
        ("G k Enter", "/b/c/deep"),
        ("j j Enter", "/dangling"),
        // Searching.
        ("/ d e e p Enter", "/b/c/deep"),
        ("/ O Enter", "/a/one"),
        ("/ O Enter n", "/a/two"),
        ("/ O Enter N", "/b/c/other"),
        ("/ O Enter n n n", "/a/one"),
        ("/ * e * Enter n", "/b/c/deep"),
        ("/ o Down Down Enter", "/b/c/other"),
        ("j / n o n e Enter", "/b"),
        ("j / o Esc", "/b"),
        ("j / Enter", "/b"),
        ("/ x Backspace d e e p Enter", "/b/c/deep"),
        ("/ x ^u d e e p Enter", "/b/c/deep"),
    ] {
        assert_eq!(after(&[BASE], keys, selected), path, "{keys}");
    }
}

#[test]
fn a_pane_takes_the_keys_for_moving() {
    for (keys, focus, layer) in [
        ("", Focus::Tree, 1),
        ("Tab", Focus::Detail, 1),
        ("Tab Tab", Focus::Layers, 1),
        ("BackTab", Focus::Layers, 1),
        ("BackTab k", Focus::Layers, 0),
        ("BackTab k j j", Focus::Layers, 1),
        ("BackTab g", Focus::Layers, 0),
        ("BackTab g G", Focus::Layers, 1),
        ("BackTab ^u ^u", Focus::Layers, 0),
        ("BackTab k Enter", Focus::Tree, 0),
        ("[ [ [", Focus::Tree, 0),
        ("[ ] ]", Focus::Tree, 1),
    ] {
        let (of, at) = after(&[BASE, TOP], keys, |model| (model.focus, model.look().layer));
        assert_eq!((of, at), (focus, LayerNo(layer)), "{keys}");
    }
}

#[test]
fn modes_show_what_they_say() {
    for (keys, mode, names) in [
        ("l", Mode::Merged, "C a/|A  three|two|C b/|dangling|l|A new/|z"),
        ("l 2", Mode::UpTo, "C a/|D  one|A  three|two|C b/|dangling|l|A new/|z"),
        ("l m", Mode::UpTo, "C a/|D  one|A  three|two|C b/|dangling|l|A new/|z"),
        ("l m m", Mode::Alone, "C a/|D  one|A  three|C b/|A new/"),
        ("l m m m", Mode::Merged, "C a/|A  three|two|C b/|dangling|l|A new/|z"),
        ("l 2 [", Mode::UpTo, "A a/|A  one|A  two|A b/|A dangling|A l|A z"),
        ("3 [", Mode::Alone, "A a/|A b/|A dangling|A l|A z"),
    ] {
        let (is, lines) = after(&[BASE, TOP], keys, |model| (model.look().mode, tree(model)));
        assert_eq!((is, lines.join("|")), (mode, names.to_owned()), "{keys}");
    }
}

#[test]
fn another_layer_or_mode_keeps_the_cursor_and_what_is_open() {
    for (keys, path) in [
        // There in both.
        ("j l j l j [", "/b/c/deep"),
        ("j l j l j 2", "/b/c/deep"),
        ("j l j l j 3", "/b/c/deep"),
        ("j l j l j 2 [ ] 3 1", "/b/c/deep"),
        // Not there: what it was in is.
        ("l j 2 [", "/a"),
        ("j l j l j j 3", "/b/c"),
    ] {
        assert_eq!(after(&[BASE, TOP], keys, selected), path, "{keys}");
    }
    let lines = after(&[BASE, TOP], "j l j l g l 2 [", tree);
    assert!(lines.iter().any(|line| line.ends_with("deep")), "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with("two")), "{lines:?}");
}

#[test]
fn a_directory_that_was_closed_and_opened_again_is_open_once() {
    let stack = image(&[BASE]);
    let views = Views::new(&stack);
    let mut model = model(&views);
    press(&mut model, "l h l h l");
    assert_eq!(model.tree.open_paths(9).len(), 1);
}

#[test]
fn a_message_stands_until_the_next_key() {
    let stack = image(&[BASE]);
    let views = Views::new(&stack);
    let mut model = model(&views);
    press(&mut model, "j j Enter");
    assert!(model.message.as_ref().is_some_and(|message| message.contains("nowhere")), "{:?}", model.message);
    press(&mut model, "j");
    assert_eq!(model.message, None);
}

#[test]
fn a_file_is_looked_into_and_left() {
    let line = format!("f={}\\tail g=1", "0123456789".repeat(30));
    let stack = image(&[&line]);
    let views = Views::new(&stack);
    let mut model = model(&views);
    press(&mut model, "Enter");
    let left = |model: &Model<'_>| model.contents.as_ref().map(|contents| contents.left);
    assert_eq!(left(&model), Some(0));
    press(&mut model, "l l");
    assert_eq!(left(&model), Some(78));
    press(&mut model, "l l l l l l l l l");
    assert_eq!(left(&model), Some(234), "as far as there is something");
    press(&mut model, "h x");
    assert_eq!(left(&model), Some(0), "hexadecimal begins at the left");
    press(&mut model, "q");
    assert_eq!((left(&model), model.is_over), (None, false));
    press(&mut model, "Enter h");
    assert_eq!(left(&model), None);
    press(&mut model, "q");
    assert!(model.is_over);
}

#[test]
fn the_list_of_keys_scrolls_and_any_other_key_closes_it() {
    for (keys, first) in [
        ("?", Some(0)),
        ("? j j", Some(2)),
        ("? j k k", Some(0)),
        ("? PgDn PgUp", Some(0)),
        ("? q", None),
        ("? ?", None),
        ("? x", None),
    ] {
        let (help, is_over) = after(&[BASE], keys, |model| (model.help, model.is_over));
        assert_eq!((help, is_over), (first, false), "{keys}");
    }
}

#[test]
fn a_letter_more_goes_on_with_the_search_that_is_on() {
    let stack = image(&[BASE]);
    let views = Views::new(&stack);
    let mut model = model(&views);
    let found = |model: &Model<'_>| {
        let search = model.find.as_ref().unwrap().search.as_ref().unwrap();
        let paths = search.hits.iter().map(|hit| hit.path.as_bytes().escape_ascii().to_string());
        (paths.collect::<Vec<_>>().join(" "), search.looked_at)
    };
    press(&mut model, "/ o");
    assert_eq!(found(&model), ("a/one a/two b/c/other".into(), 10));
    press(&mut model, "t");
    assert_eq!(found(&model), ("b/c/other".into(), 10));
    press(&mut model, "Backspace");
    assert_eq!(found(&model).0, "a/one a/two b/c/other");
    press(&mut model, "*");
    assert_eq!(found(&model).0, "a/one b/c/other");
}

#[test]
fn a_way_into_a_large_directory_is_gone_in_pieces() {
    let names: Vec<String> = (0..20_000).map(|no| format!("d/{no:05}")).collect();
    let stack = image(&[&names.join(" "), "d/00007=new"]);
    let views = Views::new(&stack);
    let mut model = model(&views);
    press(&mut model, "l G");
    assert_eq!(selected(&model), "/d/19999");
    for name in ["[", "2", "3", "1"] {
        let action = super::action(super::key(name), false).unwrap();
        model.act(action);
        assert!(model.tree.len() < 10_000, "a key is not to wait for all of it");
        super::settle(&mut model);
        model.prepare(80, 24);
        // Layer 0, which `[` selected, has all of it.
        assert_eq!(selected(&model), "/d/19999", "{name}");
    }
    // Who moves meanwhile is not moved back.
    let action = super::action(super::key("2"), false).unwrap();
    model.act(action);
    press(&mut model, "Home");
    assert_eq!(selected(&model), "/d");
}
