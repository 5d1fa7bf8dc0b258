//! Names that a name which nobody has may have been meant for.

use crate::stack::Stack;
use crate::union::{Explanation, Node};

use super::Error;
use super::over::Over;

/// Names of a directory that are looked at: more would be felt.
const MAX_LISTED: usize = 100_000;

/// Characters of a name that is compared letter by letter: longer ones would be felt.
const MAX_LETTERS: usize = 64;

/// Pairs of letters that are compared in all, a few tenths of a second of work.
const MAX_PAIRS: usize = 20_000_000;

/// Names that are told.
const MAX_TOLD: usize = 5;

/// Paths beside the first component that is not there, the likeliest first; at most five.
pub(super) fn near(
    stack: &Stack,
    explanation: &Explanation,
    over: Option<&Over<'_>>,
) -> Result<Vec<Vec<u8>>, Error> {
    let Some(gone) = explanation.steps.iter().position(|step| step.node.is_none()) else {
        return Ok(Vec::new());
    };
    let above = gone.checked_sub(1).and_then(|above| explanation.steps.get(above));
    let wanted =
        explanation.steps.get(gone).and_then(|step| step.path.components().last().map(<[u8]>::to_vec));
    let (Some(above), Some(wanted)) = (above, wanted) else { return Ok(Vec::new()) };
    let Some(Node::Dir(dir)) = &above.node else { return Ok(Vec::new()) };
    let mut found: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut pairs = 0_usize;
    let mut consider = |name: &[u8]| {
        if pairs < MAX_PAIRS
            && let Some(distance) = distance(&wanted, name, &mut pairs)
        {
            found.push((distance, name.to_vec()));
        }
    };
    match over {
        Some(over) => {
            let listed = over.view().list(&over.deepest)?;
            listed.iter().take(MAX_LISTED).for_each(|(name, _)| consider(name));
        }
        None => {
            for listed in stack.union.list(dir)?.take(MAX_LISTED) {
                consider(listed?.name);
            }
        }
    }
    found.sort();
    found.truncate(MAX_TOLD);
    Ok(found.into_iter().map(|(_, name)| above.path.join(&name).as_bytes().to_vec()).collect())
}

/// How far a name is from the one that was wanted; `None` if nobody would take one for the other. Adds the pairs of
/// letters that it took to find out.
fn distance(wanted: &[u8], name: &[u8], pairs: &mut usize) -> Option<usize> {
    let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
    let (wanted, name) = (lower(wanted), lower(name));
    let longest = wanted.chars().count().max(1);
    if longest > 2 && (name.starts_with(&wanted) || name.ends_with(&wanted)) {
        return Some(1);
    }
    let (letters, most) = (name.chars().count(), longest.div_ceil(3));
    // What is longer or shorter by more is further, too.
    if longest > MAX_LETTERS || letters.abs_diff(longest) > most {
        return None;
    }
    *pairs = pairs.saturating_add(longest * letters);
    let distance = strsim::damerau_levenshtein(&wanted, &name);
    (distance <= most).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_near_and_other_names_are_not() {
        for (wanted, name, is_near) in [
            ("mtod", "motd", true),
            ("Passwd", "passwd", true),
            ("nginx", "nginx.conf", true),
            ("python", "python3", true),
            ("passwd", "shadow", false),
            ("a", "b", true),
            ("ab", "xyz", false),
            ("hosts", "hostname", false),
        ] {
            let distance = distance(wanted.as_bytes(), name.as_bytes(), &mut 0);
            assert_eq!(distance.is_some(), is_near, "{wanted} {name}");
        }
    }
}
