//! OCI image layouts: as archives, as directories, with indexes in indexes and with much missing.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Files, config, gzip, inspect, peelfs_in, refused, sha256, shown, stdout, zstd};
use crate::support::layer;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A layout in the making.
#[derive(Default)]
pub struct Layout(Files);

impl Layout {
    /// Adds a blob; gives its descriptor.
    pub fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let path = format!("blobs/sha256/{}", sha256(bytes));
        if !self.0.0.iter().any(|(known, _)| *known == path) {
            self.0.add(&path, bytes);
        }
        json!({ "mediaType": media_type, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() })
    }

    fn json(&mut self, media_type: &str, value: &Value) -> Value {
        self.blob(media_type, value.to_string().as_bytes())
    }

    /// Adds a manifest of a configuration and layers that have been added.
    fn manifest(&mut self, config: &Value, layers: &[Value]) -> Value {
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        self.json(MANIFEST, &manifest)
    }

    /// Adds an image of uncompressed layers, base first.
    pub fn image(&mut self, layers: &[&[u8]]) -> Value {
        let config = self.json(CONFIG, &config(layers));
        let layers: Vec<Value> = layers.iter().map(|layer| self.blob(LAYER, layer)).collect();
        self.manifest(&config, &layers)
    }

    fn index(&mut self, manifests: &[Value]) -> Value {
        self.json(INDEX, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }))
    }

    /// The layout with its index.
    pub fn finish(mut self, manifests: Vec<Value>) -> Files {
        self.0.add_json("oci-layout", &json!({ "imageLayoutVersion": "1.0.0" }));
        self.0.add_json("index.json", &json!({ "schemaVersion": 2, "manifests": manifests }));
        self.0
    }
}

/// The layout as `image`, an archive, and as `unpacked`, a directory.
fn write(files: &Files) -> TempDir {
    let dir = TempDir::new().unwrap();
    files.write_tar(&dir.path().join("image"));
    files.write_dir(&dir.path().join("unpacked"));
    dir
}

fn tar(line: &str) -> Vec<u8> {
    layer(line).finish()
}

fn for_platform(mut descriptor: Value, os: &str, architecture: &str) -> Value {
    descriptor["platform"] = json!({ "os": os, "architecture": architecture });
    descriptor
}

fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    descriptor
}

/// The name that Go has for this machine.
fn host() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[test]
fn an_archive_and_a_directory_show_the_same() {
    let mut layout = Layout::default();
    let image = layout.image(&[&tar("d/ d/a=1 d/b=2"), &tar("d/.wh.a c=3")]);
    let dir = write(&layout.finish(vec![named(image, "1.0")]));
    for image in ["image", "unpacked"] {
        assert_eq!(shown(dir.path(), image), "c=3 d/ d/b=2", "{image}");
        let inspected = inspect(dir.path(), image);
        assert_eq!((&inspected["format"], &inspected["tags"]), (&json!("OCI layout"), &json!(["1.0"])));
        stdout(dir.path(), &format!("verify {image}"));
    }
}

#[test]
fn layers_are_what_their_bytes_are_whatever_their_media_type_says() {
    let layers = [tar("a=1"), tar("b=2"), tar("c=3"), tar("d=4")];
    let mut layout = Layout::default();
    let config = layout.json(CONFIG, &config(&layers.each_ref().map(Vec::as_slice)));
    let stored = [
        layout.blob(&format!("{LAYER}+zstd"), &gzip(&layers[0])),
        layout.blob(&format!("{LAYER}+gzip"), &zstd(&layers[1])),
        layout.blob(&format!("{LAYER}+gzip"), &layers[2]),
        layout.blob("application/vnd.docker.image.rootfs.diff.tar.gzip", &gzip(&layers[3])),
    ];
    let image = layout.manifest(&config, &stored);
    let dir = write(&layout.finish(vec![image]));
    for image in ["image", "unpacked"] {
        assert_eq!(shown(dir.path(), image), "a=1 b=2 c=3 d=4", "{image}");
        stdout(dir.path(), &format!("verify {image}"));
    }
}

