"""One of several processes that change one tree at once: random operations on a few names, so that they meet.

Usage: hammer.py DIRECTORY SEED SECONDS. Prints, as JSON, how often each operation went how, and what should never
have happened. The names are those of the layer (`writable.layer`) and some that are in no layer.
"""

import collections
import ctypes
import errno
import json
import os
import random
import signal
import stat
import sys
import time

DIRECTORIES = ["d0", "d1", "d2", "d3"]
INNER = ["", "sub", "sub/deep", "new", "new/sub"]
NAMES = [f"f{no}" for no in range(10)] + ["also-f0", "link", "file", "sub", "deep", "new", "a", "b", "c"]

# What is the other processes' doing, or that of the names chosen. Not among them: EIO, ESTALE, EXDEV, EACCES.
EXPECTED = {
    errno.ENOENT,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENODATA,
    # A directory into itself; a link that is no link.
    errno.EINVAL,
    # A further name for a directory; a user attribute of what is no file; a fifo that nobody reads, or read at a place.
    errno.EPERM,
    errno.ENXIO,
    errno.ESPIPE,
}

AT_FDCWD, RENAME_NOREPLACE, RENAME_EXCHANGE = -100, 1, 2
BLOCK = 4096


def main():
    os.chdir(sys.argv[1])
    rng = random.Random(int(sys.argv[2]))
    # An operation that hangs is a finding.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(sys.argv[3]) + 120)
    end = time.monotonic() + float(sys.argv[3])
    outcomes, wrong = collections.Counter(), []
    operations = [operation for operation, weight in OPERATIONS.items() for _ in range(weight)]
    while time.monotonic() < end:
        for _ in range(100):
            operation = rng.choice(operations)
            outcome = attempt(operation, rng, wrong)
            outcomes[f"{operation.__name__} {outcome}"] += 1
    json.dump({"outcomes": outcomes, "wrong": wrong[:50], "wrongs": len(wrong)}, sys.stdout)


def attempt(operation, rng, wrong):
    path = any_path(rng)
    try:
        said = operation(rng, path)
    except OSError as error:
        name = errno.errorcode.get(error.errno, str(error.errno))
        if error.errno not in EXPECTED:
            wrong.append(f"{operation.__name__} {error.filename or path} {error.filename2 or ''}: {name}")
        return name
    if said:
        wrong.append(f"{operation.__name__} {path}: {said}")
    return "ok"


def any_path(rng):
    return os.path.join(rng.choice(DIRECTORIES), rng.choice(INNER), rng.choice(NAMES))


def new_file(rng, path, flags):
    with os.fdopen(os.open(path, os.O_WRONLY | flags, 0o640), "wb") as file:
        file.write(rng.randbytes(rng.choice([0, 1, BLOCK, 20 * BLOCK])))


def create(rng, path):
    new_file(rng, path, os.O_CREAT | os.O_EXCL)


def replace(rng, path):
    """Writes beside, and renames, as editors do."""
    beside = f"{path}.{os.getpid()}"
    new_file(rng, beside, os.O_CREAT | os.O_EXCL)
    try:
        os.rename(beside, path)
    except OSError:
        # The directory may have been renamed meanwhile; then the file stays, which is no harm.
        os.unlink(beside)
        raise


def read(rng, path):
    """As many bytes come as the file has, unless it shrinks meanwhile."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        bytes_read = file.read()
        if len(bytes_read) < size and os.fstat(file.fileno()).st_size >= size:
            return f"{len(bytes_read)} bytes of {size}"
    return None


def append(rng, path):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK), "wb") as file:
        file.write(b"appended\n")


def overwrite(rng, path):
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.pwrite(descriptor, b"overwritten", rng.randrange(BLOCK))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def truncate(rng, path):
    if stat.S_ISREG(os.lstat(path).st_mode):
        os.truncate(path, rng.randrange(3 * BLOCK))


def mkdir(rng, path):
    os.mkdir(path)


def symlink(rng, path):
    os.symlink(rng.choice(NAMES), path)


def mkfifo(rng, path):
    os.mkfifo(path)


def link(rng, path):
    os.link(path, any_path(rng), follow_symlinks=False)


def unlink(rng, path):
    os.unlink(path)


def rmdir(rng, path):
    os.rmdir(path)


def empty(rng, path):
    """Removes all of a directory, and then itself, as `rm -r` does."""
    for name in os.listdir(path):
        child = os.path.join(path, name)
        if not stat.S_ISDIR(os.lstat(child).st_mode):
            os.unlink(child)
    os.rmdir(path)


def rename(rng, path):
    os.rename(path, any_path(rng))


def rename_away(rng, path):
    rename2(path, any_path(rng), RENAME_NOREPLACE)


def exchange(rng, path):
    rename2(path, any_path(rng), RENAME_EXCHANGE)


def rename2(old, new, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), old, None, new)


def chmod(rng, path):
    if not stat.S_ISLNK(os.lstat(path).st_mode):
        os.chmod(path, rng.choice([0o600, 0o644, 0o755, 0o700]))


def utime(rng, path):
    os.utime(path, ns=(rng.randrange(2**60), rng.randrange(2**60)), follow_symlinks=False)


def setxattr(rng, path):
    os.setxattr(path, f"user.{rng.randrange(3)}", rng.randbytes(20), follow_symlinks=False)


def removexattr(rng, path):
    os.removexattr(path, f"user.{rng.randrange(3)}", follow_symlinks=False)


def listdir(rng, path):
    names = os.listdir(path)
    if len(names) != len(set(names)):
        return f"a name twice: {sorted(names)}"
    return None


def status(rng, path):
    os.lstat(path)


def make_parents(rng, path):
    """So that there always is something to work in."""
    os.makedirs(os.path.dirname(path), exist_ok=True)


# How often each is chosen.
OPERATIONS = {
    create: 6,
    replace: 3,
    read: 4,
    append: 3,
    overwrite: 2,
    truncate: 2,
    mkdir: 3,
    symlink: 1,
    mkfifo: 1,
    link: 3,
    unlink: 4,
    rmdir: 2,
    empty: 1,
    rename: 6,
    rename_away: 1,
    exchange: 2,
    chmod: 2,
    utime: 1,
    setxattr: 2,
    removexattr: 1,
    listdir: 3,
    status: 3,
    make_parents: 4,
}

if __name__ == "__main__":
    main()
