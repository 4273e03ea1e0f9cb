#!/usr/bin/env python3
"""report.py [--quick] FOLDER: from the JSON that scripts/bench leaves in FOLDER, one report, bench/results/<date>-<cpu>.md, and its
chart beside it (.png, .svg) where peers were measured and matplotlib is there. --quick: into FOLDER.
"""

import argparse
import datetime
import glob
import json
import os
import platform
import re

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MODES = {"forward": "forward", "vjp": "forward + vjp", "jvp": "value and jvp"}
PEERS = ["torch", "jax", "mlx"]


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return re.search(r"model name\s*:\s*(.*)", file.read())[1]
    except (OSError, TypeError):
        return platform.machine()


def slug(text):
    return re.sub(r"-+", "-", re.sub(r"[^a-z0-9]+", "-", text.lower().replace("(r)", "").replace("@", ""))).strip("-")


class Runs:
    """ours[threads][(op, dtype, layout, mode, flags)] = counters; peers[threads][peer][(op, dtype, layout, mode)] = case."""

    def __init__(self, folder):
        self.ours, self.peers, self.versions, self.level = {}, {}, {}, None
        for path in sorted(glob.glob(os.path.join(folder, "scangrad-*.json"))):
            content = json.load(open(path, encoding="utf-8"))
            self.level = content["context"]["level"]  # of the kernels that ran
            threads = int(re.search(r"-(\d+)\.json", path)[1])
            self.ours[threads] = {tuple(b["name"].split("/")[:5]): b for b in content["benchmarks"]}
        for peer in PEERS:
            for path in sorted(glob.glob(os.path.join(folder, f"{peer}-*.json"))):
                content = json.load(open(path, encoding="utf-8"))
                self.versions[peer] = content["version"]
                cases = {(c["op"], c["dtype"], c["layout"], c["mode"]): c for c in content["cases"]}
                self.peers.setdefault(content["threads"], {})[peer] = cases

    def peer_cases(self, threads, key):
        """{peer: case} of those that have a plain case."""
        all_peers = self.peers.get(threads, {})
        return {p: c[key[:4]] for p, c in all_peers.items() if "ns" in c.get(key[:4], {})} if key[4] == "plain" else {}

    def peer_ns(self, threads, key):
        """{peer: ns an element}"""
        return {p: c["ns"] for p, c in self.peer_cases(threads, key).items()}

    def ratios(self, threads, key):
        """{peer: how many times as long it takes}, beside what was measured right after it."""
        own = self.ours[threads][key].get("ns")
        return {p: c["ns"] / c.get("beside_ns", own) for p, c in self.peer_cases(threads, key).items()} if own else {}


def shown(key):
    op, dtype, layout, mode, flags = key
    return f"{op} {dtype}, {layout}, {MODES[mode]}" + ("" if flags == "plain" else f", {flags}")


def failed(b):
    return b.get("error_occurred", False) or "ns" not in b


def slower(runs):
    lines = []
    for threads, ours in runs.ours.items():
        for key, b in ours.items():
            ratios = runs.ratios(threads, key)
            for peer, case in runs.peer_cases(threads, key).items():
                if failed(b):
                    lines.append(f"- {shown(key)}: {peer} has it, here it fails: {b.get('error_message', '')}")
                elif ratios[peer] < 1:
                    here = case.get("beside_ns", b["ns"])
                    lines.append(f"- {shown(key)}, {threads} thread(s): {here:.3f} ns an element, {peer} {case['ns']:.3f} ({1 / ratios[peer]:.2f}x)")
    return lines


