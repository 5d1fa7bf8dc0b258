//! Every command that writes JSON has a schema in docs/schemas, and writes what that says; and what no command writes, no
//! schema describes.

mod cases;
mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use check::{Checker, DRAFT, Place, each_place, folder, is_described, names, read};

use crate::docs::{help_of, verbs};
use crate::support::need::{has_fuse, need};

/// What schemas promise and no document here shows, and why.
const UNSEEN: [(&str, &str); 1] =
    [("index#/$defs/tar/properties/state = \"not kept\"", "needs a file system without room")];

/// The schema of a command, if it writes JSON.
fn schema_of(command: &str, help: &str) -> Option<String> {
    let name = command.replace(' ', "-");
    match help {
        help if help.contains("--json") => Some(name),
        help if help.contains("- json:") => Some(format!("{name}-stats")),
        _ => None,
    }
}

/// The schemas that commands ask for, each with what to say to have one of its documents.
fn expected() -> BTreeMap<String, String> {
    let mut expected = BTreeMap::new();
    let mut commands = verbs(&help_of(&["--help"]));
    while let Some(command) = commands.pop() {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = help_of(&words);
        let verbs = verbs(&help);
        if verbs.is_empty()
            && let Some(name) = schema_of(&command, &help)
        {
            let option = if name.ends_with("-stats") { "--stats=json" } else { "--json" };
            expected.insert(name, format!("peelfs {command} {option}"));
        }
        commands.extend(verbs.iter().map(|verb| format!("{command} {verb}")));
    }
    expected
}

#[test]
fn every_command_that_writes_json_has_a_schema_and_every_schema_a_command() {
    let expected = expected();
    assert!(expected.len() > 15, "{expected:?}");
    let mut schemas = names();
    assert!(schemas.remove("common"));
    assert_eq!(schemas, expected.keys().cloned().collect::<BTreeSet<_>>());
    let list = fs::read_to_string(folder().join("README.md")).unwrap();
    for (name, command) in &expected {
        let schema = read(name);
        let said = [&schema["title"], &schema["$schema"]].map(Value::as_str);
        assert_eq!(said, [Some(&**command), Some(DRAFT)], "{name}");
        let row = format!("| `{command}` | [{name}.json]({name}.json) |");
        assert!(list.contains(&row), "docs/schemas/README.md lacks {row}");
    }
}

#[test]
fn every_schema_is_one_by_its_draft() {
    let mut checker = Checker::new();
    assert!(checker.problem(DRAFT, &serde_json::json!({ "type": "number of things" })).is_some());
    for name in names() {
        let schema = read(&name);
        assert_eq!(checker.problem(DRAFT, schema), None, "{name}");
        assert_eq!(schema["$id"], format!("{name}.json"));
    }
}

#[test]
fn every_property_is_described_and_no_object_is_open() {
    // What is not closed in itself: whoever refers to it does that.
    let open = ["common#/$defs/attributes", "common#/$defs/entry"];
    for name in names() {
        each_place(&Place::root(&name), &mut |place, schema| {
            for key in schema["properties"].as_object().into_iter().flat_map(|object| object.keys()) {
                let property = place.property(key);
                assert!(is_described(&property, &schema["properties"][key]), "{}", property.tell());
            }
            let is_closed =
                schema["additionalProperties"] == false || schema["unevaluatedProperties"] == false;
            let is_open = schema["properties"].is_object() && !is_closed;
            assert_eq!(is_open, open.contains(&&*place.tell()), "{}", place.tell());
        });
    }
}

#[test]
fn every_document_is_what_its_schema_says_and_shows_all_that_the_schemas_promise() {
    need!(has_fuse(), "needs FUSE");
    let mut checker = Checker::new();
    cases::images(&mut checker);
    cases::names(&mut checker);
    cases::accounts(&mut checker);
    cases::differences(&mut checker);
    cases::caches(&mut checker);
    cases::uppers(&mut checker);
    cases::explained_uppers(&mut checker);
    cases::mounts(&mut checker);
    assert!(checker.problems.is_empty(), "{}", checker.problems.join("\n"));
    let unseen = UNSEEN.iter().map(|(promise, _)| (*promise).to_owned()).collect::<BTreeSet<_>>();
    let found = checker.unseen();
    let (new, old): (Vec<_>, Vec<_>) =
        (found.difference(&unseen).collect(), unseen.difference(&found).collect());
    assert!(new.is_empty() && old.is_empty(), "promised and not shown: {new:#?}\nshown by now: {old:#?}");
}

#[test]
fn so_is_every_document_of_collected_images() {
    let Some(folder) = crate::oracle::images::folder() else { return };
    let mut checker = Checker::new();
    cases::collected(&mut checker, &folder);
    assert!(checker.problems.is_empty(), "{}", checker.problems.join("\n"));
    assert!(checker.documents > 300, "{}", checker.documents);
}
