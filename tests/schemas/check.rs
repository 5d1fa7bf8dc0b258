//! Documents against the schemas of docs/schemas, and what of the schemas documents have made use of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use boon::{Compiler, Schemas};
use serde_json::Value;

/// The draft that the schemas are of.
pub const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where the schemas are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

/// The names of all schemas, without `.json`.
pub fn names() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let schemas = files.filter(|file| file.extension().is_some_and(|end| end == "json"));
    schemas.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// One schema as it stands in its file.
pub fn read(name: &str) -> &'static Value {
    static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
        let schema = |name: String| {
            let text = fs::read(folder().join(format!("{name}.json"))).unwrap();
            let schema = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}.json: {error}"));
            (name, schema)
        };
        names().into_iter().map(schema).collect()
    });
    &SCHEMAS[name]
}

/// A place in a schema: its name, and a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    name: String,
    pointer: String,
}

impl Place {
    /// The whole of a schema.
    pub fn root(name: &str) -> Place {
        Place { name: name.to_owned(), pointer: String::new() }
    }

    fn below(&self, token: &str) -> Place {
        let pointer = format!("{}/{}", self.pointer, token.replace('~', "~0").replace('/', "~1"));
        Place { pointer, ..self.clone() }
    }

    /// Where a property is described.
    pub fn property(&self, key: &str) -> Place {
        self.below("properties").below(key)
    }

    /// Where a `$ref` that stands here leads.
    fn referred(&self, reference: &str) -> Place {
        let (file, pointer) = reference.split_once('#').unwrap();
        let name = if file.is_empty() { &self.name } else { file.strip_suffix(".json").unwrap() };
        Place { name: name.to_owned(), pointer: pointer.to_owned() }
    }

    fn schema(&self) -> &'static Value {
        read(&self.name).pointer(&self.pointer).unwrap_or_else(|| panic!("{self:?} leads nowhere"))
    }

    fn url(&self) -> String {
        format!("{}#{}", folder().join(format!("{}.json", self.name)).display(), self.pointer)
    }

    /// As it is told: `ls#/items/properties/path`.
    pub fn tell(&self) -> String {
        format!("{}#{}", self.name, self.pointer)
    }
}

/// What a schema promises at a place, each in a line: a property, a value of an enum, one type or form of several.
fn promises(place: &Place, schema: &Value) -> Vec<String> {
    let told = place.tell();
    let properties = keys(schema, "properties").map(|key| place.property(key).tell());
    let values = elements(schema, "enum").map(|value| format!("{told} = {value}"));
    let types = elements(schema, "type").map(|one| format!("{told} is {one}"));
    let forms =
        (0..elements(schema, "anyOf").count()).map(|no| place.below("anyOf").below(&no.to_string()).tell());
    properties.chain(values).chain(types).chain(forms).collect()
}

fn keys<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a String> {
    schema[keyword].as_object().into_iter().flat_map(|object| object.keys())
}

fn elements<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> {
    schema[keyword].as_array().into_iter().flatten()
}

/// Calls a function with each place of a schema at which a schema stands.
pub fn each_place(place: &Place, of: &mut dyn FnMut(&Place, &Value)) {
    let schema = place.schema();
    of(place, schema);
    for keyword in ["properties", "$defs"] {
        keys(schema, keyword).for_each(|key| each_place(&place.below(keyword).below(key), of));
    }
    (0..elements(schema, "anyOf").count())
        .for_each(|no| each_place(&place.below("anyOf").below(&no.to_string()), of));
    if schema["items"].is_object() {
        each_place(&place.below("items"), of);
    }
}

/// All that all schemas promise.
pub fn all_promises() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for name in names() {
        each_place(&Place::root(&name), &mut |place, schema| all.extend(promises(place, schema)));
    }
    all
}

/// Whether a property has a description: its own, or that of what it refers to.
pub fn is_described(place: &Place, schema: &Value) -> bool {
    let described = |reference: &str| {
        let referred = place.referred(reference);
        is_described(&referred, referred.schema())
    };
    schema["description"].is_string() || schema["$ref"].as_str().is_some_and(described)
}

/// The schemas, ready to be asked, and what of them documents have shown so far.
pub struct Checker {
    compiler: Compiler,
    schemas: Schemas,
    seen: BTreeSet<String>,
    /// How many documents there were.
    pub documents: usize,
    /// All that was not as it should be.
    pub problems: Vec<String>,
}

impl Checker {
    /// Of no documents yet.
    pub fn new() -> Checker {
        Checker {
            compiler: Compiler::new(),
            schemas: Schemas::new(),
            seen: BTreeSet::new(),
            documents: 0,
            problems: Vec::new(),
        }
    }

    /// Why a document is not what a schema says, if it is not.
    pub fn problem(&mut self, url: &str, document: &Value) -> Option<String> {
        let compiled = self.compiler.compile(url, &mut self.schemas);
        let schema = compiled.unwrap_or_else(|error| panic!("{url}: {error:#}"));
        self.schemas.validate(document, schema).err().map(|error| format!("{error:#}"))
    }

    /// Notes whether a document is what its schema says, and what it shows of that.
    pub fn check(&mut self, name: &str, document: &Value) {
        let root = Place::root(name);
        if let Some(problem) = self.problem(&root.url(), document) {
            self.problems.push(format!("{name}: {problem}\n{document:#}"));
        }
        self.documents += 1;
        self.note(&root, document);
    }

    fn note(&mut self, place: &Place, value: &Value) {
        let schema = place.schema();
        let told = place.tell();
        if let Some(reference) = schema["$ref"].as_str() {
            self.note(&place.referred(reference), value);
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            if schema["properties"][key].is_object() {
                let property = place.property(key);
                self.seen.insert(property.tell());
                self.note(&property, value);
            }
        }
        if schema["items"].is_object() {
            value.as_array().into_iter().flatten().for_each(|item| self.note(&place.below("items"), item));
        }
        if elements(schema, "enum").any(|one| one == value) {
            self.seen.insert(format!("{told} = {value}"));
        }
        for one in elements(schema, "type").filter(|one| is_of_type(value, one.as_str().unwrap())) {
            self.seen.insert(format!("{told} is {one}"));
        }
        for no in 0..elements(schema, "anyOf").count() {
            let form = place.below("anyOf").below(&no.to_string());
            if self.problem(&form.url(), value).is_none() {
                self.seen.insert(form.tell());
                self.note(&form, value);
            }
        }
    }

    /// What schemas promise and no document has shown.
    pub fn unseen(&self) -> BTreeSet<String> {
        all_promises().difference(&self.seen).cloned().collect()
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "object" => value.is_object(),
        name => panic!("no schema here has the type {name}"),
    }
}