def table(runs, threads, keep):
    peers = [p for p in PEERS if p in runs.peers.get(threads, {})]
    lines = ["| scan | dtype | layout | | ns an element | copy | x copy | " + "".join(f"{p} | " for p in peers) + "x best peer |"]
    lines.append("|---|---|---|---|---|---|---|" + "---|" * len(peers) + "---|")
    for key, b in runs.ours[threads].items():
        if not keep(key):
            continue
        op, dtype, layout, mode, flags = key
        head = f"| {op} | {dtype} | {layout} | {MODES[mode]}{'' if flags == 'plain' else ', ' + flags} |"
        if failed(b):
            lines.append(f"{head} {b.get('error_message', 'failed')} | | | " + "| " * len(peers) + "|")
            continue
        others = runs.peer_ns(threads, key)
        cells = "".join(f" {others[p]:.3f} |" if p in others else " |" for p in peers)
        best = f" {min(runs.ratios(threads, key).values()):.1f} |" if others else " |"
        lines.append(f"{head} {b['ns']:.3f} | {b['copy_ns']:.3f} | {b['ns'] / b['copy_ns']:.2f} |{cells}{best}")
    return lines


class Bars:
    """The bars of speed, each met or not. They are for AVX-512; other levels get twice the time for what is compute-bound."""

    def __init__(self, runs):
        self.runs, self.rows, self.slack = runs, [], 1 if runs.level == "v4" else 2
        one = runs.ours.get(1, {})
        self.one = {k: b for k, b in one.items() if not failed(b)}
        for key, b in self.one.items():
            self.against_peers(key, b)
            self.against_copy(key, b)
            self.against_plain(key, b)
        self.threads()

    def add(self, key, what, value, bar, at_least):
        self.rows.append((value >= bar if at_least else value <= bar, shown(key), what, value, ("at least" if at_least else "at most") + f" {bar:g}"))

    def against_peers(self, key, b):
        op, dtype, layout, mode, flags = key
        others = self.runs.ratios(1, key)
        if dtype != "float32" or flags != "plain" or layout in ("524288x8", "8192x8", "4099x1021"):
            return
        if op == "logcumsumexp":
            bars = {"forward": {"torch": 50}, "jvp": {"torch": 40, "jax": 25}, "vjp": {"torch": 80, "jax": 25}}[mode]
            for peer, bar in bars.items():
                if peer in others:
                    self.add(key, f"times as fast as {peer}", others[peer], bar / self.slack, True)
        if op in ("cumprod", "cummax") and mode != "forward" and others:
            times = min(4 / min(others.values()), 0.7 * b["ns"] / b["copy_ns"])
            self.add(key, "of the slower of a quarter of the best peer and a copy / 0.7", times, self.slack, False)

    def against_copy(self, key, b):
        op, dtype, layout, mode, flags = key
        if dtype != "float32" or flags != "plain" or mode != "forward":
            return
        ratio = b["ns"] / b["copy_ns"]
        if layout == "row 64Mi":
            self.add(key, "x copy", ratio, 2 * self.slack if op == "logcumsumexp" else 1 / 0.9, False)
        elif op != "logcumsumexp" and layout in ("row 1Mi", "4096x1024", "axis 0 of 1024x4096"):
            self.add(key, "x copy", ratio, 3 * self.slack, False)

    def against_plain(self, key, b):
        op, dtype, layout, mode, flags = key
        plain = self.one.get((op, "float32", layout, mode, "plain"))
        if plain is None or key == (op, "float32", layout, mode, "plain"):
            return
        if dtype == "complex64":
            if mode == "forward":
                self.add(key, "x real", b["ns"] / plain["ns"], 10, False)
        elif flags != "plain":
            self.add(key, "x plain", b["ns"] / plain["ns"], 1.1, False)
        elif dtype != "complex128":
            doubled = op == "cumprod" and dtype == "float64"  # every step in two parts
            self.add(key, "x float32", b["ns"] / plain["ns"], 3 if doubled else 2, False)

    def threads(self):
        for key, b in self.runs.ours.get(2, {}).items():
            if key[0] == "logcumsumexp" and key[1] == "float32" and key in self.one and not failed(b) and "Mi" in key[2]:
                self.add(key, "times as fast on two threads", self.one[key]["ns"] / b["ns"], 1.7, True)

    def lines(self):
        missed = [r for r in self.rows if not r[0]]
        yield f"{len(self.rows) - len(missed)} of {len(self.rows)} bars are met. Missed:" if missed else f"All {len(self.rows)} bars are met."
        if missed:
            yield ""
            yield "| case | | measured | bar |"
            yield "|---|---|---|---|"
            for _, case, what, value, bar in missed:
                yield f"| {case} | {what} | {value:.2f} | {bar} |"


