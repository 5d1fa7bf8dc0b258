//! A lesson's text on a terminal: no fences and links, and the answers, which a web page folds away, are left out
//! until they are asked for.

const BEGIN: &str = "<details>";
const END: &str = "</details>";

/// What begins and ends a block of commands.
const FENCE: &str = "```";

/// Pieces of a text, each with whether it is an answer.
fn pieces(text: &str) -> Vec<(bool, &str)> {
    let mut pieces = Vec::new();
    for piece in text.split(BEGIN) {
        match piece.split_once(END) {
            Some((answer, rest)) => pieces.extend([(true, answer), (false, rest)]),
            None => pieces.push((false, piece)),
        }
    }
    pieces
}

/// The text with a hint in place of each answer.
pub fn without_answers(text: &str, hint: &str) -> String {
    let pieces = pieces(text).into_iter();
    let text: String = pieces.map(|(is_answer, piece)| if is_answer { hint } else { piece }).collect();
    plain(&text)
}

/// The answers alone, a blank line between them.
pub fn answers(text: &str) -> String {
    let answers = pieces(text).into_iter().filter(|(is_answer, _)| *is_answer);
    let texts = answers.map(|(_, answer)| {
        // Behind the line that can be clicked on.
        let answer = answer.split_once("</summary>").map_or(answer, |(_, answer)| answer);
        format!("{}\n", answer.trim())
    });
    plain(&texts.collect::<Vec<_>>().join("\n"))
}

/// What is typed first, once the lesson's image is made and one has gone to it.
pub fn first_command(text: &str) -> Option<&str> {
    let mut commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
    commands.nth(2)
}

/// Markdown as one reads it: commands are indented, links name the lesson that they lead to.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut in_block = false;
    for line in text.lines() {
        match (line.starts_with(FENCE), in_block) {
            (true, _) => {
                in_block = !in_block;
                continue;
            }
            (false, true) if !line.is_empty() => out.extend(["    ", line]),
            (false, _) => out.push_str(&without_links(line)),
        }
        out.push('\n');
    }
    out
}

/// A line with `WORDS (peelfs lesson 3)` in place of `[WORDS](03-whiteouts.md)`, unless the words say so themselves, and
/// the words of other links.
fn without_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, words, target, behind)) = next_link(rest) {
        out.extend([before, words]);
        let number = target.split_once('-').and_then(|(number, _)| number.parse::<u8>().ok());
        if let Some(number) = number.filter(|number| words != format!("lesson {number}")) {
            out.push_str(&format!(" (peelfs lesson {number})"));
        }
        rest = behind;
    }
    out + rest
}

/// What stands before a link, its words and its target, and what stands behind it.
fn next_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (head, tail) = text.split_once("](")?;
    let (before, words) = head.rsplit_once('[')?;
    let (target, behind) = tail.split_once(')')?;
    Some((before, words, target, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Why?\n\n<details><summary>Answer</summary>\n\nSo.\n</details>\n\nAnd?\n";

    #[test]
    fn an_answer_is_told_when_it_is_asked_for() {
        assert_eq!(without_answers(TEXT, "(...)"), "Why?\n\n(...)\n\nAnd?\n");
        assert_eq!(answers(TEXT), "So.\n");
    }

    #[test]
    fn a_terminal_gets_neither_fences_nor_links() {
        let text = "See [this](03-x.md), [lesson 3](03-x.md), [that](../a.md) [1].\n```console root\n$ ls [a](b)\n\nb\n```\n";
        let plain = "See this (peelfs lesson 3), lesson 3, that [1].\n    $ ls [a](b)\n\n    b\n";
        assert_eq!(super::plain(text), plain);
    }
}
