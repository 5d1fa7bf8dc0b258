//! The browser without a terminal: keys go to a model, and pictures are drawn into memory.

mod keys;
mod model;
mod pictures;
mod random;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use tar::{EntryType, Header};

use crate::blob::Blob;
use crate::image::{Image, IndexedLayer, LayerSource, Origin};
use crate::index::{Content, LayerIndex};
use crate::stack::Stack;

use super::keys::action;
use super::{Model, Theme, Views, draw};

/// An image of layers, base first: `d/` a directory, `l->d` a symlink, `f=text` a file, all else an empty one.
fn image(layers: &[&str]) -> Stack {
    let words = |layer: &&str| layer.split_whitespace().map(|word| word.as_bytes().to_vec()).collect();
    image_of(layers.iter().map(words).collect())
}

fn image_of(layers: Vec<Vec<Vec<u8>>>) -> Stack {
    let layers: Vec<IndexedLayer> = layers.iter().map(|words| layer(words)).collect();
    let sources = layers.iter().enumerate().map(|(no, layer)| LayerSource {
        place: format!("layer {no}"),
        origin: Origin::Indexed(layer.clone()),
        digest: None,
        claimed_size: None,
        diff_id: None,
        media_type: None,
        toc: None,
    });
    Stack::new(Image::of_layers(sources.collect()), layers).unwrap()
}

fn layer(words: &[Vec<u8>]) -> IndexedLayer {
    let mut tar = tar::Builder::new(Vec::new());
    for word in words {
        let mut header = Header::new_gnu();
        let (name, target) = split(word, b"->");
        let (name, text) = split(name, b"=");
        let path = Path::new(OsStr::from_bytes(name));
        header.set_mode(0o755);
        header.set_size(text.map_or(0, |text| text.len() as u64));
        header.set_entry_type(match (target, word.last()) {
            (Some(_), _) => EntryType::Symlink,
            (None, Some(b'/')) => EntryType::Directory,
            _ => EntryType::Regular,
        });
        match target {
            Some(target) => tar.append_link(&mut header, path, OsStr::from_bytes(target)),
            None => tar.append_data(&mut header, path, text.unwrap_or_default()),
        }
        .unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let index = LayerIndex::of_tar(&tar).unwrap();
    let blob: Blob = Arc::new(tar);
    IndexedLayer::new(index, Content::Tar(blob))
}

fn split<'a>(word: &'a [u8], by: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    match word.windows(by.len()).position(|window| window == by) {
        Some(at) => (&word[..at], Some(&word[at + by.len()..])),
        None => (word, None),
    }
}

fn model<'a>(views: &'a Views<'a>) -> Model<'a> {
    let mut model = Model::new(views, "image.tar".to_owned()).unwrap();
    settle(&mut model);
    model.prepare(80, 24);
    model
}

/// Presses keys, one after the other, and waits each time until nothing is left to do.
fn press(model: &mut Model<'_>, keys: &str) {
    for name in keys.split_whitespace() {
        if let Some(action) = action(key(name), model.is_typing()) {
            model.act(action);
        }
        settle(model);
        model.prepare(80, 24);
    }
}

fn settle(model: &mut Model<'_>) {
    let mut pieces = 0;
    while model.work() {
        pieces += 1;
        assert!(pieces < 100_000, "there is no end to it");
    }
}

/// A key by its name: a character, `^` and one, or what stands on it.
fn key(name: &str) -> KeyEvent {
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    match name {
        "Up" => plain(KeyCode::Up),
        "Down" => plain(KeyCode::Down),
        "Left" => plain(KeyCode::Left),
        "Right" => plain(KeyCode::Right),
        "PgUp" => plain(KeyCode::PageUp),
        "PgDn" => plain(KeyCode::PageDown),
        "Home" => plain(KeyCode::Home),
        "End" => plain(KeyCode::End),
        "Enter" => plain(KeyCode::Enter),
        "Esc" => plain(KeyCode::Esc),
        "Tab" => plain(KeyCode::Tab),
        "BackTab" => plain(KeyCode::BackTab),
        "Backspace" => plain(KeyCode::Backspace),
        "Space" => plain(KeyCode::Char(' ')),
        "F1" => plain(KeyCode::F(1)),
        _ => {
            let (modifiers, name) = match name.strip_prefix('^') {
                Some(rest) if !rest.is_empty() => (KeyModifiers::CONTROL, rest),
                _ => (KeyModifiers::NONE, name),
            };
            let mut characters = name.chars();
            let (Some(character), None) = (characters.next(), characters.next()) else {
                panic!("no such key: {name}")
            };
            KeyEvent::new(KeyCode::Char(character), modifiers)
        }
    }
}

/// The path that the cursor of the tree is on.
fn selected(model: &Model<'_>) -> String {
    crate::text::shown_path(model.tree.selected_path().as_bytes())
}

/// The names in the tree pane, all of them, with marks and indents.
fn tree(model: &Model<'_>) -> Vec<String> {
    let lines = model.tree.lines(0, usize::MAX);
    let text = |line: super::tree::Line<'_>| {
        let name = String::from_utf8_lossy(line.row.name).into_owned();
        let slash = if line.row.is_dir { "/" } else { "" };
        let text = format!("{} {}{name}{slash}", line.row.mark.letter(), " ".repeat(line.depth));
        text.trim().to_owned()
    };
    lines.map(text).collect()
}

/// A picture of a size.
fn picture(model: &mut Model<'_>, width: u16, height: u16) -> Buffer {
    model.prepare(width, height);
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw::draw(model, Theme { colours: true }, &mut buffer);
    buffer
}

/// The lines of a picture.
fn lines(buffer: &Buffer) -> Vec<String> {
    let line = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(line).collect()
}
