//! The tree pane: which directories are open, where the cursor is, and which line is which name.
//!
//! A directory is listed a stretch at a time, as far as someone looks and while nobody waits. A line is found by
//! counting over open directories, never over names.

use std::collections::BTreeMap;

use crate::path::TreePath;
use crate::stack::Error;

use super::listing::{Level, Listing, Look, Row};
use super::views::Views;

/// Names that are listed at a time: enough for any screen.
const STRETCH: usize = 512;

/// A name's place: a directory that is open, and the name's number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    dir: usize,
    row: usize,
}

/// The tree as far as it was opened.
pub struct Tree<'a> {
    views: &'a Views<'a>,
    /// What is looked at.
    pub look: Look,
    dirs: Vec<Open<'a>>,
    cursor: Spot,
    /// The first line of the window.
    pub first: usize,
    /// The cursor stays on the last line while directories are still being listed.
    follows_end: bool,
}

/// A directory that is open.
struct Open<'a> {
    parent: Option<Spot>,
    depth: usize,
    level: Level,
    rows: Vec<Row<'a>>,
    /// What is not listed yet.
    pending: Option<Listing<'a>>,
    /// Its directories that are open, by row.
    open: BTreeMap<usize, usize>,
    /// Lines of it and all that is open in it.
    lines: usize,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The name.
    pub row: Row<'a>,
    /// Directories above it, but for the root.
    pub depth: usize,
    /// Whether it is open.
    pub is_open: bool,
    /// Where it is.
    pub spot: Spot,
}

