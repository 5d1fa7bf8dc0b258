//! Which machine an image is for (image-spec, image-index.md, "platform").

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// An operating system and an architecture, as Go names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …
    #[serde(default)]
    pub os: String,
    /// `amd64`, `arm64`, …
    #[serde(default)]
    pub architecture: String,
    /// `v7`, `v8`, …
    #[serde(default)]
    pub variant: Option<String>,
}

/// Why a text names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform (os/arch[/variant], for example linux/arm64)")]
pub struct BadPlatform(String);

impl Platform {
    /// What this machine runs.
    pub fn host() -> Platform {
        let (architecture, variant) = normalize(std::env::consts::ARCH, None);
        Platform { os: std::env::consts::OS.to_owned(), architecture, variant }
    }

    /// How well an image for this platform serves who asked for `wanted`; `None` if not at all.
    ///
    /// A variant that only one side names fits less well than one that both do.
    pub fn fit(&self, wanted: &Platform) -> Option<u8> {
        let (own_arch, own) = normalize(&self.architecture, self.variant.as_deref());
        let (wanted_arch, asked) = normalize(&wanted.architecture, wanted.variant.as_deref());
        if self.os != wanted.os || own_arch != wanted_arch {
            return None;
        }
        match (own, asked) {
            (own, asked) if own == asked => Some(2),
            (None, Some(_)) | (Some(_), None) => Some(1),
            _ => None,
        }
    }

    /// Whether it is `unknown/unknown`, as attestations have it, or says nothing.
    pub fn is_unknown(&self) -> bool {
        matches!(self.os.as_str(), "" | "unknown") && matches!(self.architecture.as_str(), "" | "unknown")
    }
}

/// Go's name of an architecture, and its variant where it is not the default one.
fn normalize(architecture: &str, variant: Option<&str>) -> (String, Option<String>) {
    let architecture = match architecture {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" | "i686" => "386",
        "armhf" | "armel" => "arm",
        "powerpc64le" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    };
    let variant = match (architecture, variant) {
        ("arm64", Some("v8" | "8")) | ("amd64", Some("v1")) | (_, Some("")) => None,
        ("arm", None) => Some("v7"),
        (_, variant) => variant,
    };
    (architecture.to_owned(), variant.map(str::to_owned))
}

impl FromStr for Platform {
    type Err = BadPlatform;

    fn from_str(text: &str) -> Result<Platform, BadPlatform> {
        let mut parts = text.split('/');
        let (os, architecture, variant) = (parts.next(), parts.next(), parts.next());
        match (os, architecture, parts.next()) {
            (Some(os), Some(architecture), None) if !os.is_empty() && !architecture.is_empty() => {
                Ok(Platform {
                    os: os.to_owned(),
                    architecture: architecture.to_owned(),
                    variant: variant.map(str::to_owned),
                })
            }
            _ => Err(BadPlatform(text.to_owned())),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            Some(variant) if !variant.is_empty() => write!(f, "/{variant}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_fits_by_its_normal_names() {
        let fit = |own: &str, wanted: &str| {
            own.parse::<Platform>().unwrap().fit(&wanted.parse::<Platform>().unwrap())
        };
        assert_eq!(fit("linux/amd64", "linux/x86_64"), Some(2));
        assert_eq!(fit("linux/arm64/v8", "linux/arm64"), Some(2));
        assert_eq!(fit("linux/arm/v7", "linux/arm"), Some(2));
        assert_eq!(fit("linux/arm/v6", "linux/arm/v7"), None);
        assert_eq!(fit("linux/amd64/v3", "linux/amd64"), Some(1));
        assert_eq!(fit("windows/amd64", "linux/amd64"), None);
        assert!("linux".parse::<Platform>().is_err());
        assert!("linux/arm/v7/x".parse::<Platform>().is_err());
    }
}
