//! `peelfs history`.

use super::{app, several};
use crate::support::session;

#[test]
fn it_shows_every_step_with_its_layer() {
    session(
        app().path(),
        r#"
$ peelfs history app.tar
  0    11.0 KiB                       step 0
  1     5.5 KiB                       step 1
  2     4.0 KiB                       step 2
  -                                   CMD
$ peelfs history --json app.tar
[
  {
    "layer": 0,
    "diff_id": "sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e",
    "stored_size": 11264,
    "created": null,
    "created_by": "step 0",
    "author": null,
    "comment": null,
    "empty_layer": false
  },
  {
    "layer": 1,
    "diff_id": "sha256:7d5199959379914a880eec537520d2481a9b14550775130735f88bd4bf70f743",
    "stored_size": 5632,
    "created": null,
    "created_by": "step 1",
    "author": null,
    "comment": null,
    "empty_layer": false
  },
  {
    "layer": 2,
    "diff_id": "sha256:d6e210b5150ef21e5d833ad85b54df768fdec15971eaccca00fbd3c38d4e3228",
    "stored_size": 4096,
    "created": null,
    "created_by": "step 2",
    "author": null,
    "comment": null,
    "empty_layer": false
  },
  {
    "layer": null,
    "diff_id": null,
    "stored_size": null,
    "created": null,
    "created_by": "CMD",
    "author": null,
    "comment": null,
    "empty_layer": true
  }
]
"#,
    );
}

#[test]
fn layers_without_a_history_are_listed() {
    session(
        several().path(),
        r#"
$ printf x >f; tar cf one.tar --mtime=@0 f; peelfs history one.tar | sed 's/ *$//'
  0    10.0 KiB
$ peelfs history --json one.tar
[
  {
    "layer": 0,
    "diff_id": null,
    "stored_size": 10240,
    "created": null,
    "created_by": null,
    "author": null,
    "comment": null,
    "empty_layer": false
  }
]
"#,
    );
}