#[test]
fn dockers_media_types_are_read_alike() {
    let tar = tar("a=1");
    let mut layout = Layout::default();
    let config = layout.json("application/vnd.docker.container.image.v1+json", &config(&[&tar]));
    let layer = layout.blob("application/vnd.docker.image.rootfs.diff.tar.gzip", &gzip(&tar));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": config, "layers": [layer],
    });
    let manifest = layout.json("application/vnd.docker.distribution.manifest.v2+json", &manifest);
    let list = json!({ "schemaVersion": 2, "manifests": [for_platform(manifest, "linux", host())] });
    let list = layout.json("application/vnd.docker.distribution.manifest.list.v2+json", &list);
    assert_eq!(shown(write(&layout.finish(vec![list])).path(), "image"), "a=1");
}

#[test]
fn the_same_blob_may_be_several_layers() {
    let (once, twice, gone) = (tar("c=3"), tar("a=1 b=2"), tar(".wh.a .wh.b"));
    let mut layout = Layout::default();
    let image = layout.image(&[&twice, &gone, &twice, &once, &twice]);
    let dir = write(&layout.finish(vec![image]));
    for image in ["image", "unpacked"] {
        assert_eq!(shown(dir.path(), image), "a=1 b=2 c=3", "{image}");
        assert_eq!(inspect(dir.path(), image)["layers"].as_array().unwrap().len(), 5);
    }
}

#[test]
fn a_layout_without_its_marker_is_a_layout() {
    let mut layout = Layout::default();
    let image = layout.image(&[&tar("a=1")]);
    let mut files = layout.finish(vec![image]);
    files.remove("oci-layout");
    let dir = write(&files);
    assert_eq!(shown(dir.path(), "image"), "a=1");
    assert_eq!(shown(dir.path(), "unpacked"), "a=1");
}

#[test]
fn indexes_nest() {
    let mut layout = Layout::default();
    let image = layout.image(&[&tar("a=1")]);
    let other = layout.image(&[&tar("a=2")]);
    let platforms = [for_platform(image, "linux", host()), for_platform(other, "plan9", "mips")];
    let inner = layout.index(&platforms);
    let middle = layout.index(&[inner]);
    let outer = layout.index(&[middle]);
    let dir = write(&layout.finish(vec![named(outer, "deep")]));
    assert_eq!(shown(dir.path(), "image"), "a=1");
    assert_eq!(shown(dir.path(), "--platform plan9/mips image"), "a=2");
    assert_eq!(inspect(dir.path(), "image")["tags"], json!(["deep"]));
}

#[test]
fn indexes_that_nest_without_end_are_an_error() {
    let mut layout = Layout::default();
    let mut index = layout.image(&[&tar("a=1")]);
    for _ in 0..20 {
        index = layout.index(&[index]);
    }
    let said = refused(write(&layout.finish(vec![index])).path(), "image");
    assert!(said.ends_with("indexes nested without end"), "{said}");
}

#[test]
fn an_index_that_is_named_many_times_is_read_once() {
    let mut layout = Layout::default();
    let image = layout.image(&[&tar("a=1")]);
    let mut index = json!({ "schemaVersion": 2, "manifests": [image] });
    // Read each time, this would be 4 GiB of JSON.
    index["annotations"] = json!({ "large": "x".repeat(4 << 20) });
    let index = layout.json(INDEX, &index);
    let dir = write(&layout.finish(vec![index; 1000]));
    assert_eq!(shown(dir.path(), "image"), "a=1");
}

