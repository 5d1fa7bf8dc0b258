//! `peelfs explain --upper`: what the upper says comes first, and then what the layers say below it.

use super::case::Case;
use super::{NEEDS, can_compare};
use crate::support::need::need;
use crate::support::session;

const BASE: [&str; 2] = ["./ a/ a/x=1 a/y=2 a/sub/ a/sub/z=3 b=4 l->b", "./ a/ a/x=one"];

const SCRIPT: &str = "rm a/y; chmod 600 a/x; echo new >b; rm l; mkdir l; mv a/sub moved; \
    mkdir fresh; echo 1 >fresh/f; ln -s moved/z way; \
    touch -h -d @1700000000 a b l fresh fresh/f way moved";

fn case() -> Case {
    let case = Case::of(&BASE);
    case.write(SCRIPT);
    case
}

#[test]
fn the_uppers_word_comes_first() {
    need!(can_compare(), NEEDS);
    let case = case();
    session(
        case.dir.path(),
        r#"
$ peelfs explain base.tar --upper upper a/x | grep -v sha256
/a  merged from the upper and layers 1, 0
/a/x
  upper       file, 0600, 3 B                → shown, the search ends here; copied up from layer 1
  layer 1     file, 0644, 3 B                → hidden by the upper
  layer 0     file, 0644, 1 B                → hidden by the upper
made by
  layer 1     step 1
  layer 0     step 0
versions
=> shown from the upper, copied up from layer 1
$ peelfs explain base.tar --upper upper a/y | grep -v sha256
/a  merged from the upper and layers 1, 0
/a/y
  upper       whiteout                       → hidden, the search ends here
  layer 0     file, 0644, 1 B                → hidden by the upper
made by
  layer 0     step 0
versions
=> not there: deleted by the upper
$ peelfs explain base.tar --upper upper /b | grep -v sha256
/b
  upper       file, 0644, 4 B                → shown, the search ends here; in the place of what layer 0 has
  layer 0     file, 0644, 1 B                → hidden by the upper
made by
  layer 0     step 0
versions
=> shown from the upper, in the place of what layer 0 has
$ peelfs explain base.tar --upper upper /l | grep -v sha256
/l
  upper       directory, opaque              → shown; nothing below shows in it, the search ends here
  layer 0     symlink, 0777                  → hidden by the upper
made by
  layer 0     step 0
versions
  upper       drwxr-xr-x 0:0             2023-11-14T22:13:20Z  shown
  layer 0     lrwxrwxrwx 0:0             2023-11-14T22:13:20Z  -> b  hidden: IMAGE@0 has it
=> shown from the upper
$ peelfs explain base.tar --upper upper /moved | grep -v sha256
/moved
  upper       directory, redirected here from /a/sub → shown
  layer 1     –
  layer 0     directory                      → merged in
made by
  layer 0     step 0
=> merged from the upper and layer 0, redirected here from /a/sub
$ peelfs explain base.tar --upper upper moved/z | grep -v sha256
/moved
  upper       directory, redirected here from /a/sub → shown
  layer 1     –
  layer 0     directory                      → merged in
/moved/z
  upper       –
  layer 1     –
  layer 0     file, 0644, 1 B                → shown, the search ends here
made by
  layer 0     step 0
versions
=> shown from layer 0 (step 0)
$ peelfs explain base.tar --upper upper fresh/f | grep -v sha256
/fresh  in the upper
/fresh/f
  upper       file, 0644, 2 B                → shown, the search ends here
versions
=> shown from the upper
$ peelfs explain base.tar --upper upper way | grep -v sha256
/way
  upper       symlink, 0777                  → shown, the search ends here
versions
  upper       lrwxrwxrwx 0:0             2023-11-14T22:13:20Z  -> moved/z  shown
leads to /moved/z, of layer 0
=> shown from the upper
$ peelfs explain base.tar --upper upper a/sub/z | grep -v sha256
/a  merged from the upper and layers 1, 0
/a/sub
  upper       whiteout                       → hidden, the search ends here
  layer 0     directory                      → hidden by the upper
/a/sub/z
  upper       –
  layer 1     –
  layer 0     file, 0644, 1 B                → hidden by the upper
made by
  layer 0     step 0
versions
=> not there: deleted by the upper
$ peelfs explain base.tar --upper upper nothing | grep -v sha256
/nothing
  neither the upper nor any layer has it
=> not there: neither the upper nor any layer has it
$ peelfs explain base.tar --upper upper fresh/g | grep -v sha256
/fresh  in the upper
/fresh/g
  neither the upper nor any layer has it
near it: /fresh/f
=> not there: neither the upper nor any layer has it
$ peelfs explain base.tar --upper upper b/c | grep -v sha256
/b
  upper       file                           → shown, the search ends here
  layer 0     file, 0644, 1 B                → hidden by the upper
/b/c
  neither the upper nor any layer has it
=> not there: /b is no directory
$ peelfs explain base.tar --upper upper / | grep -v sha256
/
  upper       directory                      → shown
  layer 1     directory                      → merged in
  layer 0     directory                      → merged in
=> merged from the upper and layers 1, 0
$ peelfs explain base.tar --upper upper a | grep -v sha256
/a
  upper       directory                      → shown
  layer 1     directory                      → merged in
  layer 0     directory                      → merged in
made by
  layer 1     step 1
  layer 0     step 0
=> merged from the upper and layers 1, 0
$ setfattr -n trusted.overlay.redirect -v /../x upper/moved
$ peelfs explain base.tar --upper upper moved | tail -n 1
=> not there: the redirect of /moved is none (EINVAL)
$ peelfs explain base.tar --upper upper moved/z
/moved
  upper       directory, its redirect none   → an error (EINVAL)
=> not there: the redirect of /moved is none (EINVAL)
$ peelfs explain base.tar --upper nothing a
! peelfs: nothing: No such file or directory (os error 2)
? 2
$ peelfs explain base.tar --force a
! error: the following required arguments were not provided:
!   --upper <DIR>
! 
! Usage: peelfs explain --upper <DIR> --force <IMAGE> <PATH>
! 
! For more information, try '--help'.
? 2
"#,
    );
}

