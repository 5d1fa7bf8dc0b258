"""What was found: kept figure by figure, so that a run may measure some of them, and written down as Markdown."""

import json
from dataclasses import asdict

from measure import Line, Series, seconds


class Book:
    """The results of each figure's last run, in a file; without one, of this run."""

    def __init__(self, path):
        self.path = path
        self.kept = json.loads(path.read_text()) if path and path.exists() else {"figures": {}}

    def describe(self, part, machine):
        """What the figures of a part were last measured on, and with."""
        self.kept.setdefault("machines", {})[part] = machine

    def enter(self, name, report, measured):
        """Puts a figure's results in the place of its last ones, and what was measured when, and of what."""
        series = [vars(one) for one in report.series.values()]
        self.kept["figures"][name] = asdict(report) | {"series": series, "measured": measured}
        if self.path:
            self.path.write_text(json.dumps(self.kept, indent=1))

    def text(self, part, names, pictures=None):
        """Tables of all these figures' results, as far as there are any; in between, pictures."""
        found = {name: self.kept["figures"][name] for name in names if name in self.kept["figures"]}
        if not found:
            return ""
        parts = [self.kept["machines"][part], results(found), pictures, timings(found)]
        return "\n\n".join(part for part in parts if part)


def results(found):
    """The figures, and what they were to be."""
    met = {True: "met", False: "**missed**", None: ""}
    lines = [Line(**line) for figure in found.values() for line in figure["lines"]]
    rows = [(r.what, r.measured, r.yardstick, r.ratio, r.target, met[r.is_met]) for r in lines]
    text = table(["figure", "peelfs", "yardstick", "ratio", "target", ""], rows)
    left_out = dict.fromkeys(what for figure in found.values() for what in figure["left_out"])
    return "\n".join([text, *(f"\nLeft out: {what}." for what in left_out)])


def timings(found):
    """When each figure was measured, and every series, with the command that was timed."""
    measured = table(["figure", "measured"], [(f"`{name}`", figure["measured"]) for name, figure in found.items()])
    rows = []
    for s in (Series(**one) for figure in found.values() for one in figure["series"]):
        spread = f"{seconds(min(s.samples))} – {seconds(max(s.samples))}"
        rows.append((s.name, seconds(s.median), spread, len(s.samples), f"`{s.command}`"))
    return measured + "\n\n" + table(["timing", "median", "from – to", "rounds", "command"], rows)


def table(head, rows):
    lines = [[str(cell).replace("|", "\\|") for cell in line] for line in [head, ["---"] * len(head), *rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
