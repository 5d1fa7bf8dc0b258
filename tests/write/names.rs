//! Words that stand for names of a tree: `@7` is the seventh of all, `@7f` of those that are no directories,
//! `@7d` of directories, the root among them; `@7d/a` is `a` in it. Counting goes round.

use std::fs;
use std::path::Path;

/// An operation with such words replaced by what they stand for.
pub fn resolve(line: &str, root: &Path) -> String {
    if !line.contains('@') {
        return line.to_owned();
    }
    let names = names(root);
    line.split(' ').map(|word| resolve_word(word, &names)).collect::<Vec<_>>().join(" ")
}

/// A name, and whether it is a directory.
pub type Name = (String, bool);

fn resolve_word(word: &str, names: &[Name]) -> String {
    let Some(rest) = word.strip_prefix('@') else { return word.to_owned() };
    let (choice, child) = rest.split_once('/').map_or((rest, None), |(choice, child)| (choice, Some(child)));
    let number: usize = choice.trim_end_matches(['d', 'f']).parse().unwrap();
    let is_chosen = |(_, is_dir): &&Name| match choice.as_bytes().last() {
        Some(b'd') => *is_dir,
        Some(b'f') => !is_dir,
        _ => true,
    };
    let chosen: Vec<&str> = names.iter().filter(is_chosen).map(|(name, _)| name.as_str()).collect();
    let name = if chosen.is_empty() { "." } else { chosen[number % chosen.len()] };
    match child {
        None => name.to_owned(),
        Some(child) if name == "." => child.to_owned(),
        Some(child) => format!("{name}/{child}"),
    }
}

/// All names of a tree, sorted; the root is `.`.
pub fn names(root: &Path) -> Vec<Name> {
    let mut names = vec![(".".to_owned(), true)];
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let is_dir = entry.file_type().unwrap().is_dir();
            let path = entry.path();
            names.push((path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), is_dir));
            if is_dir {
                todo.push(path);
            }
        }
    }
    names.sort();
    names
}
