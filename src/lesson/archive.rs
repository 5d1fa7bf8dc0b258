//! A lesson's image as an archive that Docker loads: its layers by plain names, and two lists in JSON.
//!
//! The same bytes on every machine, so that a lesson can say what will be seen.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commit::{Body, LayerTar, Member};
use crate::digest::{DiffId, Digest};
use crate::entry::Time;

use super::image::{Image, Step, step_time};

/// Writes an image; `tag` is its name.
pub fn write_archive(image: &Image, tag: &str, out: impl Write) -> io::Result<()> {
    let mut layers = Vec::new();
    for (step, time) in image.layers() {
        layers.push(layer(step, time)?);
    }
    let names: Vec<String> = (0..layers.len()).map(|no| format!("layer{no}.tar")).collect();
    let manifest = json!([{ "Config": "config.json", "RepoTags": [tag], "Layers": names }]);
    let mut archive = LayerTar::new(out);
    add(&mut archive, "manifest.json", &pretty(&manifest)?)?;
    add(&mut archive, "config.json", &pretty(&config(image, &layers)?)?)?;
    for (name, layer) in names.iter().zip(&layers) {
        add(&mut archive, name, layer)?;
    }
    archive.finish()?.flush()
}

/// The tar of a layer.
fn layer(step: &Step, time: Time) -> io::Result<Vec<u8>> {
    let mut tar = LayerTar::new(Vec::new());
    for item in step.items {
        tar.add_file(&item.member(time), item.data())?;
    }
    tar.finish()
}

fn add(archive: &mut LayerTar<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    archive.add_file(
        &Member {
            path: name.as_bytes().to_vec(),
            body: Body::Regular(bytes.len() as u64),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: step_time(0),
            xattrs: Vec::new(),
        },
        bytes,
    )
}

/// The configuration: what the layers are, and which step made each.
fn config(image: &Image, layers: &[Vec<u8>]) -> io::Result<Value> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| DiffId(Digest::of(layer)).to_string()).collect();
    let mut history = Vec::new();
    let mut created = None;
    for (step, no) in image.steps.iter().zip(0..) {
        let time = written(step_time(no))?;
        let mut entry = json!({ "created": time, "created_by": step.line });
        created = Some(time);
        if let (false, Some(object)) = (step.makes_layer(), entry.as_object_mut()) {
            object.insert("empty_layer".into(), true.into());
        }
        history.push(entry);
    }
    Ok(json!({
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": run(image)?,
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    }))
}

/// What to run, as a Dockerfile's `CMD` says.
fn run(image: &Image) -> io::Result<Value> {
    let mut commands = image.steps.iter().filter_map(|step| step.line.strip_prefix("CMD "));
    Ok(match commands.next_back() {
        Some(command) => json!({ "Cmd": serde_json::from_str::<Value>(command)? }),
        None => json!({}),
    })
}

fn written(time: Time) -> io::Result<String> {
    Ok(Timestamp::from_second(time.secs).map_err(io::Error::other)?.to_string())
}

/// As a person reads it: the lessons look into it.
fn pretty(value: &Value) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}