def errors(runs):
    yield "| scan | | scangrad | " + " | ".join(runs.versions) + " |"
    yield "|---|---|---|" + "---|" * len(runs.versions)
    for key, b in runs.ours.get(1, {}).items():
        if "units" not in b:
            continue
        cells = []
        for peer in runs.versions:
            case = runs.peers.get(1, {}).get(peer, {}).get(key[:4], {})
            units = case.get("units")
            cells.append(f"{units:.3g}" if units is not None else case.get("error", ""))
        yield f"| {key[0]} | {MODES[key[3]]} | {b['units']:.3g} | " + " | ".join(cells) + " |"


def chart(runs, base):
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        return None
    ours = runs.ours[1]
    layouts = [k[2] for k in ours]
    layout = "row 4Mi" if "row 4Mi" in layouts else layouts[0]
    ops = list(dict.fromkeys(k[0] for k in ours))
    names = ["scangrad", *runs.versions]
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.5), sharey=True)
    for axis, (mode, title) in zip(axes, MODES.items()):
        for i, name in enumerate(names):
            values = []
            for op in ops:
                key = (op, "float32", layout, mode, "plain")
                ns = ours.get(key, {}).get("ns") if name == "scangrad" else runs.peer_ns(1, key).get(name)
                values.append(ns or 0)
            axis.bar([x + i * 0.2 for x in range(len(ops))], values, 0.2, label=name)
        axis.set_yscale("log")
        axis.set_title(title)
        axis.set_xticks([x + 0.3 for x in range(len(ops))], ops, rotation=20)
        axis.grid(axis="y", alpha=0.3)
    axes[0].set_ylabel("ns an element, float32, one core")
    axes[0].legend()
    figure.suptitle(f"{layout}: less is better; no bar: not there")
    figure.tight_layout()
    for kind in ("png", "svg"):
        figure.savefig(f"{base}.{kind}", dpi=120)
    return os.path.basename(base)


def report(runs, base):
    threads = ", ".join(str(t) for t in sorted(runs.ours))
    yield f"# Scans on {cpu_name()}"
    yield ""
    peers = ", ".join(f"{p} {v}" for p, v in runs.versions.items()) or "none"
    yield f"{datetime.date.today()}, {platform.system()} {platform.release()}, kernels of level {runs.level}, threads: {threads}. Peers: {peers}. Made by `scripts/bench`."
    yield "Times are the best of many runs on kept buffers, in ns an element; a copy (memcpy) of the bytes that a case moves is measured in turn with it."
    yield "Ratios to a peer take what scangrad needed right after the peer, since the machine's clock may drift."
    yield ""
    if runs.versions:
        yield "## Slower than a peer"
        yield ""
        yield from slower(runs) or ["Nothing."]
        yield ""
    yield "## Bars"
    yield ""
    yield from Bars(runs).lines()
    yield ""
    if runs.versions and (name := chart(runs, base)):
        yield f"![ns an element beside the peers]({name}.svg)"
        yield ""
    for count in sorted(runs.ours):
        yield f"## float32, {count} thread(s)"
        yield ""
        yield from table(runs, count, lambda key: key[1] == "float32" and key[4] == "plain")
        yield ""
    yield "## Other dtypes and directions, one thread"
    yield ""
    yield from table(runs, 1, lambda key: key[1] != "float32" or key[4] != "plain")
    yield ""
    yield "## Errors on the smallest row, float32, in the units of docs/accuracy.md"
    yield ""
    yield from errors(runs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("folder")
    options = parser.parse_args()
    runs = Runs(options.folder)
    folder = options.folder if options.quick else os.path.join(TOP, "bench", "results")
    os.makedirs(folder, exist_ok=True)
    base = os.path.join(folder, f"{datetime.date.today()}-{slug(cpu_name())}")
    with open(base + ".md", "w", encoding="utf-8") as file:
        for line in report(runs, base):
            file.write(line + "\n")
    print(os.path.relpath(base + ".md", TOP))


if __name__ == "__main__":
    main()