#[test]
fn programs_have_it_as_json() {
    need!(can_compare(), NEEDS);
    let case = case();
    session(
        case.dir.path(),
        r#"
$ peelfs explain --json base.tar --upper upper a/x
{
  "asked": "a/x",
  "path": "a/x",
  "shown": {
    "path": "a/x",
    "type": "file",
    "mode": "0600",
    "uid": 0,
    "gid": 0,
    "size": 3,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 1,
    "layers": [
      "upper"
    ]
  },
  "missing": null,
  "followed": [],
  "steps": [
    {
      "path": "",
      "layers": [
        {
          "layer": "upper",
          "found": "directory",
          "opaque": false,
          "verdict": "shown",
          "created_by": null
        },
        {
          "layer": 1,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 0"
        }
      ]
    },
    {
      "path": "a",
      "layers": [
        {
          "layer": "upper",
          "found": "directory",
          "opaque": false,
          "verdict": "shown",
          "created_by": null
        },
        {
          "layer": 1,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 0"
        }
      ]
    },
    {
      "path": "a/x",
      "layers": [
        {
          "layer": "upper",
          "found": "file",
          "copied_up_from": 1,
          "verdict": "shown",
          "created_by": null
        },
        {
          "layer": 1,
          "found": "file",
          "verdict": "hidden",
          "hidden_by": "upper",
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "file",
          "verdict": "hidden",
          "hidden_by": "upper",
          "created_by": "step 0"
        }
      ]
    }
  ],
  "versions": [
    {
      "layer": "upper",
      "type": "file",
      "mode": "0600",
      "uid": 0,
      "gid": 0,
      "size": 3,
      "mtime": "2023-11-14T22:13:20Z",
      "digest": "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
      "verdict": "shown"
    },
    {
      "layer": 1,
      "type": "file",
      "mode": "0644",
      "uid": 0,
      "gid": 0,
      "size": 3,
      "mtime": "2023-11-14T22:13:20Z",
      "digest": "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
      "verdict": "hidden",
      "hidden_by": "upper"
    },
    {
      "layer": 0,
      "type": "file",
      "mode": "0644",
      "uid": 0,
      "gid": 0,
      "size": 1,
      "mtime": "2023-11-14T22:13:20Z",
      "digest": "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
      "verdict": "hidden",
      "hidden_by": "upper"
    }
  ],
  "near": []
}
$ peelfs explain --json base.tar --upper upper a/y | grep -A3 missing
  "missing": {
    "reason": "hidden",
    "hidden_by": "upper",
    "deleted_by": "upper"
$ peelfs explain --json base.tar --upper upper moved | grep -c '"redirect": "/a/sub"'
1
"#,
    );
}
