"""The table that the floor daemon (floor.c) answers from: the merged tree of an uncompressed archive, as the protocol
has it.

The merge is the naive one: a layer's markers are done to what lies below, then its entries are put on top.
"""

import json
import os
import stat
import struct
import tarfile

TYPES = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}

COUNT = struct.Struct("=Q")

# `struct entry` of floor.c.
ENTRY = struct.Struct("=QQQIIIIIIII")

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


class Node:
    """A file or a directory of the merged tree."""

    __slots__ = ("size", "mtime", "data", "mode", "uid", "gid", "rdev", "target", "children")

    def __init__(self, mode=stat.S_IFDIR | 0o755):
        self.size = self.mtime = self.data = self.uid = self.gid = self.rdev = 0
        self.mode = mode
        self.target = None
        self.children = {} if stat.S_ISDIR(mode) else None

    def take(self, info, start):
        """The attributes of a tar's member; its bytes lie behind the `start` of its tar."""
        self.mode = TYPES.get(info.type, stat.S_IFREG) | info.mode
        self.mtime, self.uid, self.gid = int(info.mtime), info.uid, info.gid
        if info.isreg():
            self.size, self.data = info.size, start + info.offset_data
        elif info.issym():
            self.target = os.fsencode(info.linkname)
        elif info.isdev():
            self.rdev = info.devminor & 0xFF | info.devmajor << 8 | (info.devminor & ~0xFF) << 12


def table(workload):
    """The table of a workload, made unless an earlier run has made it."""
    path = workload.path.with_suffix(".floor")
    if not path.exists():
        root = Node()
        for start, tar in layers(workload):
            put_layer(root, start, tar)
        draft = path.with_suffix(".floor-draft")
        with open(draft, "wb") as file:
            write(root, file)
        draft.rename(path)
    return path


def layers(workload):
    """Each layer's tar, base first, with the place in the archive where it begins."""
    if workload.layers == 1:
        with tarfile.open(workload.path, "r:") as tar:
            yield 0, tar
        return
    with tarfile.open(workload.path, "r:") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        for name in manifest[0]["Layers"]:
            member = archive.getmember(name)
            with tarfile.open(fileobj=archive.extractfile(member), mode="r:") as tar:
                yield member.offset_data, tar


def put_layer(root, start, tar):
    markers, entries = [], []
    for info in tar:
        last = os.path.basename(info.name)
        (markers if last.startswith(WHITEOUT) else entries).append(info)
        # Or tarfile remembers them all.
        tar.members = []
    for info in markers:
        mark(root, *os.path.split(info.name))
    for info in entries:
        put(root, info, start)


def mark(root, parent, name):
    directory = find(root, parent)
    if directory is None or directory.children is None:
        return
    if name == OPAQUE:
        directory.children.clear()
    else:
        directory.children.pop(os.fsencode(name.removeprefix(WHITEOUT)), None)


def put(root, info, start):
    parent, name = os.path.split(os.path.normpath(info.name))
    siblings = make_directory(root, parent).children
    name = os.fsencode(name)
    if info.islnk():
        siblings[name] = find(root, info.linkname)
        return
    node = siblings.get(name)
    if name == b".":
        node = root
    elif node is None or node.children is None or not info.isdir():
        node = siblings[name] = Node(TYPES.get(info.type, stat.S_IFREG))
    node.take(info, start)


def find(root, path):
    node = root
    for name in os.fsencode(path).split(b"/"):
        if name and name != b".":
            node = node.children.get(name) if node and node.children else None
    return node


def make_directory(root, path):
    node = root
    for name in os.fsencode(path).split(b"/"):
        if name and name != b".":
            below = node.children.get(name)
            if below is None or below.children is None:
                below = node.children[name] = Node()
            node = below
    return node


def write(root, file):
    """The entries breadth first, so that a directory's children stand together; their names behind them all."""
    names, rows = bytearray(), []
    waiting, total = [(root, b"", 0)], 1
    while waiting:
        below = []
        for node, name, parent in waiting:
            at, children = len(names), sorted((node.children or {}).items())
            names += name
            data, size = node.data, node.size
            if node.target is not None:
                data, size = len(names), len(node.target)
                names += node.target
            elif node.children is not None:
                data, total = total, total + len(children)
            below += [(child, child_name, len(rows)) for child_name, child in children]
            owner = (node.mode, node.uid, node.gid, node.rdev)
            rows.append(ENTRY.pack(size, node.mtime, data, *owner, at, len(name), len(children), parent))
        waiting = below
    file.write(COUNT.pack(len(rows)))
    file.writelines(rows)
    file.write(names)
