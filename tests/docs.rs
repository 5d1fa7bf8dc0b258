//! The documents and the tests speak of the same things.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(dir: &Path, end: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path, end)),
            false if path.extension().is_some_and(|extension| extension == end) => files.push(path),
            false => {}
        }
    }
    files
}

/// The rules that docs/semantics.md states: `- **S7 …`.
fn rules() -> BTreeSet<String> {
    let text = fs::read_to_string(project().join("docs/semantics.md")).unwrap();
    let rule = |line: &str| {
        let name: String =
            line.strip_prefix("- **")?.chars().take_while(char::is_ascii_alphanumeric).collect();
        let (letter, number) = name.split_at_checked(1)?;
        (matches!(letter, "S" | "W") && number.parse::<u32>().is_ok()).then_some(name)
    };
    text.lines().filter_map(rule).collect()
}

/// The rules that tests are named after: `fn s7_…`, `fn w1_…`.
fn tested() -> BTreeSet<String> {
    let of = |dir: &str, letter: char| {
        let tests = files_below(&project().join(dir), "rs");
        let texts: Vec<String> = tests.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let rule = |line: &str| {
            let name = line.strip_prefix("fn ")?.strip_prefix(letter)?;
            let number: String = name.chars().take_while(char::is_ascii_digit).collect();
            (!number.is_empty()).then(|| format!("{}{number}", letter.to_ascii_uppercase()))
        };
        texts.iter().flat_map(|text| text.lines()).filter_map(rule).collect::<Vec<_>>()
    };
    of("tests/rules", 's').into_iter().chain(of("tests/write", 'w')).collect()
}

#[test]
fn every_rule_has_a_test_and_every_test_a_rule() {
    assert!(rules().len() > 15, "{:?}", rules());
    assert_eq!(rules(), tested());
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = files_below(&project().join("docs"), "md");
    documents.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| project().join(name)));
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            if path.is_empty() || link.contains("://") {
                continue;
            }
            let target = document.parent().unwrap().join(path);
            assert!(target.exists(), "{}: {link}", document.display());
        }
    }
}

/// The commands that a help text lists.
pub fn verbs(help: &str) -> Vec<String> {
    let list = help.split("Commands:").nth(1).unwrap_or_default().split("Options:").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    // What a description goes on with stands further in.
    let names = names.filter(|name| !name.is_empty());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// What a command says of itself.
pub fn help_of(args: &[&str]) -> String {
    let output = crate::support::peelfs(args);
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_and_option_is_in_the_manual() {
    let manual = fs::read_to_string(project().join("docs/cli.md")).unwrap();
    let mut commands = verbs(&help_of(&["--help"]));
    while let Some(command) = commands.pop() {
        assert!(manual.contains(&format!("peelfs {command}")), "docs/cli.md lacks `peelfs {command}`");
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let options = help_of(&words);
        commands.extend(verbs(&options).iter().map(|verb| format!("{command} {verb}")));
        for word in options.split_whitespace().filter(|word| word.starts_with("--")) {
            // A value that may be left away: `--stats[=<FORMAT>]`.
            let word = word.split('[').next().unwrap();
            let option = word.trim_end_matches([',', '.', ';', ')', ']', '`']);
            assert!(manual.contains(option), "docs/cli.md lacks `{option}` of `{command}`");
        }
    }
}
