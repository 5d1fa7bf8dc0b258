//! Random stacks that every unpacker takes alike.

use super::naive;
use super::stacks::{Member, Stack, What};

impl Stack {
    /// Without members that GNU tar refuses or takes in its own way.
    pub fn unpackable(self) -> Stack {
        Stack(self.0.into_iter().map(unpackable_members).collect())
    }

    /// With a member for every directory that a layer only implies: its attributes are what unpackers
    /// disagree on (S4).
    pub fn explicit(self) -> Stack {
        Stack(self.0.into_iter().map(explicit_members).collect())
    }

    /// Without hard links.
    pub fn without_links(mut self) -> Stack {
        self.0.iter_mut().for_each(|members| members.retain(|member| !matches!(member.what, What::Link(_))));
        self
    }
}

fn unpackable_members(members: Vec<Member>) -> Vec<Member> {
    let mut layer = naive::Layer::new();
    let mut kept = Vec::new();
    for mut member in members {
        let mut next = layer.clone();
        if next.add(&member).is_err() || next.is_disputed || is_odd_marker(&member) {
            continue;
        }
        // GNU tar knows a directory again only by the name it had before.
        member.name = naive::clean(&member.name).unwrap().join("/");
        if member.name.is_empty() {
            member.name.push('.');
        }
        layer = next;
        kept.push(member);
    }
    kept
}

/// A marker that is a link, perhaps to what is not there.
fn is_odd_marker(member: &Member) -> bool {
    let name = member.name.rsplit('/').next().unwrap();
    name.starts_with(".wh.") && matches!(member.what, What::Link(_) | What::Symlink(_))
}

fn explicit_members(mut members: Vec<Member>) -> Vec<Member> {
    let mut layer = naive::Layer::new();
    for member in &members {
        let _rejected = layer.add(member);
    }
    // Last: over a directory that is there, a directory only gives attributes (S3).
    let directory = |name: &str| Member { name: name.to_owned(), what: What::Directory, mode: None };
    members.extend(layer.implied().map(|path| directory(if path.is_empty() { "." } else { path })));
    members
}
