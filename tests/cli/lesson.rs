//! `peelfs lesson`.

use crate::support::session;

#[test]
fn it_lists_lessons_makes_one_and_tells_it() {
    let dir = tempfile::TempDir::new().unwrap();
    session(
        dir.path(),
        r#"
$ peelfs lesson
 1  A layer is a tar           What is in an image?
 2  The top layer wins         Two layers have the file: which one do I see?
 3  Whiteouts                  How can a layer take a file away?
 4  What was added stays       Why is my image not smaller after rm?
 5  Opaque directories         What if everything in a directory goes?
 6  Hard links                 One file with three names: what if one changes?
 7  The upper directory        Where did my change go?
 8  Renamed directories        What happens when I rename a directory?
 9  Commit                     What becomes of my changes in an image?
10  Why the kernel does it so  Could it not be simpler?

To read one: peelfs lesson 1. To make what it is tried on: peelfs lesson 1 DIR.
$ peelfs lesson 4 rm
Lesson 4: What was added stays. Why is my image not smaller after rm?
  image.tar        an image of 3 layers
  Dockerfile       the steps that it was made by
  once.tar         an image of 2 layers
  Dockerfile.once  the steps that it was made by
  layers/          the same layers unpacked, for the kernel's overlayfs
Read `peelfs lesson 4` (docs/tutorial/04-bytes-stay.md), and begin:
  cd rm
  peelfs history image.tar
$ ls rm rm/layers
rm:
Dockerfile
Dockerfile.once
image.tar
layers
once.tar

rm/layers:
0
1
2
$ peelfs lesson 4 rm
! peelfs: rm: not empty; name a directory that is empty or not there yet
? 2
$ peelfs lesson 4 rm/image.tar
! peelfs: rm/image.tar: not a directory
? 2
$ peelfs lesson 4 | head -n 1
# 4. What was added stays
$ peelfs lesson 4 | grep -- --answer
(The answer: peelfs lesson 4 --answer)
$ peelfs lesson 4 --answer | head -n 1
Then `/bin/hello`, which came with it, would be gone too. What you can do is flatten the image: copy
$ peelfs lesson 11
! error: invalid value '11' for '[NUMBER]': 11 is not in 1..=10
! 
! For more information, try '--help'.
? 2
$ peelfs lesson --answer
! error: the following required arguments were not provided:
!   <NUMBER>
! 
! Usage: peelfs lesson --answer <NUMBER> [DIR]
! 
! For more information, try '--help'.
? 2
"#,
    );
}
