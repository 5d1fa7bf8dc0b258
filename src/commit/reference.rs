//! The name of an image, as Docker reads it: `[DOMAIN/]PATH[:TAG]`.

use std::fmt;
use std::str::FromStr;

/// Where an image is that says no domain.
const DEFAULT_DOMAIN: &str = "docker.io";

/// What stands before a path of one word there.
const OFFICIAL: &str = "library/";

/// The longest tag, in bytes.
const MAX_TAG: usize = 128;

/// A name with a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    domain: String,
    path: String,
    tag: String,
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of an image (for example app:2, or registry.example/team/app:2; lower case)")]
pub struct BadReference(String);

impl Reference {
    /// All of it: `docker.io/library/app:2`.
    pub fn full(&self) -> String {
        format!("{}/{}:{}", self.domain, self.path, self.tag)
    }

    /// As `docker images` shows it: `app:2`.
    pub fn familiar(&self) -> String {
        let path = match self.domain.as_str() {
            DEFAULT_DOMAIN => self.path.strip_prefix(OFFICIAL).unwrap_or(&self.path).to_owned(),
            domain => format!("{domain}/{}", self.path),
        };
        format!("{path}:{}", self.tag)
    }

    /// The tag alone.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl FromStr for Reference {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Reference, BadReference> {
        let bad = || BadReference(text.to_owned());
        let last = text.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match text.get(last..).and_then(|last| last.find(':')) {
            Some(colon) => text.split_at_checked(last + colon).ok_or_else(bad)?,
            None => (text, ":latest"),
        };
        let tag = tag.trim_start_matches(':');
        let (domain, path) = match name.split_once('/') {
            Some((domain, path)) if is_domain(domain) => (domain, path.to_owned()),
            _ if name.contains('/') => (DEFAULT_DOMAIN, name.to_owned()),
            _ => (DEFAULT_DOMAIN, format!("{OFFICIAL}{name}")),
        };
        if !path.split('/').all(is_component) || !is_tag(tag) {
            return Err(bad());
        }
        Ok(Reference { domain: domain.to_owned(), path, tag: tag.to_owned() })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.familiar())
    }
}

/// What tells a host from the first word of a path.
fn is_domain(word: &str) -> bool {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    (word.contains(['.', ':']) || word == "localhost") && word.chars().all(is_host)
}

fn is_component(word: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    word.starts_with(is_letter)
        && word.ends_with(is_letter)
        && word.chars().all(|c| is_letter(c) || matches!(c, '.' | '_' | '-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.starts_with(is_word)
        && tag.len() <= MAX_TAG
        && tag.chars().all(|c| is_word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (text, full, familiar) in [
            ("app", "docker.io/library/app:latest", "app:latest"),
            ("app:2", "docker.io/library/app:2", "app:2"),
            ("team/app:v1.0-rc_1", "docker.io/team/app:v1.0-rc_1", "team/app:v1.0-rc_1"),
            ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
            ("localhost:5000/app:2", "localhost:5000/app:2", "localhost:5000/app:2"),
            ("ghcr.io/a/b/c:x", "ghcr.io/a/b/c:x", "ghcr.io/a/b/c:x"),
            ("docker.io/library/app:2", "docker.io/library/app:2", "app:2"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!((reference.full(), reference.familiar()), (full.to_owned(), familiar.to_owned()));
        }
        for text in
            ["", ":2", "App", "app:", "a//b", "app:-x", "app@sha256:abc", "-a", "a b", "app:2:3", "/a"]
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
