//! Which directories have a picture of their own: the largest, and no more than a page can hold.

use std::collections::BinaryHeap;

use super::sizes::Part;

/// A directory on the way, by its number; the first is the root.
pub struct View<'a> {
    /// What there is in it.
    pub part: &'a Part,
    /// The picture that shows it as a whole, and its place there; none for the root.
    pub parent: Option<usize>,
    /// For each of its names the picture of that, if it has one.
    pub children: Vec<Option<usize>>,
}

/// The pictures of a tree.
pub struct Views<'a>(Vec<View<'a>>);

impl<'a> Views<'a> {
    /// Takes the largest directories first, as long as there is room for so many names on all pictures; always the root.
    pub fn of(root: &'a Part, most_names: usize) -> Views<'a> {
        let mut views = Views(Vec::new());
        let mut room = most_names.max(root.children.len() + 1);
        let mut heap = BinaryHeap::from([Waiting::new(root, None)]);
        while let Some(Waiting { part, place, .. }) = heap.pop() {
            let Some(left) = room.checked_sub(part.children.len() + 1) else { break };
            room = left;
            let no = views.push(part, place);
            let dirs = part.children.iter().enumerate().filter(|(_, child)| !child.children.is_empty());
            heap.extend(dirs.map(|(at, child)| Waiting::new(child, Some((no, at)))));
        }
        views
    }

    fn push(&mut self, part: &'a Part, place: Option<(usize, usize)>) -> usize {
        let no = self.0.len();
        let slot = place.and_then(|(parent, at)| self.0.get_mut(parent)?.children.get_mut(at));
        if let Some(slot) = slot {
            *slot = Some(no);
        }
        let parent = place.map(|(parent, _)| parent);
        self.0.push(View { part, parent, children: vec![None; part.children.len()] });
        no
    }

    /// One of them.
    pub fn get(&self, no: usize) -> Option<&View<'a>> {
        self.0.get(no)
    }

    /// All of them with their numbers, the root first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &View<'a>)> + ExactSizeIterator {
        self.0.iter().enumerate()
    }

    /// The way to one: numbers from the root on, itself the last.
    pub fn way(&self, no: usize) -> Vec<usize> {
        let up = std::iter::successors(Some(no), |&no| self.get(no)?.parent);
        let mut way: Vec<usize> = up.collect();
        way.reverse();
        way
    }

    /// Its path, without the slash before it.
    pub fn path(&self, no: usize) -> Vec<u8> {
        let way = self.way(no);
        let names = way.iter().skip(1).filter_map(|&no| Some(&*self.get(no)?.part.name));
        names.collect::<Vec<_>>().join(&b'/')
    }
}

/// A directory that may get a picture; the largest, of equal ones the first that was met, comes next.
struct Waiting<'a> {
    part: &'a Part,
    place: Option<(usize, usize)>,
}

impl<'a> Waiting<'a> {
    fn new(part: &'a Part, place: Option<(usize, usize)>) -> Waiting<'a> {
        Waiting { part, place }
    }

    fn key(&self) -> (u64, std::cmp::Reverse<Option<(usize, usize)>>) {
        (self.part.sum.bytes, std::cmp::Reverse(self.place))
    }
}

impl Ord for Waiting<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Waiting<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting<'_> {}
