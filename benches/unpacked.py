"""The workloads as other file systems want them: unpacked layers, the merged tree, an image of erofs. All need root.

Each is made under another name and renamed, so that what is there is whole.
"""

import os
import shutil
import subprocess

import systems
from workloads import CannotMake, plain_layers


def layers(workload):
    """Each layer in a directory, whiteouts as overlayfs has them; base first."""
    root = workload.path.with_suffix(".layers")
    names = [f"{i:03}" for i in range(workload.layers)]
    if not root.exists():
        draft = fresh(root)
        with plain_layers(workload) as tars:
            for name, (_, tar) in zip(names, tars):
                unpack(tar, draft / name)
        if workload.layers > 1:
            convert_whiteouts(draft)
        draft.rename(root)
    return [root / name for name in names]


def merged(workload, point):
    """What all layers show together, as one directory; of a single layer, that layer."""
    if workload.layers == 1:
        return layers(workload)[0]
    root = workload.path.with_suffix(".tree")
    if not root.exists():
        draft = fresh(root)
        with systems.overlayfs(layers(workload), point):
            systems.run(["cp", "-a", f"{point}/.", draft])
        draft.rename(root)
    return root


def erofs(workload, point, mkfs):
    """An image of erofs: of the tar itself where mkfs.erofs reads tars, else of the merged tree."""
    image = workload.path.with_suffix(".erofs")
    if not image.exists():
        draft = image.with_suffix(".erofs-draft")
        draft.unlink(missing_ok=True)
        if workload.layers == 1 and b"--tar" in subprocess.run([mkfs, "--help"], capture_output=True).stdout:
            systems.run([mkfs, "--quiet", "--tar=f", draft, workload.path])
        else:
            systems.run([mkfs, "--quiet", draft, merged(workload, point)])
        draft.rename(image)
    return image


def remove(workload):
    """Gives back the room that these take."""
    for suffix in (".layers", ".tree"):
        shutil.rmtree(workload.path.with_suffix(suffix), ignore_errors=True)
    workload.path.with_suffix(".erofs").unlink(missing_ok=True)


def fresh(directory):
    draft = directory.with_name(f"{directory.name}-draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    return draft


def unpack(tar, directory):
    directory.mkdir()
    command = ["tar", "-x", "-C", directory, "--numeric-owner", "--xattrs", "--xattrs-include=*"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        shutil.copyfileobj(tar, process.stdin, 1 << 20)
    if process.returncode:
        raise CannotMake(f"tar: {directory}")


def convert_whiteouts(directory):
    for place, _, names in os.walk(directory):
        for name in names:
            if not name.startswith(".wh."):
                continue
            os.unlink(f"{place}/{name}")
            if name == ".wh..wh..opq":
                os.setxattr(place, "trusted.overlay.opaque", b"y")
            else:
                os.mknod(f"{place}/{name.removeprefix('.wh.')}", 0o020000, 0)
