"""What it takes to look into an image whose indexes are known: commands that answer at once, and those that visit all."""

import contextlib
import os
import pty
import select
import signal
import struct
import fcntl
import statistics
import termios
import time

import looked
from measure import Line, filled, interleaved, seconds, time_of, warm
from systems import Failed

# Seconds that a short answer may take, the first picture of the browser, and what a key asks of it.
AT_ONCE, FIRST_FRAME, KEY = 0.100, 0.200, 0.100

# What a command that visits all may take of the time of a bare walk.
OF_A_WALK = 2

# Of the time of `cat`: 0.9 of its speed.
OF_CAT = round(1 / 0.9, 2)

# What stands last in the first picture of the browser.
COMPLETE = b"keys"

# What ends each picture, and for how many seconds none more must come for one to be the last.
DRAWN, CALM = b"\x1b[?2026l", 0.150

# What is pressed, one after the other. What a search finds is shown while it goes on, so it need not end soon.
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, PAGE_UP, PAGE_DOWN = "\x1b[H", "\x1b[F", "\x1b[5~", "\x1b[6~"
KEYS = {
    "move": [DOWN, UP],
    "open and close a directory": [RIGHT, DOWN, RIGHT, DOWN, RIGHT, LEFT, LEFT, RIGHT],
    "go far": [END, HOME, PAGE_DOWN, PAGE_UP, END],
    "look at other layers": ["2", "[", "[", "3", "]", "]", "1"],
    "explain": ["e", "e"],
    "search": ["/", *"source_file_01", "\r", "n", "n", "N", "\x1b"],
    "look into a file": ["\r", "x", PAGE_DOWN, END, "q"],
}


def answers(setup, report):
    """Commands with a short answer."""
    one, _, cache = images(setup)
    place = looked.path_of(0, 0)
    commands = {
        "explain": [one.path, f"/{place}/source_file_01.c"],
        "explain, no such name": [one.path, f"/{place}/source_file_1.c"],
        "ls": [one.path, f"/{place}"],
        "stat": [one.path, f"/{place}/source_file_01.c"],
        "inspect": [one.path],
        "history": [one.path],
    }
    commands = {name: peelfs(setup, cache, name.partition(",")[0], *args) for name, args in commands.items()}
    for name, samples in timed(setup, 4 * setup.rounds, commands).items():
        report.add(f"{name} of {one.entries:,} entries", samples, setup.shown(commands[name]))
        at_once(report, f"`{name}`, {one.entries:,} entries", samples, AT_ONCE)


def visits(setup, report):
    """Commands that visit every entry, and a bare walk."""
    one, _, cache = images(setup)
    commands = {
        "bare walk": [setup.programs.walk_floor, one.path, cache],
        "waste": peelfs(setup, cache, "waste", one.path),
        "find": peelfs(setup, cache, "find", one.path, "--name", "nothing"),
        "find --all-layers": peelfs(setup, cache, "find", one.path, "--all-layers", "--name", "nothing"),
        "du": peelfs(setup, cache, "du", "-s", one.path),
    }
    told(setup, report, commands, "bare walk", f"of {one.entries:,} entries", OF_A_WALK)


def differences(setup, report):
    """Two images that share all layers but the last, and a bare walk of that layer."""
    one, two, cache = images(setup)
    last = str(looked.LAYERS - 1)
    commands = {
        "bare walk of the last layer": [setup.programs.walk_floor, two.path, cache, last],
        "bare walk of all": [setup.programs.walk_floor, two.path, cache],
        "diff": ["sh", "-c", " ".join(map(str, peelfs(setup, cache, "diff", one.path, two.path))) + "; test $? = 1"],
    }
    timings = timed(setup, setup.rounds, commands)
    for name, samples in timings.items():
        report.add(f"{name}, {one.entries:,} entries", samples, setup.shown(commands[name]))
    # Two sides are walked, and the files that differ are in all directories.
    for floor, most in ("bare walk of the last layer", 2 * OF_A_WALK), ("bare walk of all", None):
        of = f", {one.entries:,} entries"
        report.compare(f"`diff`{of}, nine of ten layers shared", f"diff{of}", f"{floor}{of}", most)


def export(setup, report):
    """The merged tree of a large file, and of many files, as one tar, and `cat` of the layers; both into a pipe."""
    one, _, cache = images(setup)
    for what, image, most in ("large file", setup.large, OF_CAT), ("many files", one, None):
        commands = {
            "peelfs export": piped(peelfs(setup, cache, "export", image.path)),
            "cat": piped(["cat", image.path]),
        }
        warm(image.path)
        told(setup, report, commands, "cat", what, most)


