"""Draws what stands in results.json: bars of each figure by system, lines of cost by size and by depth.

    python plots.py RESULTS DIRECTORY

Needs matplotlib, so that scripts/bench runs it in an environment of its own. The same results give the same bytes.
Every colour can be read on white and on black.
"""

import json
import math
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

TEXT, FAINT, OTHERS = "#757c85", "#8b949e40", "#8b949e99"
OURS, TARGET = "#e0662a", "#2f81c7"

COLOURS = {
    "peelfs": OURS,
    "overlayfs": "#4c8bd6",
    "floor": "#8b949e",
    "ext4": "#3fa06f",
    "archivemount": "#a371d6",
    "ratarmount": "#c25f93",
    "header scan": "#8b949e",
    "target": TARGET,
}

# Figures of bars: what stands above them.
BARS = {
    "walk": "Walk with stat of an image in ten layers (×: of overlayfs)",
    "read_all": "Every file of an image read (×: of overlayfs)",
    "sequential": "One large file of a plain layer, read front to back",
    "parallel": "Eight processes at once, each reading an eighth of an image's files (×: of overlayfs)",
    "first_walk": "From an archive in memory to the end of a first walk",
    "first_mount": "First mount of an image, and others that read all of its layers",
    "index": "Index of a plain tar of many files",
    "write": "A large new file, written (×: of overlayfs)",
    "read_back": "A large file of the upper directory, read front to back (×: of overlayfs)",
    "copy_up": "A large file of a layer, changed for the first time (×: of overlayfs)",
    "unpack": "Many small files unpacked into a mount, and removed (×: of overlayfs)",
    "change": "Files of a layer changed for the first time, by chmod (×: of overlayfs)",
    "names": "Files of a layer removed, and directories of it moved (×: of overlayfs)",
    "commit": "What was written, made a layer of an image",
}

# Figures of lines: what stands above them, and what their x axis counts.
LINES = {
    "layers": ("Walk with stat of one tree, by the number of layers it comes in", "layers"),
    "scale": ("Cost by the number of entries of a plain tar", "entries"),
}

# Panels whose values are bytes; all others are seconds.
BYTES = {"memory"}

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "peelfs",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "font.size": 9,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.edgecolor": OTHERS,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
}

# Inches, as matplotlib counts.
WIDTH = 8.2

# Between the names of two lines, in heights of a panel.
LEAST_GAP = 0.085


def main(results, directory):
    figures = json.loads(Path(results).read_text())["figures"].values()
    points = [point for figure in figures for point in figure["points"]]
    panels = defaultdict(lambda: defaultdict(list))
    for point in points:
        panels[point["figure"]][point["panel"]].append(point)
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams.update(STYLE)
    for name, title in BARS.items():
        if name in panels:
            save(bars(title, panels[name]), directory / f"{name}.svg")
    for name, (title, unit) in LINES.items():
        if name in panels:
            save(lines(title, unit, panels[name]), directory / f"{name}.svg")


def save(figure, path):
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    print(path)


# Bars.


def bars(title, panels):
    """A panel beside the other, a bar for each system; the fastest on top."""
    rows = max(len(values_of(points)[0]) for points in panels.values())
    figure = Figure(figsize=(WIDTH, 0.75 + 0.27 * rows), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, weight="bold")
    for axes, (name, points) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items()):
        draw_bars(axes, name, *values_of(points), rows)
    return figure


def values_of(points):
    """What each system took, the slowest first, and what peelfs may take."""
    values = {point["system"]: point["value"] for point in points}
    target = values.pop("target", None)
    return dict(sorted(values.items(), key=lambda item: -item[1])), target


def draw_bars(axes, name, values, target, rows):
    is_ours = [system.startswith("peelfs") for system in values]
    axes.barh(list(values), values.values(), color=[OURS if ours else OTHERS for ours in is_ours], height=0.68)
    for row, (system, value) in enumerate(values.items()):
        ends = value
        if is_ours[row] and target:
            axes.plot([target, target], [row - 0.46, row + 0.46], color=TARGET, linewidth=2, solid_capstyle="butt")
            ends = max(value, target)
        axes.annotate(
            label(value, values, system),
            (ends, row),
            (5, 0),
            textcoords="offset points",
            va="center",
            color=OURS if is_ours[row] else TEXT,
        )
    axes.set_title(name)
    if target:
        axes.set_title(f"target {seconds(target)}", loc="right", color=TARGET)
    # Room for what stands behind the longest bar.
    axes.set_xlim(0, max([*values.values(), target or 0]) * 1.5)
    axes.set_ylim(len(values) - rows - 0.55, len(values) - 0.45)
    axes.spines["left"].set_bounds(-0.5, len(values) - 0.5)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    axes.xaxis.set_major_locator(NullLocator())


