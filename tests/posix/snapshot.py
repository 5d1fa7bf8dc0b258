"""A directory tree as something to compare: all that is known of every name but its inode number and its ctime.

Usage: snapshot.py DIRECTORY, where another user is to look.
"""

import hashlib
import os
import stat
import sys


def take(root):
    """What every name below a directory is; the root is `.`."""
    names, inodes = {}, {}
    todo = [os.fsencode(root)]
    while todo:
        path = todo.pop()
        status = os.lstat(path)
        name = os.path.relpath(path, os.fsencode(root))
        names[name] = describe(path, status)
        if stat.S_ISDIR(status.st_mode):
            todo += [os.path.join(path, child) for child in os.listdir(path)]
        else:
            inodes.setdefault((status.st_dev, status.st_ino), []).append(name)
    for linked in inodes.values():
        for name in linked:
            names[name]["linked"] = sorted(linked)
    return names


def describe(path, status):
    kind = stat.S_IFMT(status.st_mode)
    found = {
        "mode": f"{status.st_mode:o}",
        "owner": (status.st_uid, status.st_gid),
        "mtime": status.st_mtime_ns,
        "xattrs": {name: os.getxattr(path, name, follow_symlinks=False) for name in attributes(path)},
    }
    # File systems agree on nothing there.
    if kind != stat.S_IFDIR:
        found |= {"size": status.st_size, "links": status.st_nlink}
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        found["device"] = status.st_rdev
    if kind == stat.S_IFLNK:
        found["target"] = os.readlink(path)
    if kind == stat.S_IFREG:
        found["contents"] = digest(path)
    return found


def attributes(path):
    return sorted(os.listxattr(path, follow_symlinks=False))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def differences(before, after):
    """A line for each name that is not the same in both."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            lines.append(f"{os.fsdecode(name)}: {'appeared' if old is None else 'is gone'}")
        elif old != new:
            changed = [f"{key} {old.get(key)} -> {new.get(key)}" for key in old | new if old.get(key) != new.get(key)]
            lines.append(f"{os.fsdecode(name)}: {', '.join(changed)}")
    return lines


if __name__ == "__main__":
    print(take(sys.argv[1]))
