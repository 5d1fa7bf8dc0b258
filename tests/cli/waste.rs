//! `peelfs waste`.

use super::{app, hostile_names, several, write};
use crate::support::archive::{Written, docker};
use crate::support::{layer, session};

#[test]
fn every_way_to_waste_is_told_with_its_step() {
    let dir = tempfile::TempDir::new().unwrap();
    let layers = [
        "app/ app/same=aaaaaaaa app/new=bbbb lists/ lists/a=cccccccc lists/b=dddd old/ old/x=ee once=ffff twice=>once",
        "app/ app/same=aaaaaaaa!600 app/new=BBBB .wh.lists old/ old/.wh..wh..opq .wh.once",
        "app/new=bbbbbbbbbbbbbbbb .wh.twice",
    ];
    write(dir.path(), "waste.tar", &docker(&[Written::new("app:1", layers.map(layer))]));
    session(
        dir.path(),
        r#"
$ peelfs waste waste.tar
efficiency 41.4 %: 34 B of 58 B in all layers hidden

layer        size      hidden       hides  step
    0        30 B        30 B           -  step 0
    1        12 B         4 B        26 B  step 1
                                           4 B replaced, 8 B repeated, 12 B deleted, 2 B opaque
    2        16 B           -         8 B  step 2
                                           4 B replaced, 4 B deleted

6 paths
       8 B  /app/new  (layer 1 replaced by 2, layer 0 replaced by 1)
       8 B  /app/same  (layer 0 repeated by 1)
       8 B  /lists/a  (layer 0 deleted by 1)
       4 B  /lists/b  (layer 0 deleted by 1)
       4 B  /once  (layer 0 deleted by 2)
       2 B  /old/x  (layer 0 opaque by 1)
$ peelfs waste --top 1 --fail-above 10% waste.tar | tail -2
6 paths, the worst 1 of them (--top N: more)
       8 B  /app/new  (layer 1 replaced by 2, layer 0 replaced by 1)
! peelfs: 58.6 % of 58 B hidden, more than 10.0 %
$ peelfs waste --fail-above 10% waste.tar >table
! peelfs: 58.6 % of 58 B hidden, more than 10.0 %
? 1
$ peelfs waste --fail-above 20B waste.tar >table
! peelfs: 58.6 % of 58 B hidden, more than 20 B
? 1
$ peelfs waste --fail-above 1K waste.tar >table
$ peelfs waste --fail-above 0.9 waste.tar >table
$ peelfs waste --fail-above 200% waste.tar
! error: invalid value '200%' for '--fail-above <LIMIT>': `200%` is neither a share (10%, 0.1) nor a size (20M)
! 
! For more information, try '--help'.
? 2
$ peelfs waste --top 1 --json waste.tar
{
  "size": 58,
  "hidden": {
    "size": 34,
    "replaced": 8,
    "repeated": 8,
    "deleted": 16,
    "opaque": 2
  },
  "efficiency": 0.4137931034482759,
  "paths": 6,
  "layers": [
    {
      "layer": 0,
      "size": 30,
      "hidden": {
        "size": 30,
        "replaced": 4,
        "repeated": 8,
        "deleted": 16,
        "opaque": 2
      },
      "hides": {
        "size": 0,
        "replaced": 0,
        "repeated": 0,
        "deleted": 0,
        "opaque": 0
      },
      "created_by": "step 0"
    },
    {
      "layer": 1,
      "size": 12,
      "hidden": {
        "size": 4,
        "replaced": 4,
        "repeated": 0,
        "deleted": 0,
        "opaque": 0
      },
      "hides": {
        "size": 26,
        "replaced": 4,
        "repeated": 8,
        "deleted": 12,
        "opaque": 2
      },
      "created_by": "step 1"
    },
    {
      "layer": 2,
      "size": 16,
      "hidden": {
        "size": 0,
        "replaced": 0,
        "repeated": 0,
        "deleted": 0,
        "opaque": 0
      },
      "hides": {
        "size": 8,
        "replaced": 4,
        "repeated": 0,
        "deleted": 4,
        "opaque": 0
      },
      "created_by": "step 2"
    }
  ],
  "worst": [
    {
      "path": "app/new",
      "size": 8,
      "files": [
        {
          "layer": 1,
          "size": 4,
          "reason": "replaced",
          "hidden_by": 2
        },
        {
          "layer": 0,
          "size": 4,
          "reason": "replaced",
          "hidden_by": 1
        }
      ]
    }
  ]
}
$ peelfs waste waste.tar@1 --top 0
efficiency 38.1 %: 26 B of 42 B in all layers hidden

layer        size      hidden       hides  step
    0        30 B        26 B           -  step 0
    1        12 B           -        26 B  step 1
                                           4 B replaced, 8 B repeated, 12 B deleted, 2 B opaque
"#,
    );
}

#[test]
fn an_image_that_wastes_nothing_says_so() {
    session(
        several().path(),
        r#"
$ peelfs waste --fail-above 0 two.tar --image one:1
efficiency 100.0 %: 0 B of 3 B in all layers hidden

layer        size      hidden       hides  step
    0         3 B           -           -  step 0
$ mkdir empty; peelfs waste empty
efficiency 100.0 %: 0 B of 0 B in all layers hidden

layer        size      hidden       hides  step
    0         0 B           -           -
"#,
    );
}

#[test]
fn hidden_directories_count_with_all_in_them() {
    session(
        app().path(),
        r#"
$ peelfs waste app.tar
efficiency 99.4 %: 17 B of 3.0 KiB in all layers hidden

layer        size      hidden       hides  step
    0     2.9 KiB         9 B           -  step 0
    1         8 B         8 B         9 B  step 1
                                           4 B replaced, 5 B deleted
    2         8 B           -         8 B  step 2
                                           8 B opaque

2 paths
      12 B  /etc/passwd  (layer 1 opaque by 2, layer 0 replaced by 1)
       5 B  /etc/motd  (layer 0 deleted by 1)
"#,
    );
}

#[test]
fn names_are_bytes_for_a_program() {
    session(
        hostile_names().path(),
        r#"
$ mkdir top; : >top/'.wh.back\slash'; peelfs waste --lower names.tar top
efficiency 83.3 %: 1 B of 6 B in all layers hidden

layer        size      hidden       hides  step
    0         6 B         1 B           -
    1         0 B           -         1 B
                                           1 B deleted

1 path
       1 B  /back\slash  (layer 0 deleted by 1)
"#,
    );
}
