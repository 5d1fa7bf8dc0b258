//! A page of the tutorial: text, and in it what is typed and what is seen.
//!
//! A block ```` ```console ```` has commands behind `$ `, further lines of one behind `> `, and below each what it
//! prints, on stdout and stderr as they come. ```` ```console root ```` needs root and overlayfs. A line `...` in what is seen
//! stands for any lines.

use super::shell::Rights;

/// What stands for any lines.
const ANY: &str = "...";

pub struct Page {
    pieces: Vec<Piece>,
}

enum Piece {
    /// A line of text, or the first or last one of a block.
    Line(String),
    Command(Command),
}

struct Command {
    /// As it stands in the page, with its prompts.
    typed: String,
    /// Without them.
    command: String,
    seen: Vec<String>,
    needs: Rights,
}

impl Page {
    pub fn parse(text: &str) -> Page {
        let mut pieces = Vec::new();
        let mut block = None;
        for line in text.lines() {
            match (block, line) {
                (None, "```console") => block = Some(Rights::User),
                (None, "```console root") => block = Some(Rights::Root),
                (Some(_), "```") => block = None,
                (Some(needs), _) => {
                    in_block(&mut pieces, needs, line);
                    continue;
                }
                (None, _) => {}
            }
            pieces.push(Piece::Line(line.to_owned()));
        }
        assert!(block.is_none(), "a block has no end");
        Page { pieces }
    }

    fn all(&self) -> impl Iterator<Item = &Command> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Command(command) => Some(command),
            Piece::Line(_) => None,
        })
    }

    /// The commands that can be run with some rights.
    pub fn commands(&self, rights: Rights) -> impl Iterator<Item = &str> {
        self.all().filter(move |command| command.needs <= rights).map(|command| &*command.command)
    }

    /// Whether some of it needs root.
    pub fn needs_root(&self) -> bool {
        self.all().any(|command| command.needs == Rights::Root)
    }

    /// Compares what the commands said with what the page says, and puts it there where that is another.
    pub fn compare(&mut self, rights: Rights, said: &[Vec<String>]) -> String {
        let mut differences = String::new();
        let commands = self.pieces.iter_mut().filter_map(|piece| match piece {
            Piece::Command(command) if command.needs <= rights => Some(command),
            _ => None,
        });
        let nothing = vec!["(the shell did not come so far)".to_owned()];
        for (no, command) in commands.enumerate() {
            let said = said.get(no).unwrap_or(&nothing);
            if !is_seen(&command.seen, said) {
                let lines = |sign: char, lines: &[String]| -> String {
                    lines.iter().map(|line| format!("\n{sign} {line}")).collect()
                };
                differences.push_str(&format!("\n{}", command.typed));
                differences.push_str(&lines('-', &command.seen));
                differences.push_str(&lines('+', said));
                command.seen.clone_from(said);
            }
        }
        differences
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            let lines = match piece {
                Piece::Line(line) => std::slice::from_ref(line),
                Piece::Command(Command { typed, seen, .. }) => {
                    text.push_str(typed);
                    text.push('\n');
                    seen
                }
            };
            lines.iter().for_each(|line| text.extend([line, "\n"]));
        }
        text
    }
}

fn in_block(pieces: &mut Vec<Piece>, needs: Rights, line: &str) {
    if let Some(command) = line.strip_prefix("$ ") {
        let (typed, command) = (line.to_owned(), command.to_owned());
        return pieces.push(Piece::Command(Command { typed, command, seen: Vec::new(), needs }));
    }
    let Some(Piece::Command(last)) = pieces.last_mut() else { panic!("output of no command: {line}") };
    match line.strip_prefix("> ").filter(|_| last.seen.is_empty()) {
        Some(more) => {
            last.typed.extend(["\n", line]);
            last.command.extend(["\n", more]);
        }
        None => last.seen.push(line.to_owned()),
    }
}

/// Whether lines are those that a page says, where `...` are any.
fn is_seen(page: &[String], said: &[String]) -> bool {
    match page.split_first() {
        None => said.is_empty(),
        Some((first, rest)) if first == ANY => {
            (0..=said.len()).any(|skipped| is_seen(rest, &said[skipped..]))
        }
        Some((first, rest)) => said.first() == Some(first) && is_seen(rest, &said[1..]),
    }
}

#[test]
fn three_dots_stand_for_any_lines() {
    let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (page, said, expected) in [
        ("a b", "a b", true),
        ("a b", "a", false),
        ("...", "", true),
        ("a ... b", "a b", true),
        ("a ... b", "a x y b", true),
        ("a ... b", "a x y", false),
        ("... b ...", "a b c d", true),
    ] {
        assert_eq!(is_seen(&lines(page), &lines(said)), expected, "{page} | {said}");
    }
}

#[test]
fn a_page_is_written_as_it_was_read() {
    let text = "# T\n\n```console\n$ a\n1\n$ b \\\n>  c\n```\nand\n```console root\n$ d\n```\n";
    let mut page = Page::parse(text);
    assert_eq!(page.text(), text);
    assert_eq!(page.commands(Rights::User).collect::<Vec<_>>(), ["a", "b \\\n c"]);
    assert_eq!(page.commands(Rights::Root).count(), 3);
    let said = [vec!["2".to_owned()], Vec::new()];
    assert_eq!(page.compare(Rights::User, &said), "\n$ a\n- 1\n+ 2");
    assert_eq!(page.text(), text.replace("\n1\n", "\n2\n"));
}
