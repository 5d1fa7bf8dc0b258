//! A lesson's text on a terminal: the answers, which a web page folds away, are left out until they are asked for.

const BEGIN: &str = "<details>";
const END: &str = "</details>";

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
    pieces(text).into_iter().map(|(is_answer, piece)| if is_answer { hint } else { piece }).collect()
}

/// The answers alone, a blank line between them.
pub fn answers(text: &str) -> String {
    let answers = pieces(text).into_iter().filter(|(is_answer, _)| *is_answer);
    let texts = answers.map(|(_, answer)| {
        // Behind the line that can be clicked on.
        let answer = answer.split_once("</summary>").map_or(answer, |(_, answer)| answer);
        format!("{}\n", answer.trim())
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// What is typed first, once the lesson's image is made and one has gone to it.
pub fn first_command(text: &str) -> Option<&str> {
    let mut commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
    commands.nth(2)
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
}