/// An image for this machine, for two others, and what buildx adds to each.
fn multi_platform() -> Files {
    let mut layout = Layout::default();
    let mut manifests = Vec::new();
    for (no, (os, architecture, variant)) in [
        ("linux", "s390x", None),
        ("linux", host(), None),
        ("linux", "arm", Some("v6")),
        ("linux", "arm", Some("v7")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut image = for_platform(layout.image(&[&tar(&format!("a={no}"))]), os, architecture);
        if let Some(variant) = variant {
            image["platform"]["variant"] = variant.into();
        }
        let statement = layout.blob("application/vnd.in-toto+json", format!("{{\"{no}\":0}}").as_bytes());
        let config = layout.json(CONFIG, &json!({ "os": "unknown", "architecture": "unknown", "no": no }));
        let attestation = layout.manifest(&config, &[statement]);
        let mut attestation = for_platform(attestation, "unknown", "unknown");
        attestation["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"],
        });
        manifests.extend([image, attestation]);
    }
    let index = layout.index(&manifests);
    layout.finish(vec![named(index, "app:1")])
}

#[test]
fn the_platform_is_this_machines_unless_another_is_asked_for() {
    let dir = write(&multi_platform());
    for (options, tree) in [
        ("", "a=1"),
        ("--platform linux/s390x", "a=0"),
        ("--platform linux/arm/v6", "a=2"),
        ("--platform linux/arm/v7", "a=3"),
        ("--platform linux/arm", "a=3"),
        ("--image app:1 --platform linux/s390x", "a=0"),
    ] {
        assert_eq!(shown(dir.path(), &format!("{options} image")), tree, "{options}");
    }
    let said = refused(dir.path(), "--platform linux/riscv64 image");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "image: no image for linux/riscv64; there are:");
    // Attestations are no images.
    assert_eq!(lines.len(), 5, "{said}");
    assert!(!said.contains("unknown"), "{said}");
}

#[test]
fn other_artifacts_beside_an_image_are_passed_over() {
    let mut layout = Layout::default();
    let image = layout.image(&[&tar("a=1")]);
    let signature = layout.blob("application/vnd.dev.cosign.simplesigning.v1+json", b"{}");
    let config = layout.json(CONFIG, &json!({}));
    let signed = layout.manifest(&config, &[signature]);
    let chart = layout.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"chart");
    let helm = layout.json("application/vnd.cncf.helm.config.v1+json", &json!({ "name": "chart" }));
    let helm = layout.manifest(&helm, &[chart]);
    let dir = write(&layout.finish(vec![named(signed, "sig"), named(image, "app:1"), named(helm, "chart")]));
    assert_eq!(shown(dir.path(), "image"), "a=1");
}

#[test]
fn a_layout_with_no_image_says_so() {
    let mut layout = Layout::default();
    let chart = layout.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"chart");
    let config = layout.json("application/vnd.cncf.helm.config.v1+json", &json!({}));
    let helm = layout.manifest(&config, &[chart]);
    for manifests in [vec![helm], vec![]] {
        let mut files = Layout::default().finish(manifests);
        files.0.extend(layout.0.0.iter().filter(|_| true).cloned());
        assert_eq!(refused(write(&files).path(), "image"), "image: an image archive with no image in it");
    }
}

