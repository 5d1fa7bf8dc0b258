//! Pictures of every size, of images of every kind.

use super::super::listing::Mode;
use super::super::{Theme, Views, draw};
use super::{Buffer, Rect, Stack, image, image_of, lines, model, picture, press};

/// Keys to what there is to see.
const STATES: [&str; 12] =
    ["", "l j", "Tab", "BackTab", "e", "?", "/", "/ a", "/ a Enter", "2", "3", "Enter"];

/// Names of any width: very long, wide, of no width, of control characters, of no characters at all.
fn strange() -> Stack {
    let mut names: Vec<Vec<u8>> =
        vec!["a=text\twith\ttabs\n四角い文字の長い行\u{301}\u{200d}\u{1b}[31m".into()];
    names.push(vec![b'x'; 255]);
    names.push(["四".repeat(80), "=".into(), "四\n".repeat(50)].concat().into());
    names.push("e\u{301}\u{301}\u{301} \u{200b}\u{feff}👩‍👩‍👧‍👦".into());
    names.push("control\u{1}\u{7f}\u{9b}\r\n\x1b]0;x\x07".into());
    names.push(b"none\xff\xfe".to_vec());
    names.push("l->四四四四四四四四四四四四四四四四四四四四四四四四四四四四".into());
    names.push(vec!["d四/"; 30].concat().into());
    image_of(vec![names, vec!["d四/.wh.d四".into(), "a=other".into()]])
}

#[test]
fn every_size_can_be_drawn() {
    let stack = strange();
    let views = Views::new(&stack);
    for (no, keys) in STATES.iter().enumerate() {
        let mut model = model(&views);
        press(&mut model, keys);
        for (width, height) in (1..=100).flat_map(|width| (1..=40).map(move |height| (width, height))) {
            // All of the small ones, and of the others each with one of the states.
            if width <= 14 && height <= 8 || usize::from(width + height) % STATES.len() == no {
                picture(&mut model, width, height);
            }
        }
    }
}

#[test]
fn images_of_little_can_be_looked_at() {
    for layers in [&[""][..], &["f"], &["d/"], &["d/f"], &["", "", ""], &[".wh.gone"], &["f", ".wh.f"]] {
        for keys in STATES {
            let stack = image(layers);
            let views = Views::new(&stack);
            let mut model = model(&views);
            press(&mut model, keys);
            for (width, height) in [(1, 1), (40, 5), (80, 24), (120, 40)] {
                picture(&mut model, width, height);
            }
            press(&mut model, "j k l h G g n N Enter m [ ] Tab q q");
        }
    }
}

#[test]
fn an_image_of_nothing_says_so() {
    let stack = image(&[""]);
    let views = Views::new(&stack);
    let mut model = model(&views);
    let lines = lines(&picture(&mut model, 80, 24));
    assert!(lines.iter().any(|line| line.contains("nothing here")), "{lines:#?}");
}

#[test]
fn the_way_out_is_always_to_be_seen() {
    let stack = strange();
    let views = Views::new(&stack);
    for keys in STATES {
        let mut model = model(&views);
        press(&mut model, keys);
        for width in 40..=160 {
            let line = lines(&picture(&mut model, width, 24)).pop().unwrap();
            let ends = ["? keys", "closes the list of keys", "Esc end search"];
            assert!(ends.iter().any(|end| line.ends_with(end)), "{keys:?}, {width}: {line:?}");
        }
    }
}

#[test]
fn what_is_cut_off_is_said_to_be() {
    let stack = strange();
    let views = Views::new(&stack);
    let mut model = model(&views);
    let lines = lines(&picture(&mut model, 80, 24));
    let line = lines.iter().find(|line| line.contains("xxxx")).unwrap();
    assert!(line.contains("xx…        0 B  L0│"), "{line}");
}

#[test]
fn no_control_character_is_drawn() {
    let stack = strange();
    let views = Views::new(&stack);
    for keys in STATES {
        let mut model = model(&views);
        press(&mut model, keys);
        for line in lines(&picture(&mut model, 100, 40)) {
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn without_colours_there_are_none() {
    let stack = strange();
    let views = Views::new(&stack);
    for keys in STATES {
        let mut model = model(&views);
        press(&mut model, keys);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        draw::draw(&model, Theme { colours: false }, &mut buffer);
        let plain = ratatui::style::Color::Reset;
        assert!(buffer.content.iter().all(|cell| (cell.fg, cell.bg) == (plain, plain)), "{keys:?}");
    }
}

#[test]
fn the_cursor_is_in_sight() {
    let names: Vec<String> = (0..300).map(|no| format!("{no:03}")).collect();
    let stack = image(&[&names.join(" ")]);
    let views = Views::new(&stack);
    for keys in ["G", "G k k k", "PgDn PgDn", "PgDn ^d", "G PgUp", "/ 2 9 Enter n n n n n n n n"] {
        let mut model = model(&views);
        press(&mut model, keys);
        let name = super::selected(&model).trim_start_matches('/').to_owned();
        for (width, height) in [(80, 24), (80, 9), (50, 5), (120, 40)] {
            let lines = lines(&picture(&mut model, width, height));
            assert!(lines.iter().any(|line| line.contains(&name)), "{keys}, {width}x{height}: {lines:#?}");
        }
    }
    assert_eq!(model(&views).look().mode, Mode::Merged);
}
