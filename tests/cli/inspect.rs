//! `peelfs inspect`.

use super::{app, configured, several};
use crate::support::session;

#[test]
fn it_shows_what_an_image_is_made_of() {
    session(
        app().path(),
        r#"
$ peelfs inspect app.tar
format       docker archive
id           sha256:77a52b9eed998aa0102afeb080876f4aea82207c537ff4c0be97efa99b245819
tag          app:1
platform     linux/amd64
created      2024-01-02T03:04:05Z
cmd          ["sh"]
layers       3 (base first)
layer 0
  size       2.9 KiB of files in 9 entries, 11.0 KiB stored
  diff ID    sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e
  chain ID   sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e
  step       step 0
  from       app.tar: 308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e/layer.tar
layer 1
  size       8 B of files in 8 entries, 5.5 KiB stored
  diff ID    sha256:7d5199959379914a880eec537520d2481a9b14550775130735f88bd4bf70f743
  chain ID   sha256:862bf08317504dedd64e59aaeb7f846c206529b826fe70cfef92a1a465f9ab2b
  step       step 1
  from       app.tar: 7d5199959379914a880eec537520d2481a9b14550775130735f88bd4bf70f743/layer.tar
layer 2
  size       8 B of files in 4 entries, 4.0 KiB stored
  diff ID    sha256:d6e210b5150ef21e5d833ad85b54df768fdec15971eaccca00fbd3c38d4e3228
  chain ID   sha256:1ee4f88d327a69dfae999fc0fc19c05e9aab4d68d4b2b33e08ef988e94d2b5d8
  step       step 2
  from       app.tar: d6e210b5150ef21e5d833ad85b54df768fdec15971eaccca00fbd3c38d4e3228/layer.tar
"#,
    );
}

#[test]
fn json_has_all_of_config() {
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
      "members": 9,
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
      "members": 8,
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
      "members": 4,
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
format       OCI layout
id           sha256:df297e83b6a7c5ed5e498547a087757f7edc0b425905a4fb99d72c42913f76a0
manifest     sha256:15ff6fdc93c1b8991595f242373c8c40af9afa4a9ed058026ce488b47277aae9
tag          both:1
platform     linux/arm64
created      2024-01-02T03:04:05Z
cmd          ["sh"]
layers       1 (base first)
layer 0
  size       3 B of files in 1 entry, 2.0 KiB stored
  diff ID    sha256:e4c3fad0fd5450a0185d50da35c2d1a1117d68b53c0cb359209ce360c1a391aa
  chain ID   sha256:e4c3fad0fd5450a0185d50da35c2d1a1117d68b53c0cb359209ce360c1a391aa
  step       step 0
  from       platforms.tar: blobs/sha256/e4c3fad0fd5450a0185d50da35c2d1a1117d68b53c0cb359209ce360c1a391aa
$ printf x >f; tar cf one.tar --mtime=@0 --owner=0 --group=0 --mode=644 f; peelfs inspect one.tar
format       layers
layers       1 (base first)
layer 0
  size       1 B of files in 1 entry, 10.0 KiB as a tar
  from       one.tar
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
      "members": 1,
      "rejected": 0,
      "created_by": null
    }
  ]
}
"#,
    );
}

#[test]
fn it_shows_all_that_a_configuration_says_of_running() {
    let config = r#"{"os":"linux","architecture":"arm","variant":"v7","author":"me","created":"2024-01-02T03:04:05.6+01:00",
        "config":{"User":"app:app","Entrypoint":["/bin/run","-x"],"Cmd":["sh","-c","printf '\\377'"],
        "WorkingDir":"/srv","Env":["PATH=/bin","B=two words"],"Labels":{"org.app":"x","empty":""},
        "ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/var/lib/app":{}},"StopSignal":"SIGINT",
        "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":30000000000}},"rootfs":{"diff_ids":[]}}"#;
    session(
        configured(config, "app:1").path(),
        r#"
$ peelfs inspect image.tar
format       docker archive
id           sha256:2998b9c72b953e32906020fa5d2e38e25c5d659cf5fb058aee6139380dfe8890
tag          app:1
platform     linux/arm/v7
created      2024-01-02T02:04:05.6Z
author       me
user         app:app
entrypoint   ["/bin/run","-x"]
cmd          ["sh","-c","printf '\\377'"]
workdir      /srv
env          PATH=/bin
env          B=two words
label        org.app=x
label        empty=
expose       80/tcp
expose       53/udp
volume       /var/lib/app
stopsignal   SIGINT
healthcheck  Test=["CMD-SHELL","true"]
healthcheck  Interval=30000000000
layers       1 (base first)
layer 0
  size       1 B of files in 1 entry, 2.0 KiB stored
  from       image.tar: l.tar
$ peelfs inspect --json image.tar | grep created
  "created": "2024-01-02T02:04:05.6Z",
      "created_by": null
"#,
    );
}

#[test]
fn of_a_file_compressed_as_a_whole_the_tar_in_it_is_measured() {
    session(
        several().path(),
        r#"
$ printf x >f; tar cf one.tar --mtime=@0 --owner=0 --group=0 --mode=644 f; gzip one.tar
$ peelfs inspect one.tar.gz
format       layers
layers       1 (base first)
layer 0
  size       1 B of files in 1 entry, 10.0 KiB as a tar
  from       one.tar.gz
$ peelfs inspect --json one.tar.gz | grep stored_size
      "stored_size": 10240,
"#,
    );
}