#[test]
fn what_is_missing_is_named() {
    let (base, top) = (tar("a=1"), tar("b=2"));
    let mut layout = Layout::default();
    let image = layout.image(&[&base, &top]);
    let manifest = image["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
    let whole = layout.finish(vec![for_platform(image, "linux", host())]);
    let config = sha256(config(&[&base, &top]).to_string().as_bytes());
    let top = sha256(&top);
    let of = format!("image: blobs/sha256/{manifest}");
    let platform = format!("linux/{}", host());
    for (blob, said) in [
        (&top, format!("{of}: layer 1 of 2 (sha256:{top}) is not in the archive")),
        (&config, format!("{of}: the configuration sha256:{config} is not in the archive")),
        (
            &manifest,
            format!("image: index.json: the image for {platform} (sha256:{manifest}) is not in the archive"),
        ),
    ] {
        let mut files = whole.clone();
        files.remove(&format!("blobs/sha256/{blob}"));
        let dir = write(&files);
        assert_eq!(refused(dir.path(), "image"), said);
        assert_eq!(refused(dir.path(), "unpacked"), said.replacen("image", "unpacked", 1));
    }
}

#[test]
fn a_platform_whose_manifest_is_not_there_is_named_and_the_others_open() {
    // What `docker save` writes of an image that was pulled for one platform.
    let mut layout = Layout::default();
    let here = for_platform(layout.image(&[&tar("a=1")]), "linux", "s390x");
    let absent =
        json!({ "mediaType": MANIFEST, "digest": format!("sha256:{}", sha256(b"absent")), "size": 1 });
    let index = layout.index(&[for_platform(absent, "linux", "ppc64le"), here]);
    let dir = write(&layout.finish(vec![index]));
    assert_eq!(shown(dir.path(), "image"), "a=1");
    let said = refused(dir.path(), "--platform linux/ppc64le image");
    let digest = sha256(b"absent");
    assert_eq!(
        said,
        format!("image: index.json: the image for linux/ppc64le (sha256:{digest}) is not in the archive")
    );
}

#[test]
fn a_non_distributable_layer_that_is_not_there_is_named_with_its_source() {
    for (urls, hint) in [
        (json!(["https://example.com/base"]), "has to be fetched from https://example.com/base"),
        (json!(null), "has to be fetched from its vendor"),
    ] {
        let (base, top) = (tar("a=1"), tar("b=2"));
        let mut layout = Layout::default();
        let config = layout.json(CONFIG, &config(&[&base, &top]));
        let digest = format!("sha256:{}", sha256(&base));
        let foreign = json!({
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "digest": digest, "size": base.len(), "urls": urls,
        });
        let top = layout.blob(LAYER, &top);
        let image = layout.manifest(&config, &[foreign, top]);
        let said = refused(write(&layout.finish(vec![image])).path(), "image");
        assert!(said.contains(&format!("layer 0 of 2 ({digest}) is not in the archive")), "{said}");
        assert!(said.ends_with(&format!("; it is non-distributable and {hint}")), "{said}");
    }
}

#[test]
fn a_manifest_of_dockers_first_schema_is_refused_by_name() {
    let mut layout = Layout::default();
    let schema1 = json!({ "schemaVersion": 1, "name": "x", "fsLayers": [{ "blobSum": "sha256:0" }] });
    let image = layout.json("application/vnd.docker.distribution.manifest.v1+prettyjws", &schema1);
    let said = refused(write(&layout.finish(vec![image])).path(), "image");
    assert!(said.ends_with("a Docker schema 1 manifest"), "{said}");
}

#[test]
fn a_descriptor_that_leads_out_of_the_layout_is_refused() {
    for digest in ["sha256:../../../etc/passwd", "../x", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:ab"]
    {
        let descriptor = json!({ "mediaType": MANIFEST, "digest": digest, "size": 1 });
        let dir = write(&Layout::default().finish(vec![descriptor]));
        let said = refused(dir.path(), "image");
        assert!(said.starts_with("image: index.json: ") && said.contains(digest), "{said}");
    }
}

#[test]
fn a_root_file_system_with_an_index_json_of_its_own_is_a_layer() {
    for index in ["{\"manifests\": []}", "{\"pages\": 3}", "[]", "x"] {
        let dir = TempDir::new().unwrap();
        let tar = layer("etc/ etc/os-release=x").file("index.json", index.as_bytes());
        std::fs::write(dir.path().join("rootfs"), tar.finish()).unwrap();
        assert!(shown(dir.path(), "rootfs").starts_with("etc/ etc/os-release=x index.json="), "{index}");
    }
}

#[test]
fn a_layout_without_its_index_is_shown_as_a_layer_with_a_warning() {
    let mut layout = Layout::default();
    let image = layout.image(&[&tar("a=1")]);
    let mut files = layout.finish(vec![image]);
    files.remove("index.json");
    for name in ["image", "unpacked"] {
        let output = peelfs_in(write(&files).path(), &format!("ls {name}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"blobs\noci-layout\n"[..]));
        let warning = "shown as a layer, though it looks like an OCI layout: no index.json";
        assert_eq!(said, format!("peelfs: warning: {name}: {warning}\n"));
    }
}