impl<'a> Tree<'a> {
    /// The root, open.
    pub fn new(views: &'a Views<'a>, look: Look) -> Result<Tree<'a>, Error> {
        let cursor = Spot { dir: 0, row: 0 };
        let mut tree = Tree { views, look, dirs: Vec::new(), cursor, first: 0, follows_end: false };
        let level = look.root(views)?;
        tree.push(None, 0, level)?;
        Ok(tree)
    }

    fn push(&mut self, parent: Option<Spot>, depth: usize, level: Level) -> Result<usize, Error> {
        let pending = Some(self.look.list(self.views, &level)?);
        let dir = self.dirs.len();
        let (rows, open) = (Vec::new(), BTreeMap::new());
        self.dirs.push(Open { parent, depth, level, rows, pending, open, lines: 0 });
        self.extend(dir)?;
        Ok(dir)
    }

    /// Lists a stretch more of a directory.
    fn extend(&mut self, dir: usize) -> Result<(), Error> {
        let Some(open) = self.dirs.get_mut(dir) else { return Ok(()) };
        let Some(pending) = &mut open.pending else { return Ok(()) };
        let before = open.rows.len();
        for row in pending.take(STRETCH) {
            open.rows.push(row?);
        }
        let added = open.rows.len() - before;
        if added < STRETCH {
            open.pending = None;
        }
        self.grow(dir, added as isize);
        Ok(())
    }

    /// Adds to the lines of a directory and of all that it is open in.
    fn grow(&mut self, dir: usize, lines: isize) {
        let mut next = Some(dir);
        while let Some(open) = next.and_then(|dir| self.dirs.get_mut(dir)) {
            open.lines = open.lines.saturating_add_signed(lines);
            next = open.parent.map(|spot| spot.dir);
        }
    }

    /// Lists a stretch more of any directory; `false` if there is nothing left to list.
    pub fn work(&mut self) -> Result<bool, Error> {
        let Some(dir) = self.dirs.iter().position(|open| open.pending.is_some()) else { return Ok(false) };
        self.extend(dir)?;
        if self.follows_end {
            self.go_to_line(self.len().saturating_sub(1));
            self.follows_end = true;
        }
        Ok(true)
    }

    /// Whether all that is open is listed to its end.
    fn is_listed(&self) -> bool {
        self.dirs.iter().all(|open| open.pending.is_none())
    }

    /// How many lines there are, as far as is known.
    pub fn len(&self) -> usize {
        self.dirs.first().map_or(0, |root| root.lines)
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of a line.
    fn spot(&self, line: usize) -> Option<Spot> {
        let (mut dir, mut left) = (0, line);
        'dirs: loop {
            let open = self.dirs.get(dir)?;
            // Rows before which everything is counted.
            let mut row = 0;
            for (&at, &child) in &open.open {
                if left <= at - row {
                    break;
                }
                left -= at - row + 1;
                row = at + 1;
                let lines = self.dirs.get(child)?.lines;
                if left < lines {
                    dir = child;
                    continue 'dirs;
                }
                left -= lines;
            }
            let row = row + left;
            return (row < open.rows.len()).then_some(Spot { dir, row });
        }
    }

    /// The line of a place.
    fn line_of(&self, spot: Spot) -> usize {
        let (mut line, mut next) = (0, Some(spot));
        while let Some(spot) = next {
            let Some(open) = self.dirs.get(spot.dir) else { break };
            let children = open.open.range(..spot.row).filter_map(|(_, &child)| self.dirs.get(child));
            line += spot.row + children.map(|child| child.lines).sum::<usize>();
            next = open.parent;
            line += usize::from(next.is_some());
        }
        line
    }

    fn at(&self, spot: Spot) -> Option<Line<'a>> {
        let open = self.dirs.get(spot.dir)?;
        let row = *open.rows.get(spot.row)?;
        Some(Line { row, depth: open.depth, is_open: open.open.contains_key(&spot.row), spot })
    }

    /// Lines from one on, so many.
    pub fn lines(&self, first: usize, count: usize) -> impl Iterator<Item = Line<'a>> {
        (first..first.saturating_add(count)).map_while(|line| self.at(self.spot(line)?))
    }

    /// The line of the cursor.
    pub fn cursor(&self) -> usize {
        self.line_of(self.cursor)
    }

    /// What the cursor is on.
    pub fn selected(&self) -> Option<Line<'a>> {
        self.at(self.cursor)
    }

    /// The path of a place.
    pub fn path(&self, spot: Spot) -> TreePath {
        let mut names = Vec::new();
        let mut next = Some(spot);
        while let Some(spot) = next {
            let Some(open) = self.dirs.get(spot.dir) else { break };
            names.extend(open.rows.get(spot.row).map(|row| row.name));
            next = open.parent;
        }
        let mut path = TreePath::root();
        names.iter().rev().for_each(|name| path.push(name));
        path
    }

    /// The path that the cursor is on; the root, if there is nothing.
    pub fn selected_path(&self) -> TreePath {
        self.path(self.cursor)
    }

    /// Moves the cursor to a line, or to the last one before it.
    pub fn go_to_line(&mut self, line: usize) {
        self.follows_end = false;
        if let Some(spot) = self.spot(line.min(self.len().saturating_sub(1))) {
            self.cursor = spot;
        }
    }

    /// Moves the cursor by lines; what it comes near to is listed.
    pub fn step(&mut self, lines: isize) -> Result<(), Error> {
        self.go_to_line(self.cursor().saturating_add_signed(lines));
        let Spot { dir, row } = self.cursor;
        let is_near_end = |open: &Open<'_>| row.saturating_add(STRETCH / 2) > open.rows.len();
        match self.dirs.get(dir).is_some_and(is_near_end) {
            true => self.extend(dir),
            false => Ok(()),
        }
    }

    /// Moves the cursor to the end, and on while there comes more.
    pub fn go_to_end(&mut self) {
        self.go_to_line(self.len());
        self.follows_end = !self.is_listed();
    }

    /// Opens the directory that the cursor is on; `false` if there is nothing to open.
    pub fn open(&mut self) -> Result<bool, Error> {
        self.open_at(self.cursor)
    }

    fn open_at(&mut self, spot: Spot) -> Result<bool, Error> {
        let Some(line) = self.at(spot).filter(|line| line.row.is_dir && !line.is_open) else {
            return Ok(false);
        };
        let Some(open) = self.dirs.get(spot.dir) else { return Ok(false) };
        let Some(level) = self.look.enter(self.views, &open.level, &line.row)? else { return Ok(false) };
        let child = self.push(Some(spot), line.depth + 1, level)?;
        if let Some(open) = self.dirs.get_mut(spot.dir) {
            open.open.insert(spot.row, child);
        }
        Ok(true)
    }

    /// Closes the directory that the cursor is on, or goes to the one that it is in.
    pub fn close_or_leave(&mut self) {
        self.follows_end = false;
        if !self.close_at(self.cursor)
            && let Some(parent) = self.dirs.get(self.cursor.dir).and_then(|open| open.parent)
        {
            self.cursor = parent;
        }
    }

    /// Closes a directory; `false` if it is not open.
    fn close_at(&mut self, spot: Spot) -> bool {
        let Some(open) = self.dirs.get_mut(spot.dir) else { return false };
        let Some(child) = open.open.remove(&spot.row) else { return false };
        let lines = self.dirs.get(child).map_or(0, |open| open.lines);
        self.grow(spot.dir, -(lines as isize));
        // What is closed is listed anew when it is opened: a million names are not kept for that.
        let mut closed = vec![child];
        while let Some(open) = closed.pop().and_then(|dir| self.dirs.get_mut(dir)) {
            closed.extend(std::mem::take(&mut open.open).into_values());
            open.rows = Vec::new();
            open.pending = None;
            open.lines = 0;
        }
        true
    }

    /// Opens or closes the directory that the cursor is on; `false` if it is none.
    pub fn toggle(&mut self) -> Result<bool, Error> {
        self.follows_end = false;
        Ok(self.close_at(self.cursor) || self.open()?)
    }

    /// Opens all directories on the way to a path, as far as it is there, and moves the cursor to it.
    pub fn reveal(&mut self, path: &TreePath) -> Result<bool, Error> {
        self.follows_end = false;
        let (mut dir, mut names) = (0, path.components().peekable());
        while let Some(name) = names.next() {
            let Some(row) = self.row_of(dir, name)? else { return Ok(false) };
            let spot = Spot { dir, row };
            self.cursor = spot;
            if names.peek().is_none() {
                break;
            }
            self.open_at(spot)?;
            match self.dirs.get(dir).and_then(|open| open.open.get(&row)) {
                Some(&child) => dir = child,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The row of a name, which is listed up to there.
    fn row_of(&mut self, dir: usize, name: &[u8]) -> Result<Option<usize>, Error> {
        loop {
            let Some(open) = self.dirs.get(dir) else { return Ok(None) };
            if open.pending.is_none() || open.rows.last().is_some_and(|last| last.name >= name) {
                return Ok(open.rows.binary_search_by(|row| row.name.cmp(name)).ok());
            }
            self.extend(dir)?;
        }
    }

    /// The paths of directories that are open, parents first; at most so many.
    pub fn open_paths(&self, most: usize) -> Vec<TreePath> {
        let is_open = |open: &Open<'_>| {
            open.parent.is_some_and(|spot| {
                self.dirs.get(spot.dir).is_some_and(|parent| parent.open.contains_key(&spot.row))
            })
        };
        let open = self.dirs.iter().filter(|open| is_open(open)).filter_map(|open| open.parent);
        open.take(most).map(|spot| self.path(spot)).collect()
    }

    /// Moves the window of so many lines so that the cursor is in it.
    pub fn keep_in_sight(&mut self, height: usize) {
        let cursor = self.cursor();
        let lowest = cursor.saturating_add(1).saturating_sub(height);
        self.first = self.first.clamp(lowest.min(cursor), cursor);
        self.first = self.first.min(self.len().saturating_sub(height)).max(lowest);
    }
}
