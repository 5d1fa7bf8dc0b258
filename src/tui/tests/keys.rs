//! What each key asks for.

use ratatui::crossterm::event::{KeyEventKind, KeyEventState};

use super::super::keys::{Action, action};
use super::super::listing::Mode;
use super::{KeyEvent, key};

#[test]
fn keys_are_those_of_vi_less_and_of_terminals() {
    use Action::*;
    for (keys, what) in [
        ("Up k ^p", Step(-1)),
        ("Down j ^n", Step(1)),
        ("PgUp ^b", PageUp),
        ("PgDn ^f", PageDown),
        ("^u", HalfUp),
        ("^d", HalfDown),
        ("Home g", Start),
        ("End G", End),
        ("Enter", Enter),
        ("Right l", In),
        ("Left h Backspace", Out),
        ("Space", Toggle),
        ("Tab", NextPane),
        ("BackTab", PreviousPane),
        ("1", Look(Mode::Merged)),
        ("2", Look(Mode::UpTo)),
        ("3", Look(Mode::Alone)),
        ("m", NextLook),
        ("[", Layer(-1)),
        ("]", Layer(1)),
        ("/", Find),
        ("n", NextHit),
        ("N", PreviousHit),
        ("e", Explain),
        ("x", Hex),
        ("? F1", Help),
        ("^l", Redraw),
        ("^z", Suspend),
        ("q Esc", Back),
        ("^c", Quit),
    ] {
        for name in keys.split_whitespace() {
            assert_eq!(action(key(name), false), Some(what), "{name}");
        }
    }
    assert_eq!(action(key("#"), false), None);
}

#[test]
fn while_something_is_typed_letters_are_letters() {
    use Action::*;
    for (name, what) in [
        ("q", Some(Type('q'))),
        ("/", Some(Type('/'))),
        ("Space", Some(Type(' '))),
        ("é", Some(Type('é'))),
        ("Backspace", Some(Erase)),
        ("^h", Some(Erase)),
        ("^u", Some(EraseAll)),
        ("^d", None),
        ("Down", Some(Step(1))),
        ("^p", Some(Step(-1))),
        ("PgDn", Some(PageDown)),
        ("Enter", Some(Enter)),
        ("Esc", Some(Back)),
        ("^c", Some(Quit)),
        ("^z", Some(Suspend)),
        ("Tab", None),
        ("Left", None),
    ] {
        assert_eq!(action(key(name), true), what, "{name}");
    }
}

#[test]
fn a_key_that_is_let_go_asks_for_nothing() {
    let KeyEvent { code, modifiers, .. } = key("q");
    let event = KeyEvent { code, modifiers, kind: KeyEventKind::Release, state: KeyEventState::NONE };
    assert_eq!(action(event, false), None);
}
