//! What is on the screen and what keys make of it; no terminal is known here.

use crate::entry::Kind;
use crate::layer::LayerNo;
use crate::path::TreePath;
use crate::stack::Error;
use crate::text::{Lines, escape};
use crate::union::Last;

use super::contents::Contents;
use super::detail::Detail;
use super::find::{Find, LONGEST};
use super::keys::{Action, HELP};
use super::layout::{Layout, inner_height, inner_width};
use super::listing::{Look, Mode};
use super::search::Search;
use super::tree::Tree;
use super::views::Views;

/// Directories that are opened again where another layer is looked at.
const MAX_REOPENED: usize = 64;

/// The pane that keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The layers.
    Layers,
    /// The tree.
    Tree,
    /// What is told of the selected name.
    Detail,
}

impl Focus {
    fn next(self) -> Focus {
        match self {
            Focus::Layers => Focus::Tree,
            Focus::Tree => Focus::Detail,
            Focus::Detail => Focus::Layers,
        }
    }
}

/// All of the state.
pub struct Model<'a> {
    /// The image.
    pub views: &'a Views<'a>,
    /// Its name.
    pub title: String,
    /// The pane that keys go to.
    pub focus: Focus,
    /// The tree.
    pub tree: Tree<'a>,
    /// The first layer in the window of the layers' pane.
    pub first_layer: usize,
    /// What is told of the selected name.
    pub detail: Detail,
    /// The search, if there is one.
    pub find: Option<Find<'a>>,
    /// The file that is looked into.
    pub contents: Option<Contents<'a>>,
    /// The first line of the list of keys that is shown, if that is shown.
    pub help: Option<usize>,
    /// What went wrong last.
    pub message: Option<String>,
    /// Whether it is over.
    pub is_over: bool,
    /// Where everything is.
    pub layout: Layout,
    size: (u16, u16),
}

