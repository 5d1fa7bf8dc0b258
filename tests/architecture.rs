//! The order of modules is a test: each uses only what stands before it in `src/lib.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(&path)),
            false if path.extension().is_some_and(|end| end == "rs") => files.push(path),
            false => {}
        }
    }
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order of `lib.rs`, lowest first.
fn modules() -> Vec<String> {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// The module that a file belongs to.
fn module_of(file: &Path) -> String {
    let relative = file.strip_prefix(src()).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Each file that belongs to a module, with the module and the code without comments.
fn files() -> impl Iterator<Item = (PathBuf, String, String)> {
    sources(&src()).into_iter().filter_map(|file| {
        let module = module_of(&file);
        let text = fs::read_to_string(&file).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (!matches!(module.as_str(), "lib" | "main")).then(|| (file, module, code.join("\n")))
    })
}

#[test]
fn a_module_uses_only_what_stands_before_it() {
    let order = modules();
    assert!(order.len() > 10, "{order:?}");
    let place = |module: &str| order.iter().position(|other| other == module);
    let mut wrong = BTreeSet::new();
    for (file, module, code) in files() {
        let own = place(&module).unwrap_or_else(|| panic!("{module} is not in lib.rs"));
        for used in code.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // `use crate::{a, b}` would hide from this test.
            assert!(!used.is_empty(), "{}: name each module of `crate::` on its own", file.display());
            let used_place = place(&used).unwrap_or_else(|| panic!("{}: crate::{used}", file.display()));
            if used_place > own {
                wrong.insert(format!("{module} uses {used} ({})", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_fuse_names_fuser_and_only_sys_is_unsafe() {
    for (file, module, code) in files() {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(module == "fuse" || !code.contains("fuser::"), "{}", file.display());
        assert!(name == "sys.rs" || !code.contains("unsafe "), "{}", file.display());
    }
}

#[test]
fn the_union_knows_neither_errno_nor_tar_nor_io() {
    for (file, module, code) in files() {
        if module == "union" {
            for word in ["std::io", "std::fs", "libc", "rustix", "tar::", ".wh."] {
                assert!(!code.contains(word), "{} names {word}", file.display());
            }
        }
    }
}

#[test]
fn only_cli_writes_to_stdout() {
    for (file, module, code) in files() {
        let is_output = file.ends_with("cli/output.rs");
        assert!(is_output || !code.contains("stdout()"), "{}", file.display());
        assert!(module == "cli" || !code.contains("stderr()"), "{}", file.display());
    }
}

#[test]
fn files_hold_one_concept() {
    for (file, _, _) in files() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 500, "{} has {lines} lines: would two rooms be better?", file.display());
    }
}
