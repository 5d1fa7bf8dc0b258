//! Which of an archive's images is meant.

use super::error::Error;
use super::offer::Offer;
use super::platform::Platform;

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// A tag, or an ID or its first digits.
    pub image: Option<String>,
    /// A platform; this machine's decides if an image comes for several.
    pub platform: Option<Platform>,
}

/// The place of the one image that is meant.
pub fn choose(place: &str, offers: &[Offer], choice: &Choice) -> Result<usize, Error> {
    if offers.is_empty() {
        return Err(Error::NoImage(place.to_owned()));
    }
    let named: Vec<usize> = match &choice.image {
        None => (0..offers.len()).collect(),
        Some(wanted) => all_where(offers, |offer| offer.matches(wanted)),
    };
    let list = |places: &[usize]| places.iter().filter_map(|&i| offers.get(i).cloned()).collect::<Vec<_>>();
    if let (Some(wanted), []) = (&choice.image, &*named) {
        let (place, wanted, offers) = (place.to_owned(), wanted.clone(), offers.to_vec());
        return Err(Error::NoSuchImage { place, wanted, offers });
    }
    if let (None, &[only]) = (&choice.platform, &*named) {
        return Ok(only);
    }
    let one_group = list(&named).windows(2).all(|pair| matches!(pair, [a, b] if a.group == b.group));
    if choice.platform.is_none() && !one_group {
        return Err(Error::Ambiguous { place: place.to_owned(), offers: list(&named) });
    }
    let wanted = choice.platform.clone().unwrap_or_else(Platform::host);
    let fits = |&i: &usize| offers.get(i).and_then(|offer| offer.fit(&wanted));
    let best = named.iter().filter_map(fits).max();
    let Some(best) = best else {
        let (place, wanted, asked) = (place.to_owned(), wanted.to_string(), choice.platform.is_some());
        return Err(Error::NoSuchPlatform { place, wanted, asked, offers: list(&named) });
    };
    let fitting: Vec<usize> = named.into_iter().filter(|i| fits(i) == Some(best)).collect();
    match *fitting {
        [only] => Ok(only),
        _ => Err(Error::Ambiguous { place: place.to_owned(), offers: list(&fitting) }),
    }
}

fn all_where(offers: &[Offer], predicate: impl Fn(&Offer) -> bool) -> Vec<usize> {
    offers.iter().enumerate().filter(|(_, offer)| predicate(offer)).map(|(i, _)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn offer(group: &str, platform: &str) -> Offer {
        Offer {
            tags: vec![group.to_owned()],
            id: Some(Digest::of(format!("{group}{platform}").as_bytes())),
            manifest: None,
            platform: Some(platform.parse().unwrap()),
            group: group.to_owned(),
        }
    }

    fn pick(offers: &[Offer], image: Option<&str>, platform: Option<&str>) -> Result<usize, Error> {
        let platform = platform.map(|platform| platform.parse().unwrap());
        choose("x.tar", offers, &Choice { image: image.map(str::to_owned), platform })
    }

    #[test]
    fn one_image_is_taken_whatever_its_platform() {
        assert_eq!(pick(&[offer("a:1", "plan9/mips")], None, None).unwrap(), 0);
        assert!(matches!(
            pick(&[offer("a:1", "plan9/mips")], None, Some("linux/amd64")),
            Err(Error::NoSuchPlatform { .. })
        ));
    }

    #[test]
    fn several_images_need_a_name() {
        let offers = [offer("a:1", "linux/amd64"), offer("docker.io/library/b:latest", "linux/amd64")];
        assert!(matches!(pick(&offers, None, None), Err(Error::Ambiguous { .. })));
        assert_eq!(pick(&offers, Some("a:1"), None).unwrap(), 0);
        assert_eq!(pick(&offers, Some("b"), None).unwrap(), 1);
        assert_eq!(pick(&offers, Some(&offers[1].id.as_ref().unwrap().hex()[..6]), None).unwrap(), 1);
        assert!(matches!(pick(&offers, Some("c"), None), Err(Error::NoSuchImage { .. })));
    }

    #[test]
    fn platforms_of_one_image_are_chosen_by_platform() {
        let offers = [offer("a:1", "linux/s390x"), offer("a:1", "linux/arm64/v8")];
        assert_eq!(pick(&offers, None, Some("linux/arm64")).unwrap(), 1);
        assert_eq!(pick(&offers, Some("a:1"), Some("linux/s390x")).unwrap(), 0);
        assert!(matches!(pick(&offers, None, Some("linux/riscv64")), Err(Error::NoSuchPlatform { .. })));
    }

    #[test]
    fn only_who_named_no_platform_is_told_that_one_can() {
        let offers = [offer("a:1", "plan9/mips"), offer("a:1", "plan9/arm")];
        for (asked, is_told) in [(None, true), (Some("linux/riscv64"), false)] {
            let error = pick(&offers, None, asked).unwrap_err().to_string();
            assert_eq!(error.contains("--platform"), is_told, "{error}");
            assert_eq!(error.matches("plan9/").count(), 2, "{error}");
        }
    }

    #[test]
    fn images_of_one_id_are_listed_by_their_manifests() {
        let manifests = [Digest::of(b"1"), Digest::of(b"2")];
        let offers = manifests.clone().map(|manifest| {
            let id = Some(Digest::of(b"config"));
            Offer { id, manifest: Some(manifest.clone()), ..offer(manifest.hex(), "linux/amd64") }
        });
        let error = pick(&offers, None, None).unwrap_err().to_string();
        for (no, manifest) in manifests.iter().enumerate() {
            assert!(error.contains(&format!("\n  {}  linux/amd64", manifest.short())), "{error}");
            assert_eq!(pick(&offers, Some(manifest.short()), None).unwrap(), no);
        }
    }
}