impl<'a> Model<'a> {
    /// The image as it is, its topmost layer selected.
    pub fn new(views: &'a Views<'a>, title: String) -> Result<Model<'a>, Error> {
        let look = Look { mode: Mode::Merged, layer: views.top() };
        Ok(Model {
            views,
            title,
            focus: Focus::Tree,
            tree: Tree::new(views, look)?,
            first_layer: 0,
            detail: Detail::new(),
            find: None,
            contents: None,
            help: None,
            message: None,
            is_over: false,
            layout: Layout::default(),
            size: (0, 0),
        })
    }

    /// What is looked at.
    pub fn look(&self) -> Look {
        self.tree.look
    }

    /// Whether a search is being typed.
    pub fn is_typing(&self) -> bool {
        self.contents.is_none()
            && self.help.is_none()
            && self.find.as_ref().is_some_and(|find| find.is_typing)
    }

    /// Makes all ready to be drawn on a screen of this size.
    pub fn prepare(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        self.layout = Layout::of(width, height, self.focus);
        // A search has a line of its own.
        let tree_height = inner_height(self.layout.tree).saturating_sub(usize::from(self.find.is_some()));
        self.tree.keep_in_sight(tree_height);
        let height = inner_height(self.layout.layers);
        let selected = self.look().layer.0 as usize;
        let lowest = (selected + 1).saturating_sub(height);
        self.first_layer = self.first_layer.clamp(lowest.min(selected), selected);
        if let Some(find) = &mut self.find {
            find.keep_in_sight(tree_height);
        }
        if self.layout.detail.height > 0 {
            self.tell();
        }
        let page = self.page();
        let resized = self.contents.as_mut().map_or(Ok(()), |contents| contents.resize(page));
        self.note(resized);
    }

    fn tell(&mut self) {
        let hit = self.find.as_ref().filter(|find| find.is_typing);
        let hit = hit.and_then(|find| Some(find.search.as_ref()?.hits.get(find.at)?.path.clone()));
        let path = hit.unwrap_or_else(|| self.tree.selected_path());
        self.detail.tell(self.views.stack, &path, inner_width(self.layout.detail));
        self.detail.keep_in_sight(inner_height(self.layout.detail));
    }

    /// Columns and lines of a file that are shown.
    fn page(&self) -> (usize, usize) {
        let (width, height) = self.size;
        (usize::from(width.saturating_sub(2)), usize::from(height.saturating_sub(3)))
    }

    /// Keeps what went wrong for the last line of the screen.
    fn note<T, E: std::fmt::Display>(&mut self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.message = Some(escape(error.to_string().as_bytes(), Lines::Escape));
                None
            }
        }
    }

    /// Does a piece of what is left to do: a search, a listing. `false` if there is nothing.
    pub fn work(&mut self) -> bool {
        let search = self.find.as_mut().and_then(|find| find.search.as_mut());
        let result = match search.filter(|search| !search.is_done()) {
            Some(search) => search.work().map(|_| true),
            None => self.tree.work(),
        };
        let has_worked = self.note(result).unwrap_or(false);
        self.end_waiting();
        has_worked
    }

    /// Goes to the first hit, if that is waited for and there is one; a search that finds none is over.
    fn end_waiting(&mut self) {
        let Some(find) = self.find.as_mut().filter(|find| find.is_waiting) else { return };
        let is_done = find.search.as_ref().is_none_or(Search::is_done);
        match (find.is_empty(), is_done) {
            (false, _) => {
                find.is_waiting = false;
                self.go_to_hit();
            }
            (true, true) => self.find = None,
            (true, false) => {}
        }
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) {
        self.message = None;
        if action == Action::Quit {
            self.is_over = true;
        } else if let Some(first) = self.help {
            self.help = match action {
                Action::Step(lines) => Some(first.saturating_add_signed(lines).min(HELP.len())),
                Action::PageDown | Action::HalfDown | Action::Toggle => Some(HELP.len()),
                Action::PageUp | Action::HalfUp => Some(0),
                _ => None,
            };
        } else if self.contents.is_some() {
            self.act_on_contents(action);
        } else if self.is_typing() {
            self.act_on_find(action);
        } else {
            self.act_on_panes(action);
        }
    }

    fn act_on_contents(&mut self, action: Action) {
        let Some(contents) = &mut self.contents else { return };
        let result = match action {
            Action::Step(lines) => contents.step(lines),
            Action::PageUp => contents.page(true),
            Action::PageDown | Action::Toggle => contents.page(false),
            Action::HalfUp => contents.half_page(true),
            Action::HalfDown => contents.half_page(false),
            Action::Start => contents.go_to_start(),
            Action::End => contents.go_to_end(),
            Action::Hex => contents.toggle(),
            Action::In => {
                contents.scroll_right();
                Ok(())
            }
            Action::Out if contents.scroll_left() => Ok(()),
            Action::Back | Action::Out => {
                self.contents = None;
                Ok(())
            }
            Action::Help => {
                self.help = Some(0);
                Ok(())
            }
            _ => Ok(()),
        };
        self.note(result);
    }

    fn act_on_find(&mut self, action: Action) {
        let page = inner_height(self.layout.tree).max(2) as isize - 1;
        let Some(find) = &mut self.find else { return };
        match action {
            Action::Type(character) if find.text.chars().count() < LONGEST => find.text.push(character),
            Action::Erase => drop(find.text.pop()),
            Action::EraseAll => find.text.clear(),
            Action::Step(hits) => return find.step(hits),
            Action::PageUp => return find.step(-page),
            Action::PageDown => return find.step(page),
            Action::Back => return self.find = None,
            Action::Enter => {
                find.is_typing = false;
                find.is_waiting = true;
                return self.end_waiting();
            }
            _ => return,
        }
        (find.at, find.first) = (0, 0);
        // A letter more can only have fewer hits: a search that is on goes on.
        let is_narrower = find.search.as_mut().is_some_and(|search| search.narrow(&find.text));
        if !is_narrower {
            self.search_anew();
        }
    }

    /// Searches for what is typed now.
    fn search_anew(&mut self) {
        let (views, look) = (self.views, self.look());
        let Some(find) = &mut self.find else { return };
        (find.at, find.first) = (0, 0);
        let search = (!find.text.is_empty()).then(|| Search::new(views, look, &find.text)).transpose();
        find.search = None;
        let search = self.note(search).flatten();
        if let Some(find) = &mut self.find {
            find.search = search;
        }
    }

    fn go_to_hit(&mut self) {
        let Some(find) = &self.find else { return };
        let Some(hit) = find.search.as_ref().and_then(|search| search.hits.get(find.at)) else { return };
        let path = hit.path.clone();
        self.focus = Focus::Tree;
        let revealed = self.tree.reveal(&path);
        self.note(revealed);
    }

    fn act_on_panes(&mut self, action: Action) {
        match action {
            Action::NextPane => self.focus = self.focus.next(),
            Action::PreviousPane => self.focus = self.focus.next().next(),
            Action::Look(mode) => self.look_at(Look { mode, ..self.look() }),
            Action::NextLook => {
                let mode = match self.look().mode {
                    Mode::Merged => Mode::UpTo,
                    Mode::UpTo => Mode::Alone,
                    Mode::Alone => Mode::Merged,
                };
                self.look_at(Look { mode, ..self.look() });
            }
            Action::Layer(layers) => self.select_layer(layers),
            Action::Find => self.find = Some(Find::new()),
            Action::NextHit | Action::PreviousHit => {
                if let Some(find) = &mut self.find {
                    find.turn(action == Action::PreviousHit);
                }
                self.go_to_hit();
            }
            Action::Explain => self.detail.toggle(),
            Action::Help => self.help = Some(0),
            Action::Back if self.find.is_some() => self.find = None,
            Action::Back => self.is_over = true,
            _ => match self.focus {
                Focus::Layers => self.act_on_layers(action),
                Focus::Tree => self.act_on_tree(action),
                Focus::Detail => self.act_on_detail(action),
            },
        }
    }

    fn act_on_layers(&mut self, action: Action) {
        let page = inner_height(self.layout.layers).max(2) as isize - 1;
        match action {
            Action::Step(layers) => self.select_layer(layers),
            Action::PageUp => self.select_layer(-page),
            Action::PageDown => self.select_layer(page),
            Action::HalfUp => self.select_layer(-half(page)),
            Action::HalfDown => self.select_layer(half(page)),
            Action::Start => self.select_layer(isize::MIN / 2),
            Action::End => self.select_layer(isize::MAX / 2),
            Action::Enter | Action::In => self.focus = Focus::Tree,
            _ => {}
        }
    }

    fn select_layer(&mut self, layers: isize) {
        let look = self.look();
        let no =
            (look.layer.0 as usize).saturating_add_signed(layers).min(self.views.len().saturating_sub(1));
        self.look_at(Look { layer: LayerNo(no as u32), ..look });
    }

    /// Looks at something else; what was open stays open, and the cursor where it was, as far as that is there.
    fn look_at(&mut self, look: Look) {
        if look == self.look() {
            return;
        }
        let (open, selected) = (self.tree.open_paths(MAX_REOPENED), self.tree.selected_path());
        let Some(mut tree) = self.note(Tree::new(self.views, look)) else { return };
        tree.first = self.tree.first;
        let restored = tree.restore(open, selected);
        self.tree = tree;
        self.note(restored);
        self.search_anew();
    }

    fn act_on_tree(&mut self, action: Action) {
        let page = inner_height(self.layout.tree).max(2) as isize - 1;
        let result = match action {
            Action::Step(lines) => self.tree.step(lines),
            Action::PageUp => self.tree.step(-page),
            Action::PageDown => self.tree.step(page),
            Action::HalfUp => self.tree.step(-half(page)),
            Action::HalfDown => self.tree.step(half(page)),
            Action::Start => {
                self.tree.go_to_line(0);
                Ok(())
            }
            Action::End => {
                self.tree.go_to_end();
                Ok(())
            }
            Action::In => self.tree.open().map(drop),
            Action::Out => {
                self.tree.close_or_leave();
                Ok(())
            }
            Action::Toggle => self.tree.toggle().map(drop),
            Action::Enter => match self.tree.selected().is_some_and(|line| line.row.is_dir) {
                true => self.tree.toggle().map(drop),
                false => {
                    self.look_into();
                    Ok(())
                }
            },
            _ => Ok(()),
        };
        self.note(result);
    }

    /// Shows the contents of the selected file, or goes to what the selected symlink leads to.
    fn look_into(&mut self) {
        let Some(line) = self.tree.selected() else { return };
        let path = self.tree.path(line.spot);
        let kind = line.row.attributes(self.views.whole()).map(|attributes| attributes.kind);
        if kind == Some(Kind::Symlink) {
            return self.follow(&path);
        }
        let Some(file) = line.row.file(self.views.whole()) else {
            self.message = Some("it has no contents: only regular files have".to_owned());
            return;
        };
        let contents = Contents::open(self.views.stack, path, file, self.page());
        self.contents = self.note(contents);
    }

    /// Moves the cursor to where a symlink leads within what is looked at.
    fn follow(&mut self, path: &TreePath) {
        let union = match self.look().mode {
            Mode::UpTo => self.views.up_to(self.look().layer),
            Mode::Merged | Mode::Alone => Ok(self.views.whole()),
        };
        let Some(union) = self.note(union) else { return };
        if let Some(end) = self.note(union.resolve(path.as_bytes(), Last::Follow)) {
            self.focus = Focus::Tree;
            let revealed = self.tree.reveal(&end.path);
            self.note(revealed);
        }
    }

    fn act_on_detail(&mut self, action: Action) {
        let height = inner_height(self.layout.detail);
        let page = height.max(2) as isize - 1;
        let lines = match action {
            Action::Step(lines) => lines,
            Action::PageUp => -page,
            Action::PageDown | Action::Toggle => page,
            Action::HalfUp => -half(page),
            Action::HalfDown => half(page),
            Action::Start => isize::MIN / 2,
            Action::End => isize::MAX / 2,
            Action::Enter => return self.look_into(),
            _ => return,
        };
        self.detail.step(lines, height);
    }
}

/// Half of a screen; more than nothing.
fn half(page: isize) -> isize {
    (page / 2).max(1)
}