def label(value, values, system):
    """A bar's time; with its ratio to overlayfs, where that takes part."""
    if system == "overlayfs" or "overlayfs" not in values:
        return seconds(value)
    return f"{seconds(value)} ({value / values['overlayfs']:.2g} ×)"


# Lines.


def lines(title, unit, panels):
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.6 * rows), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, weight="bold")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (name, points) in zip(grid, panels.items()):
        draw_lines(axes, name, unit, points)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    return figure


def draw_lines(axes, name, unit, points):
    series = defaultdict(list)
    for point in sorted(points, key=lambda point: point["x"]):
        series[point["system"]].append((point["x"], point["value"]))
    axes.set(xscale="log", yscale="log")
    for system, places in series.items():
        is_ours = system == "peelfs"
        axes.plot(
            *zip(*places),
            color=COLOURS[system],
            linewidth=2.2 if is_ours else 1.3,
            linestyle=(0, (3, 2)) if system == "target" else "-",
            marker=None if system == "target" else "o",
            markersize=4 if is_ours else 3,
            zorder=3 if is_ours else 2,
        )
    scales(axes, name, unit, points)
    axes.set_title(name)
    name_lines(axes, series)


def scales(axes, name, unit, points):
    places = sorted({point["x"] for point in points})
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: count(x)))
    ticks = round_numbers([point["value"] for point in points])
    axes.set_ylim(ticks[0], ticks[-1])
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: tick(y, name)))
    axes.set_xlabel(unit)
    # Room for the lines' names, through which nothing goes.
    first, last = places[0] / 1.3, places[-1] * 1.1
    axes.set_xlim(first, last * (last / first) ** 0.45)
    axes.spines["bottom"].set_bounds(first, last)
    axes.hlines(ticks[1:], first, last, color=FAINT, linewidth=0.6, zorder=0)
    axes.tick_params(length=0)


def round_numbers(values):
    """Ticks around the values, at least a decade of them: powers of ten; where these would be few, others between."""
    steps = [1] if max(values) / min(values) > 200 else [1, 2, 5]
    powers = range(math.floor(math.log10(min(values))) - 1, math.ceil(math.log10(max(values))) + 3)
    ticks = [step * 10.0**power for power in powers for step in steps]
    below = [at for at in ticks if at <= min(values) / 1.2]
    above = [at for at in ticks if at >= max(values) * 1.2]
    highest = max(above[0], 10 * below[-1])
    return [at for at in ticks if below[-1] <= at <= highest * 1.01]


def name_lines(axes, series):
    """Each line's name in one column behind all of them; a line that ends before is led there."""
    low, high = (math.log10(limit) for limit in axes.get_ylim())
    last = max(x for places in series.values() for x, _ in places)
    heights = {system: math.log10(places[-1][1]) for system, places in series.items()}
    for system, height in apart(heights, (high - low) * LEAST_GAP).items():
        x, y = series[system][-1]
        if x < last:
            axes.plot([x, last * 1.1], [y, 10**height], color=COLOURS[system], linewidth=0.7, linestyle=(0, (1, 2)))
        axes.annotate(
            system,
            (last, 10**height),
            (9, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            color=COLOURS[system],
            weight="bold" if system == "peelfs" else "normal",
        )


def apart(heights, gap):
    """Moves what is nearer than a gap to its neighbour, both by as much."""
    names = sorted(heights, key=heights.get)
    heights = dict(heights)
    for _ in range(100):
        for lower, upper in zip(names, names[1:]):
            if (lacking := gap - (heights[upper] - heights[lower])) > 0:
                heights[lower] -= lacking / 2
                heights[upper] += lacking / 2
    return heights


# Words.


def seconds(value):
    """As the tables of scripts/bench have it."""
    if value < 0.010:
        return f"{value * 1000:.2g} ms"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def tick(value, name):
    """A power of ten, with its unit."""
    if name in BYTES:
        return f"{value:g} MiB"
    return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"


def count(number):
    for unit, name in [(1_000_000, " M"), (1_000, " k")]:
        if number >= unit:
            return f"{number / unit:g}{name}"
    return f"{number:g}"


if __name__ == "__main__":
    main(*sys.argv[1:])
