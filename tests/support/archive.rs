//! Image archives for tests, written as their tools write them.

use peelfs::digest::Digest;
use tar::EntryType;

use super::Layer;

/// An image to be written: its layers base first, as they are to be stored.
pub struct Written {
    pub tag: &'static str,
    pub platform: (&'static str, &'static str),
    /// Uncompressed tars.
    pub layers: Vec<Vec<u8>>,
    /// How each layer is stored.
    pub store: fn(&[u8]) -> Vec<u8>,
}

impl Written {
    pub fn new(tag: &'static str, layers: impl IntoIterator<Item = Layer>) -> Written {
        let layers = layers.into_iter().map(Layer::finish).collect();
        Written { tag, platform: ("linux", "amd64"), layers, store: <[u8]>::to_vec }
    }

    /// The configuration, with one history step for each layer and an empty one behind them.
    pub fn config(&self) -> Vec<u8> {
        let diff_ids: Vec<String> =
            self.layers.iter().map(|layer| format!("\"{}\"", Digest::of(layer))).collect();
        let steps = (0..self.layers.len()).map(|no| format!("{{\"created_by\":\"step {no}\"}}"));
        let history: Vec<String> =
            steps.chain(["{\"created_by\":\"CMD\",\"empty_layer\":true}".to_owned()]).collect();
        let (os, architecture) = self.platform;
        format!(
            "{{\"os\":\"{os}\",\"architecture\":\"{architecture}\",\"created\":\"2024-01-02T03:04:05Z\",\
             \"config\":{{\"Cmd\":[\"sh\"]}},\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{}]}},\"history\":[{}]}}",
            diff_ids.join(","),
            history.join(",")
        )
        .into_bytes()
    }

    fn stored(&self) -> Vec<Vec<u8>> {
        self.layers.iter().map(|layer| (self.store)(layer)).collect()
    }
}

/// `docker save` of version 1.10 to 24: `manifest.json`, layers by ID.
pub fn docker(images: &[Written]) -> Vec<u8> {
    let mut archive = Layer::new();
    let mut items = Vec::new();
    for image in images {
        let config = format!("{}.json", Digest::of(&image.config()).hex());
        archive = archive.long(EntryType::Regular, config.as_bytes(), &image.config());
        let mut paths = Vec::new();
        for layer in image.stored() {
            let id = Digest::of(&layer).hex().to_owned();
            archive = archive.long(EntryType::Directory, format!("{id}/").as_bytes(), b"");
            archive = archive.long(EntryType::Regular, format!("{id}/VERSION").as_bytes(), b"1.0");
            archive = archive.long(EntryType::Regular, format!("{id}/layer.tar").as_bytes(), &layer);
            paths.push(format!("\"{id}/layer.tar\""));
        }
        let (tag, paths) = (image.tag, paths.join(","));
        items.push(format!("{{\"Config\":\"{config}\",\"RepoTags\":[\"{tag}\"],\"Layers\":[{paths}]}}"));
    }
    archive.file("manifest.json", format!("[{}]", items.join(",")).as_bytes()).finish()
}

/// An OCI archive; images of one tag go into an index of their own.
pub fn oci(images: &[Written]) -> Vec<u8> {
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    let mut add = |blob: Vec<u8>, media_type: &str| {
        let descriptor = format!(
            "\"mediaType\":\"{media_type}\",\"digest\":\"{}\",\"size\":{}",
            Digest::of(&blob),
            blob.len()
        );
        if !blobs.contains(&blob) {
            blobs.push(blob);
        }
        descriptor
    };
    let mut tags: Vec<(&str, Vec<String>)> = Vec::new();
    for image in images {
        let config = add(image.config(), "application/vnd.oci.image.config.v1+json");
        let layers = image
            .stored()
            .into_iter()
            .map(|layer| format!("{{{}}}", add(layer, "application/vnd.oci.image.layer.v1.tar")));
        let layers: Vec<String> = layers.collect();
        let manifest =
            format!("{{\"schemaVersion\":2,\"config\":{{{config}}},\"layers\":[{}]}}", layers.join(","));
        let manifest = add(manifest.into_bytes(), "application/vnd.oci.image.manifest.v1+json");
        let (os, architecture) = image.platform;
        let platform = format!("\"platform\":{{\"os\":\"{os}\",\"architecture\":\"{architecture}\"}}");
        let descriptor = format!("{manifest},{platform}");
        match tags.iter_mut().find(|(tag, _)| *tag == image.tag) {
            Some((_, descriptors)) => descriptors.push(descriptor),
            None => tags.push((image.tag, vec![descriptor])),
        }
    }
    let mut top = Vec::new();
    for (tag, descriptors) in tags {
        let descriptor = match &*descriptors {
            [one] => one.clone(),
            many => {
                let index = format!("{{\"schemaVersion\":2,\"manifests\":[{{{}}}]}}", many.join("},{"));
                add(index.into_bytes(), "application/vnd.oci.image.index.v1+json")
            }
        };
        top.push(format!(
            "{{{descriptor},\"annotations\":{{\"org.opencontainers.image.ref.name\":\"{tag}\"}}}}"
        ));
    }
    let index = format!("{{\"schemaVersion\":2,\"manifests\":[{}]}}", top.join(","));
    let layout = Layer::new()
        .file("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}")
        .file("index.json", index.as_bytes());
    let archive = blobs.iter().fold(layout, |archive, blob| {
        archive.long(EntryType::Regular, format!("blobs/sha256/{}", Digest::of(blob).hex()).as_bytes(), blob)
    });
    archive.finish()
}
