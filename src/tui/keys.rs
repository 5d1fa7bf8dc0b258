//! Keys, and what they ask for.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::listing::Mode;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A line up or down, or several.
    Step(isize),
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// Half a screen up.
    HalfUp,
    /// Half a screen down.
    HalfDown,
    /// To the first line.
    Start,
    /// To the last line.
    End,
    /// Open a directory, or look into a file; in a search, take the hit.
    Enter,
    /// Open a directory; in a file, scroll to the right.
    In,
    /// Close a directory, or go to the one above; in a file, scroll back to the left, and then out.
    Out,
    /// Open or close; in a file, a screen down.
    Toggle,
    /// To the next pane.
    NextPane,
    /// To the pane before.
    PreviousPane,
    /// Look at something else of the image.
    Look(Mode),
    /// The next of these.
    NextLook,
    /// Another layer, whatever the pane.
    Layer(isize),
    /// Search.
    Find,
    /// To the next hit.
    NextHit,
    /// To the hit before.
    PreviousHit,
    /// A character of what is searched for.
    Type(char),
    /// Take the last one back.
    Erase,
    /// All of them.
    EraseAll,
    /// Tell the versions, or the explanation.
    Explain,
    /// Text, or hexadecimal.
    Hex,
    /// The list of keys.
    Help,
    /// Draw everything anew.
    Redraw,
    /// Stop until the shell says to go on.
    Suspend,
    /// Back from where this is; at last, out.
    Back,
    /// Out.
    Quit,
}

/// The list of keys, for people.
pub const HELP: &[(&str, &str)] = &[
    ("↑ ↓  k j", "move"),
    ("PgUp PgDn  ^U ^D", "move by a screen, by half a screen"),
    ("Home End  g G", "to the first, to the last"),
    ("→ l", "open a directory; scroll a file to the right"),
    ("← h", "close it, or go to the one above; scroll back"),
    ("Enter", "open or close; look into a file; follow a symlink"),
    ("Tab", "to the next pane"),
    ("[ ]", "select a lower, a higher layer"),
    ("m  1 2 3", "all layers merged, as of the layer, it alone"),
    ("/", "search all names: a part, or *.so"),
    ("n N", "to the next hit, to the one before"),
    ("e", "versions, or why it shows"),
    ("x", "in a file: text or hexadecimal"),
    ("^L ^Z", "draw anew, suspend"),
    ("q Esc  ^C", "back, and out; out at once"),
];

/// What a key asks for; `typing` while a search is being typed.
pub fn action(key: KeyEvent, typing: bool) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return with_control(key.code, typing);
    }
    let of_all = match key.code {
        KeyCode::Up => Some(Action::Step(-1)),
        KeyCode::Down => Some(Action::Step(1)),
        KeyCode::PageUp => Some(Action::PageUp),
        KeyCode::PageDown => Some(Action::PageDown),
        KeyCode::Enter => Some(Action::Enter),
        KeyCode::Esc => Some(Action::Back),
        _ => None,
    };
    of_all.or_else(|| match (key.code, typing) {
        (KeyCode::Char(character), true) => Some(Action::Type(character)),
        (KeyCode::Backspace, true) => Some(Action::Erase),
        (_, true) => None,
        (code, false) => outside(code),
    })
}

fn with_control(code: KeyCode, typing: bool) -> Option<Action> {
    Some(match (code, typing) {
        (KeyCode::Char('c'), _) => Action::Quit,
        (KeyCode::Char('z'), _) => Action::Suspend,
        (KeyCode::Char('l'), _) => Action::Redraw,
        (KeyCode::Char('b'), _) => Action::PageUp,
        (KeyCode::Char('f'), _) => Action::PageDown,
        (KeyCode::Char('p'), _) => Action::Step(-1),
        (KeyCode::Char('n'), _) => Action::Step(1),
        (KeyCode::Char('u'), true) => Action::EraseAll,
        // What many terminals send for Backspace.
        (KeyCode::Char('h'), true) => Action::Erase,
        (KeyCode::Char('u'), false) => Action::HalfUp,
        (KeyCode::Char('d'), false) => Action::HalfDown,
        _ => return None,
    })
}

fn outside(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Char('k') => Action::Step(-1),
        KeyCode::Char('j') => Action::Step(1),
        KeyCode::Home | KeyCode::Char('g') => Action::Start,
        KeyCode::End | KeyCode::Char('G') => Action::End,
        KeyCode::Right | KeyCode::Char('l') => Action::In,
        KeyCode::Left | KeyCode::Char('h') | KeyCode::Backspace => Action::Out,
        KeyCode::Char(' ') => Action::Toggle,
        KeyCode::Tab => Action::NextPane,
        KeyCode::BackTab => Action::PreviousPane,
        KeyCode::Char('[') => Action::Layer(-1),
        KeyCode::Char(']') => Action::Layer(1),
        KeyCode::Char('m') => Action::NextLook,
        KeyCode::Char('1') => Action::Look(Mode::Merged),
        KeyCode::Char('2') => Action::Look(Mode::UpTo),
        KeyCode::Char('3') => Action::Look(Mode::Alone),
        KeyCode::Char('/') => Action::Find,
        KeyCode::Char('n') => Action::NextHit,
        KeyCode::Char('N') => Action::PreviousHit,
        KeyCode::Char('e') => Action::Explain,
        KeyCode::Char('x') => Action::Hex,
        KeyCode::Char('?') | KeyCode::F(1) => Action::Help,
        KeyCode::Char('q') => Action::Back,
        _ => return None,
    })
}
