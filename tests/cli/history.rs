//! `peelfs history`.

use super::{app, configured, several};
use crate::support::session;

#[test]
fn it_shows_every_step_with_its_layer() {
    session(
        app().path(),
        r#"
$ peelfs history app.tar
0  11.0 KiB  step 0
1   5.5 KiB  step 1
2   4.0 KiB  step 2
-            CMD
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
$ printf x >f; tar cf one.tar --mtime=@0 f; peelfs history one.tar | tr ' ' .
0..10.0.KiB
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

#[test]
fn times_are_in_utc_and_rows_without_a_command_have_no_blanks_to_spare() {
    let config = r#"{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]},"history":[
        {"created":"2024-01-02T03:04:05.678901234+02:00","created_by":"ADD f","comment":"base"},
        {"created":"2024-01-02T03:04:05Z","created_by":"CMD","empty_layer":true},
        {"created":"2024-01-02T03:04:05Z","comment":"imported","empty_layer":true},
        {"created":"yesterday","empty_layer":true},
        {"empty_layer":true}]}"#;
    session(
        configured(config, "app:1").path(),
        r#"
$ peelfs history image.tar | tr ' ' .
0..2.0.KiB..2024-01-02T01:04:05Z..ADD.f..#.base
-...........2024-01-02T03:04:05Z..CMD
-...........2024-01-02T03:04:05Z..#.imported
-...........yesterday
-
$ peelfs history --json image.tar | grep created.:
    "created": "2024-01-02T01:04:05.678901234Z",
    "created": "2024-01-02T03:04:05Z",
    "created": "2024-01-02T03:04:05Z",
    "created": "yesterday",
    "created": null,
"#,
    );
}
