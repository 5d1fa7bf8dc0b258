//! `peelfs inspect`.

use super::{app, several};
use crate::support::session;

#[test]
fn it_shows_what_an_image_is_made_of() {
    session(
        app().path(),
        r#"
$ peelfs inspect app.tar
format    docker archive
id        sha256:77a52b9eed998aa0102afeb080876f4aea82207c537ff4c0be97efa99b245819
tag       app:1
platform  linux/amd64
created   2024-01-02T03:04:05Z
cmd       ["sh"]
layers    3 (base first)
layer 0
  size      2.9 KiB of files in 9 entries, 11.0 KiB stored
  diff ID   sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e
  chain ID  sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e
  step      step 0
  from      app.tar: 308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e/layer.tar
layer 1
  size      8 B of files in 8 entries, 5.5 KiB stored
  diff ID   sha256:7d5199959379914a880eec537520d2481a9b14550775130735f88bd4bf70f743
  chain ID  sha256:862bf08317504dedd64e59aaeb7f846c206529b826fe70cfef92a1a465f9ab2b
  step      step 1
  from      app.tar: 7d5199959379914a880eec537520d2481a9b14550775130735f88bd4bf70f743/layer.tar
layer 2
  size      8 B of files in 4 entries, 4.0 KiB stored
  diff ID   sha256:d6e210b5150ef21e5d833ad85b54df768fdec15971eaccca00fbd3c38d4e3228
  chain ID  sha256:1ee4f88d327a69dfae999fc0fc19c05e9aab4d68d4b2b33e08ef988e94d2b5d8
  step      step 2
  from      app.tar: d6e210b5150ef21e5d833ad85b54df768fdec15971eaccca00fbd3c38d4e3228/layer.tar
"#,
    );
}

#[test]
fn json_has_the_whole_configuration() {
    session(
        app().path(),
        r#"
$ peelfs inspect --json app.tar
{
  "format": "docker archive",
  "id": "sha256:77a52b9eed998aa0102afeb080876f4aea82207c537ff4c0be97efa99b245819",
  "manifest": null,
  "tags": [
    "app:1"
  ],
  "platform": "linux/amd64",
  "created": "2024-01-02T03:04:05Z",
  "author": null,
  "config": {
    "Cmd": [
      "sh"
    ]
  },
  "layers": [
    {
      "layer": 0,
      "place": "app.tar: 308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e/layer.tar",
      "diff_id": "sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e",
      "chain_id": "sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e",
      "digest": null,
      "media_type": null,
      "stored_size": 11264,
      "size": 3017,
      "entries": 9,
      "rejected": 0,
      "created_by": "step 0"
    },
    {
      "layer": 1,
      "place": "app.tar: 7d5199959379914a880eec537520d2481a9b14550775130735f88bd4bf70f743/layer.tar",
      "diff_id": "sha256:7d5199959379914a880eec537520d2481a9b14550775130735f88bd4bf70f743",
      "chain_id": "sha256:862bf08317504dedd64e59aaeb7f846c206529b826fe70cfef92a1a465f9ab2b",
      "digest": null,
      "media_type": null,
      "stored_size": 5632,
      "size": 8,
      "entries": 8,
      "rejected": 0,
      "created_by": "step 1"
    },
    {
      "layer": 2,
      "place": "app.tar: d6e210b5150ef21e5d833ad85b54df768fdec15971eaccca00fbd3c38d4e3228/layer.tar",
      "diff_id": "sha256:d6e210b5150ef21e5d833ad85b54df768fdec15971eaccca00fbd3c38d4e3228",
      "chain_id": "sha256:1ee4f88d327a69dfae999fc0fc19c05e9aab4d68d4b2b33e08ef988e94d2b5d8",
      "digest": null,
      "media_type": null,
      "stored_size": 4096,
      "size": 8,
      "entries": 4,
      "rejected": 0,
      "created_by": "step 2"
    }
  ]
}
"#,
    );
}

#[test]
fn platforms_and_layers_without_an_image() {
    session(
        several().path(),
        r#"
$ peelfs inspect --platform linux/arm64 platforms.tar
format    OCI layout
id        sha256:df297e83b6a7c5ed5e498547a087757f7edc0b425905a4fb99d72c42913f76a0
manifest  sha256:15ff6fdc93c1b8991595f242373c8c40af9afa4a9ed058026ce488b47277aae9
tag       both:1
platform  linux/arm64
created   2024-01-02T03:04:05Z
cmd       ["sh"]
layers    1 (base first)
layer 0
  size      3 B of files in 1 entry, 2.0 KiB stored
  diff ID   sha256:e4c3fad0fd5450a0185d50da35c2d1a1117d68b53c0cb359209ce360c1a391aa
  chain ID  sha256:e4c3fad0fd5450a0185d50da35c2d1a1117d68b53c0cb359209ce360c1a391aa
  step      step 0
  from      platforms.tar: blobs/sha256/e4c3fad0fd5450a0185d50da35c2d1a1117d68b53c0cb359209ce360c1a391aa
$ printf x >f; tar cf one.tar --mtime=@0 --owner=0 --group=0 --mode=644 f; peelfs inspect one.tar
format    layers
layers    1 (base first)
layer 0
  size      1 B of files in 1 entry, 10.0 KiB stored
  from      one.tar
$ peelfs inspect --json one.tar
{
  "format": "layers",
  "id": null,
  "manifest": null,
  "tags": [],
  "platform": null,
  "created": null,
  "author": null,
  "config": null,
  "layers": [
    {
      "layer": 0,
      "place": "one.tar",
      "diff_id": null,
      "chain_id": null,
      "digest": null,
      "media_type": null,
      "stored_size": 10240,
      "size": 1,
      "entries": 1,
      "rejected": 0,
      "created_by": null
    }
  ]
}
"#,
    );
}
