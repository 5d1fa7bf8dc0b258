//! Shell patterns over bytes, as fnmatch(3) reads them without flags: `*` matches a slash, too.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: Vec<u8>,
    /// Whether letters of ASCII are one in both cases.
    folds: bool,
}

impl Glob {
    /// A pattern of `*`, `?`, `[a-z]`, `[!a-z]` and `\` before what stands for itself.
    pub fn new(pattern: &[u8]) -> Glob {
        Glob { pattern: pattern.to_vec(), folds: false }
    }

    /// The same for which `A` is `a`.
    pub fn ignoring_case(pattern: &[u8]) -> Glob {
        Glob { pattern: pattern.to_ascii_lowercase(), folds: true }
    }

    /// Whether all of a name matches. It takes the product of both lengths at most, whatever the pattern is.
    pub fn matches(&self, name: &[u8]) -> bool {
        let (mut pattern, mut rest) = (&*self.pattern, name);
        // What to go back to: behind the last star, and the name it has not swallowed yet.
        let mut star: Option<(&[u8], &[u8])> = None;
        loop {
            if let Some((b'*', behind)) = pattern.split_first() {
                (pattern, star) = (behind, Some((behind, rest)));
                continue;
            }
            let Some((&byte, left)) = rest.split_first() else { return pattern.is_empty() };
            let byte = if self.folds { byte.to_ascii_lowercase() } else { byte };
            match one(pattern, byte) {
                Some(behind) => (pattern, rest) = (behind, left),
                None => {
                    let Some((behind, from)) = star else { return false };
                    let Some((_, from)) = from.split_first() else { return false };
                    (pattern, rest, star) = (behind, from, Some((behind, from)));
                }
            }
        }
    }
}

/// What is left of a pattern whose first element matches a byte.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'\\', quoted, rest @ ..] => (*quoted == byte).then_some(rest),
        [b'[', set @ ..] => match in_set(set, byte) {
            Some((is_in, rest)) => is_in.then_some(rest),
            // A bracket that nothing closes stands for itself.
            None => (byte == b'[').then_some(set),
        },
        [own, rest @ ..] => (*own == byte).then_some(rest),
        [] => None,
    }
}

/// Whether a byte is in the set that begins here, and what stands behind it; `None` if it never ends.
fn in_set(set: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let (is_negated, mut set) = match set {
        [b'!' | b'^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let (mut is_in, mut is_first) = (false, true);
    loop {
        match set {
            [b']', rest @ ..] if !is_first => return Some((is_in != is_negated, rest)),
            [low, b'-', high, rest @ ..] if *high != b']' => {
                is_in |= (*low..=*high).contains(&byte);
                set = rest;
            }
            [own, rest @ ..] => {
                is_in |= *own == byte;
                set = rest;
            }
            [] => return None,
        }
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, matches) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf2", false),
            ("*", "", true),
            ("a*b*c", "a/b/xbxc", true),
            ("a*b*c", "acb", false),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]a]", "]", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("id_[rd]sa*", "id_rsa.pub", true),
        ] {
            assert_eq!(Glob::new(pattern.as_bytes()).matches(name.as_bytes()), matches, "{pattern} {name}");
        }
        assert!(Glob::ignoring_case(b"READ*").matches(b"readme"));
        assert!(!Glob::new(b"READ*").matches(b"readme"));
        assert!(!Glob::new(&b"*a".repeat(200)).matches(&vec![b'b'; 4000]));
    }
}
