//! find(1)'s own words, `-name`, `-type f`, and what they are as options here.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::Result;

/// Words of find(1), and the options that they are; those in the second table are no tests, or take no value.
const WORDS: [(&str, &str); 26] = [
    ("-name", "--name"),
    ("-iname", "--iname"),
    ("-path", "--path"),
    ("-wholename", "--path"),
    ("-type", "--type"),
    ("-size", "--size"),
    ("-newer", "--newer"),
    ("-newermt", "--newer"),
    ("-mtime", "--mtime"),
    ("-perm", "--perm"),
    ("-user", "--user"),
    ("-uid", "--uid"),
    ("-group", "--gid"),
    ("-gid", "--gid"),
    ("-layer", "--layer"),
    ("-xattr", "--xattr"),
    ("-empty", "--empty"),
    ("-maxdepth", "--max-depth"),
    ("-max-depth", "--max-depth"),
    ("-print0", "--null"),
    ("-ls", "--long"),
    ("-json", "--json"),
    ("-all-layers", "--all-layers"),
    ("-hidden", "--hidden"),
    ("-deleted", "--deleted"),
    ("-print", ""),
];

/// What find(1) has and this has not.
const UNKNOWN: [&str; 10] =
    ["!", "-not", "-o", "-or", "-exec", "-execdir", "-ok", "-delete", "-prune", "-regex"];

/// The command's line with options in the place of find(1)'s words. A word behind an option is its value.
pub fn with_options(args: Vec<OsString>) -> Result<Vec<OsString>> {
    // Before the verb stand options of all commands, of which one has a value.
    let is_value = |at: usize| args.get(at).is_some_and(|option| option == "--color");
    let mut words = args.iter().enumerate().skip(1);
    let verb = words.find(|(at, arg)| !arg.as_bytes().starts_with(b"-") && !is_value(at - 1));
    if verb.is_none_or(|(_, verb)| verb != "find") {
        return Ok(args);
    }
    let mut words = args.into_iter();
    let mut line: Vec<OsString> = Vec::new();
    while let Some(word) = words.next() {
        if word == "--" {
            line.push(word);
            line.extend(words);
            break;
        }
        if let Some(unknown) = UNKNOWN.iter().find(|unknown| word == **unknown) {
            return Err(
                format!("find: `{unknown}` of find(1) is not known here; `peelfs find --help`").into()
            );
        }
        match WORDS.iter().find(|(own, _)| word == *own) {
            Some((_, "")) => {}
            Some((_, option)) => line.push((*option).into()),
            None => {
                if let Some(meant) = misspelt(&word) {
                    return Err(format!("find: `{}`: no such test; similar: {meant}", word.display()).into());
                }
                line.push(word);
            }
        }
    }
    Ok(line)
}

/// The word of find(1) that was meant by one which is none, and no letters of options either.
fn misspelt(word: &OsStr) -> Option<&'static str> {
    let name = word.to_str()?.strip_prefix('-')?;
    let is_word = name.len() > 3 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if !is_word || name.starts_with('-') {
        return None;
    }
    let likeness = |own: &str| strsim::damerau_levenshtein(own, name);
    let nearest =
        WORDS.iter().filter_map(|(own, _)| own.strip_prefix('-').map(|name| (*own, likeness(name))));
    let (own, distance) = nearest.min_by_key(|(_, distance)| *distance)?;
    (distance <= 2).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_own_words_are_options() {
        let with = |line: &str| {
            let args = with_options(line.split(' ').map(OsString::from).collect());
            args.map(|args| args.join(std::ffi::OsStr::new(" ")).into_string().unwrap()).ok()
        };
        for (line, options) in [
            ("p find i /etc -name *.c -type f -size +1M", "p find i /etc --name *.c --type f --size +1M"),
            ("p -v find i -maxdepth 1 -print0", "p -v find i --max-depth 1 --null"),
            ("p --color always find i -name x", "p --color always find i --name x"),
            ("p find i -mtime -3 -print", "p find i --mtime -3"),
            ("p find i -l -- -name", "p find i -l -- -name"),
            ("p ls i -name", "p ls i -name"),
        ] {
            assert_eq!(with(line).as_deref(), Some(options));
        }
        assert_eq!(with("p find i -name a -o -name b"), None);
        for wrong in ["-nmae", "-naem", "-tpye", "-maxdept", "-all-layer"] {
            assert_eq!(with(&format!("p find i {wrong} x")), None, "{wrong}");
        }
    }
}
