//! An image that an archive offers, before it is read: what it can be chosen by.

use std::fmt;

use crate::digest::Digest;

use super::platform::Platform;

/// The shortest prefix of an ID that chooses an image, in hex digits.
const MIN_ID: usize = 4;

/// An image that an archive offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its names.
    pub tags: Vec<String>,
    /// Its image ID: the digest of its configuration.
    pub id: Option<Digest>,
    /// The digest of its manifest.
    pub manifest: Option<Digest>,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// The name it stands under in the archive's index: images of one group differ by platform only.
    pub group: String,
}

impl Offer {
    /// Whether a tag or an ID, or its first digits, name it.
    pub fn matches(&self, wanted: &str) -> bool {
        let is_tag = self.tags.iter().any(|tag| tag == wanted || familiar(tag) == familiar(wanted));
        let hex = wanted.strip_prefix("sha256:").unwrap_or(wanted);
        let is_id = |id: &Option<Digest>| id.as_ref().is_some_and(|id| id.hex().starts_with(hex));
        is_tag || hex.len() >= MIN_ID && (is_id(&self.id) || is_id(&self.manifest))
    }

    /// How well the image fits a platform; one that names none fits any.
    pub fn fit(&self, wanted: &Platform) -> Option<u8> {
        self.platform.as_ref().map_or(Some(0), |platform| platform.fit(wanted))
    }
}

/// Images that a listing names; nobody reads more.
const MAX_LISTED: usize = 100;

/// Images, one a line, by what chooses each.
pub struct Listing<'a>(pub &'a [Offer]);

impl Listing<'_> {
    /// An image's ID; where another image has the same, its manifest's digest.
    fn digest<'a>(&self, offer: &'a Offer) -> Option<&'a Digest> {
        let (id, manifest) = (offer.id.as_ref(), offer.manifest.as_ref());
        let is_only_one = self.0.iter().filter(|other| other.id == offer.id).count() == 1;
        if is_only_one { id.or(manifest) } else { manifest.or(id) }
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, offer) in self.0.iter().take(MAX_LISTED).enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "  {}", self.digest(offer).map_or("-", Digest::short))?;
            if let Some(platform) = &offer.platform {
                write!(f, "  {platform}")?;
            }
            for tag in &offer.tags {
                write!(f, "  {}", tag.escape_debug())?;
            }
        }
        match self.0.len().saturating_sub(MAX_LISTED) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// A name as `docker images` shows it: without Docker's own registry, with a tag.
fn familiar(name: &str) -> String {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') || name.contains('@') { name.to_owned() } else { format!("{name}:latest") }
}
