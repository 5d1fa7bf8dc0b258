//! Search: names of the whole tree that hold a text or match a pattern, found a piece at a time.

use crate::path::TreePath;
use crate::stack::Error;

use super::listing::{Level, Listing, Look, Row};
use super::views::Views;

/// Hits that are kept; who has more should say more.
pub const MAX_HITS: usize = 10_000;

/// Names that are looked at in a piece of work.
const PIECE: usize = 512;

/// A path that was found.
#[derive(Debug, Clone)]
pub struct Hit<'a> {
    /// Where it is.
    pub path: TreePath,
    /// What is there.
    pub row: Row<'a>,
}

/// A search that is on or was.
pub struct Search<'a> {
    views: &'a Views<'a>,
    look: Look,
    query: Query,
    /// Directories that are being looked through, the deepest last.
    levels: Vec<(Level, Listing<'a>)>,
    path: TreePath,
    /// What was found, in the order of the tree.
    pub hits: Vec<Hit<'a>>,
    /// Names that were looked at.
    pub looked_at: u64,
}

impl<'a> Search<'a> {
    /// Begins.
    pub fn new(views: &'a Views<'a>, look: Look, query: &str) -> Result<Search<'a>, Error> {
        let root = look.root(views)?;
        let levels = vec![(root.clone(), look.list(views, &root)?)];
        let (query, path) = (Query::new(query), TreePath::root());
        Ok(Search { views, look, query, levels, path, hits: Vec::new(), looked_at: 0 })
    }

    /// Whether there is nothing left to look at, or there are hits enough.
    pub fn is_done(&self) -> bool {
        self.levels.is_empty() || self.is_full()
    }

    /// Whether there are as many hits as are kept.
    pub fn is_full(&self) -> bool {
        self.hits.len() >= MAX_HITS
    }

    /// Searches on for something that only hits so far can hold; `false` if that need not be so.
    pub fn narrow(&mut self, query: &str) -> bool {
        let query = Query::new(query);
        if !query.is_narrower_than(&self.query) {
            return false;
        }
        self.query = query;
        self.hits.retain(|hit| self.query.matches(hit.row.name));
        true
    }

    /// Looks at some names more; `false` if there are none. It is over where something cannot be read.
    pub fn work(&mut self) -> Result<bool, Error> {
        for _ in 0..PIECE {
            if self.is_done() {
                return Ok(false);
            }
            if let Err(error) = self.look_at_next() {
                self.levels.clear();
                return Err(error);
            }
        }
        Ok(true)
    }

    fn look_at_next(&mut self) -> Result<(), Error> {
        let Some((level, listing)) = self.levels.last_mut() else { return Ok(()) };
        let Some(row) = listing.next().transpose()? else {
            self.levels.pop();
            self.path.pop();
            return Ok(());
        };
        self.looked_at += 1;
        if self.query.matches(row.name) {
            self.hits.push(Hit { path: self.path.join(row.name), row });
        }
        if let Some(level) = self.look.enter(self.views, level, &row)? {
            let listing = self.look.list(self.views, &level)?;
            self.levels.push((level, listing));
            self.path.push(row.name);
        }
        Ok(())
    }
}

/// What names are compared with.
enum Query {
    /// Names that hold it, whatever the case.
    Part(Vec<u8>),
    /// Names that match it as a whole: `*`, `?`.
    Glob(Vec<u8>),
}

impl Query {
    fn new(text: &str) -> Query {
        let bytes = text.as_bytes().to_ascii_lowercase();
        match bytes.iter().any(|byte| matches!(byte, b'*' | b'?')) {
            true => Query::Glob(bytes),
            false => Query::Part(bytes),
        }
    }

    /// Whether all that it matches is matched by the other one, too, as far as can be told at once.
    fn is_narrower_than(&self, other: &Query) -> bool {
        match (self, other) {
            (Query::Part(part), Query::Part(of)) => part.windows(of.len().max(1)).any(|window| window == of),
            _ => false,
        }
    }

    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Query::Part(part) => {
                name.windows(part.len().max(1)).any(|window| window.eq_ignore_ascii_case(part))
            }
            Query::Glob(glob) => matches_glob(glob, name),
        }
    }
}

/// Whether a name matches a pattern of `*` and `?`, in lower case; in time of both lengths multiplied at most.
fn matches_glob(glob: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_glob) = (0, 0);
    // The last star, and where what it stands for ends.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match (glob.get(in_glob), name.get(at)) {
            (Some(b'*'), _) => {
                star = Some((in_glob, at));
                in_glob += 1;
            }
            (Some(pattern), Some(byte)) if *pattern == b'?' || byte.eq_ignore_ascii_case(pattern) => {
                at += 1;
                in_glob += 1;
            }
            _ => {
                let Some((of_star, end)) = star else { return false };
                star = Some((of_star, end + 1));
                (in_glob, at) = (of_star + 1, end + 1);
            }
        }
    }
    glob.get(in_glob..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_a_text_or_match_a_pattern() {
        for (query, name, matches) in [
            ("pass", "passwd", true),
            ("PASS", "passwd", true),
            ("word", "passwd", false),
            ("*.so", "libc.so", true),
            ("*.so", "libc.so.6", false),
            ("lib?.so*", "libc.so.6", true),
            ("*a*b*c", "xaxbxc", true),
            ("*a*b*c", "xaxbx", false),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(Query::new(query).matches(name.as_bytes()), matches, "{query} {name}");
        }
    }
}