def first_frame(setup, report):
    """From the start of the browser to its first picture, on a terminal of 80 columns and 24 lines."""
    one, _, cache = images(setup)
    command = peelfs(setup, cache, "tui", one.path)
    samples = [picture(command) for _ in range(2 * setup.rounds)]
    report.add(f"first picture of {one.entries:,} entries", samples, setup.shown(command))
    at_once(report, f"`tui`, first picture, {one.entries:,} entries", samples, FIRST_FRAME)


def keys(setup, report):
    """From a key to the last picture that it leads to, in the browser, on a terminal of 80 columns and 24 lines."""
    one, _, cache = images(setup)
    command = peelfs(setup, cache, "tui", one.path)
    first, last, names = [], [], []
    for _ in range(setup.rounds):
        with browser(command) as terminal:
            until_calm(terminal)
            for what, pressed in KEYS.items():
                for key in pressed:
                    pictures = pictures_after(terminal, key)
                    first.append(pictures[0])
                    last.append(pictures[-1])
                    names.append(what)
    of = f", {one.entries:,} entries"
    report.add(f"key to its first picture{of}", first, setup.shown(command))
    report.add(f"key to its last picture{of}", last, setup.shown(command))
    at_once(report, f"`tui`, key to its last picture, median of {len(last)}{of}", last, KEY)
    for what, samples in ("first", first), ("last", last):
        slowest = max(range(len(samples)), key=samples.__getitem__)
        report.lines.append(
            Line(f"`tui`, key to its {what} picture, the slowest ({names[slowest]}){of}", seconds(samples[slowest]))
        )


def images(setup):
    one, two = looked.pair(setup.root, setup.looked)
    return one, two, filled(setup, one, two, setup.large)


def peelfs(setup, cache, verb, *args):
    return [setup.programs.peelfs, verb, "--cache-dir", cache, *args]


def piped(command):
    return ["sh", "-c", " ".join(map(str, command)) + " | cat >/dev/null"]


def timed(setup, rounds, commands):
    return interleaved(rounds, *(lambda n=name: [(n, time_of(commands[n]))] for name in commands))


def told(setup, report, commands, floor, what, most):
    for name, samples in timed(setup, setup.rounds, commands).items():
        report.add(f"{name} {what}", samples, setup.shown(commands[name]))
    for name in commands:
        if name != floor:
            report.compare(f"`{name}` {what}", f"{name} {what}", f"{floor} {what}", most)


def at_once(report, what, samples, most):
    median = statistics.median(samples)
    report.lines.append(Line(what, seconds(median), "", "", f"≤ {most * 1000:.0f} ms", median <= most))


@contextlib.contextmanager
def browser(command):
    """A program on a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(command[0], list(map(str, command)))
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        yield terminal
    except OSError as why:
        raise Failed(f"the browser ended: {why}") from None
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        os.close(terminal)


def picture(command):
    """Seconds until a program that draws on a terminal has drawn all of it."""
    start = time.perf_counter()
    with browser(command) as terminal:
        drawn = b""
        while COMPLETE not in drawn:
            if not select.select([terminal], [], [], 10)[0]:
                raise Failed(f"nothing was drawn: {drawn!r}")
            drawn += os.read(terminal, 1 << 16)
        return time.perf_counter() - start


def until_calm(terminal):
    """Reads what is drawn until nothing more comes, and the first picture is there."""
    drawn = b""
    while select.select([terminal], [], [], CALM if COMPLETE in drawn else 10)[0]:
        drawn += os.read(terminal, 1 << 16)
    if COMPLETE not in drawn:
        raise Failed(f"nothing was drawn: {drawn!r}")


def pictures_after(terminal, key):
    """Seconds from a key to the end of each picture that comes of it."""
    start = time.perf_counter()
    os.write(terminal, key.encode())
    ends, drawn = [], b""
    while select.select([terminal], [], [], CALM if ends else 10)[0]:
        drawn += os.read(terminal, 1 << 16)
        if DRAWN in drawn:
            ends.append(time.perf_counter() - start)
            drawn = drawn[drawn.rindex(DRAWN) + len(DRAWN) :]
    if not ends:
        raise Failed(f"nothing was drawn after {key!r}")
    return ends


FIGURES = (answers, visits, differences, export, first_frame, keys)
ALL = {figure.__name__: figure for figure in FIGURES}
