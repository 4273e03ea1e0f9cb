#!/usr/bin/env python3
"""peers.py [--quick] [--threads N] [--beside BENCH_SCANS] [--only NAME]... torch|jax|mlx OUT.json: the grid of bench/scans/grid.cpp in another library.

--beside: bench_scans measures each case right after the peer, `beside_ns`, since a machine's clock may drift from minute to minute.
--only: measures this operation or layout anew, and keeps the others that OUT.json has.
float32, and complex64 for logcumsumexp. Flags that a peer lacks are left out, not emulated. JAX is jitted. The figure is the best of many
runs; `units` is the worst error on the smallest row, in the units of docs/accuracy.md, against numpy's 80-bit long double.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np

MI = 1 << 20
LAYOUTS = {
    "row 1Mi": ((MI,), 0),
    "row 4Mi": ((4 * MI,), 0),
    "row 64Mi": ((64 * MI,), 0),
    "4096x1024": ((4096, 1024), 1),
    "axis 0 of 1024x4096": ((1024, 4096), 0),
    "65536x64": ((65536, 64), 1),
    "524288x8": ((524288, 8), 1),
    "4099x1021": ((4099, 1021), 1),
}
QUICK_LAYOUTS = {
    "row 64Ki": ((65536,), 0),
    "256x256": ((256, 256), 1),
    "axis 0 of 256x256": ((256, 256), 0),
    "8192x8": ((8192, 8), 1),
}
OPS = ["cumsum", "cumprod", "cummax", "logcumsumexp", "linear_recurrence"]
MODES = ["forward", "vjp", "jvp"]
SLOW = 30.0  # seconds that one case may take in all
ENOUGH = 0.7


def data(op, shape, dtype):
    rng = np.random.default_rng(1)
    normal = lambda: rng.standard_normal(shape, dtype=np.float32)
    if dtype == "complex64":
        z = lambda: (normal() + 1j * normal()).astype(np.complex64)
        return [z()], [z()], z()
    if op == "cumprod":
        return [(1 + 5e-5 * normal()).astype(np.float32)], [normal()], normal()
    if op == "linear_recurrence":
        return [(0.9 + 0.02 * normal()).astype(np.float32), normal()], [normal(), normal()], normal()
    return [normal()], [normal()], normal()


class Torch:
    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        self.lib, self.version = torch, torch.__version__

    def array(self, x):
        return self.lib.from_numpy(x)

    def function(self, op, axis):
        torch = self.lib
        if op == "cummax":
            return lambda x: torch.cummax(x, axis).values
        if op == "linear_recurrence":
            raise NotImplementedError("no linear recurrence")
        return {
            "cumsum": lambda x: torch.cumsum(x, axis),
            "cumprod": lambda x: torch.cumprod(x, axis),
            "logcumsumexp": lambda x: torch.logcumsumexp(x, axis),
        }[op]

    def runner(self, op, axis, mode, x, t, g):
        f, func = self.function(op, axis), self.lib.func
        if mode == "forward":
            return lambda: [f(*x)]
        if mode == "jvp":
            return lambda: list(func.jvp(f, tuple(x), tuple(t)))

        def back():
            y, pull = func.vjp(f, *x)
            return [y, *pull(g)]

        return back

    def wait(self, results):
        pass

    def numpy(self, y):
        return y.resolve_conj().numpy()


class Jax:
    def __init__(self, threads):
        os.environ["JAX_PLATFORMS"] = "cpu"
        if threads == 1:
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        import jax

        self.lib, self.version = jax, jax.__version__

    def array(self, x):
        return self.lib.numpy.asarray(x)

    def function(self, op, axis):
        lax = self.lib.lax
        if op == "linear_recurrence":

            def combine(earlier, later):
                return earlier[0] * later[0], later[0] * earlier[1] + later[1]

            return lambda a, b: lax.associative_scan(combine, (a, b), axis=axis)[1]
        scan = {"cumsum": lax.cumsum, "cumprod": lax.cumprod, "cummax": lax.cummax, "logcumsumexp": lax.cumlogsumexp}[op]
        return lambda x: scan(x, axis=axis)

    def runner(self, op, axis, mode, x, t, g):
        jax, f = self.lib, self.function(op, axis)
        if mode == "forward":
            run = jax.jit(lambda x: [f(*x)])
            return lambda: run(x)
        if mode == "jvp":
            run = jax.jit(lambda x, t: list(jax.jvp(f, tuple(x), tuple(t))))
            return lambda: run(x, t)

        def back(x, g):
            y, pull = jax.vjp(f, *x)
            return [y, *pull(g)]

        run = jax.jit(back)
        return lambda: run(x, g)

    def wait(self, results):
        for result in results:
            result.block_until_ready()

    def numpy(self, y):
        return np.asarray(y)


class Mlx:
    def __init__(self, threads):
        import mlx.core as mx

        mx.set_default_device(mx.cpu)
        self.lib, self.version = mx, getattr(mx, "__version__", "unknown")

    def array(self, x):
        return self.lib.array(x)

    def function(self, op, axis):
        mx = self.lib
        if op == "linear_recurrence":
            raise NotImplementedError("no linear recurrence")
        scan = {"cumsum": mx.cumsum, "cumprod": mx.cumprod, "cummax": mx.cummax, "logcumsumexp": mx.logcumsumexp}[op]
        return lambda x: scan(x, axis=axis)

    def runner(self, op, axis, mode, x, t, g):
        mx, f = self.lib, self.function(op, axis)
        if mode == "forward":
            return lambda: [f(*x)]

        def derived():
            ys, ds = (mx.jvp if mode == "jvp" else mx.vjp)(f, list(x), list(t) if mode == "jvp" else [g])
            return [*ys, *ds]

        return derived

    def wait(self, results):
        self.lib.eval(results)

    def numpy(self, y):
        return np.array(y)


def exact(op, mode, x, t, g):
    """What is right, and the scale of its error, in long double; for the data above, where nothing overflows."""
    wide = lambda v: v.astype(np.longdouble)
    x, t, g = wide(x[0]), wide(t[0]), wide(g)
    back = lambda v: np.cumsum(v[::-1])[::-1]
    if op == "cumsum":
        if mode == "forward":
            y = np.cumsum(x)
            return y, np.abs(y) + 2.0**-16 * np.cumsum(np.abs(x))
        run, v = (np.cumsum, t) if mode == "jvp" else (back, g)
        return run(v), run(np.abs(v))
    if op == "cumprod":
        y = np.cumprod(x)
        if mode == "forward":
            return y, np.abs(y)
        if mode == "jvp":
            return y * np.cumsum(t / x), np.abs(y) * np.cumsum(np.abs(t / x))
        return back(g * y) / x, back(np.abs(g * y)) / np.abs(x)
    e = np.exp(x - x.max())
    s = np.cumsum(e)
    if mode == "forward":
        y = x.max() + np.log(s)
        return y, np.maximum(1, np.abs(y))
    if mode == "jvp":
        return np.cumsum(e * t) / s, np.cumsum(e * np.abs(t)) / s
    return e * back(g / s), e * back(np.abs(g) / s)


def units(peer, op, mode, results, x, t, g):
    if op not in ("cumsum", "cumprod", "logcumsumexp"):
        return None
    right, scale = exact(op, mode, x, t, g)
    got = peer.numpy(results[0 if mode == "forward" else 1]).astype(np.longdouble)
    with np.errstate(all="ignore"):
        worst = np.max(np.abs(got - right) / (2.0**-24 * scale))
    return float(worst)


def best(run, wait):
    """The best of many runs, after one that compiles and touches."""
    start = time.perf_counter()
    wait(run())
    first = time.perf_counter() - start
    fastest, spent, runs = float("inf"), 0.0, 0
    while runs < (3 if first < SLOW / 10 else 1) or (spent < ENOUGH and spent + first < SLOW):
        start = time.perf_counter()
        wait(run())
        took = time.perf_counter() - start
        fastest, spent, runs = min(fastest, took), spent + took, runs + 1
    return fastest


def beside(bench, quick, case):
    """What scangrad takes now, in ns an element."""
    name = "/".join([case["op"], case["dtype"], case["layout"], case["mode"], "plain"])
    command = [bench, *(["--quick"] if quick else []), "--benchmark_format=json", f"--benchmark_filter=^{name}/"]
    done = subprocess.run(command, capture_output=True, check=False)
    try:
        return json.loads(done.stdout)["benchmarks"][0]["ns"]
    except (ValueError, LookupError):
        return None


def measure(peer, op, layout, shape, axis, mode, dtype, with_error):
    x, t, g = data(op, shape, dtype)
    given = [peer.array(v) for v in x], [peer.array(v) for v in t], peer.array(g)
    run = peer.runner(op, axis, mode, *given)
    case = {"op": op, "dtype": dtype, "layout": layout, "mode": mode}
    try:
        case["ns"] = best(run, peer.wait) / np.prod(shape) * 1e9
        if with_error:
            results = run()
            peer.wait(results)
            case["units"] = units(peer, op, mode, results, x, t, g)
    except Exception as error:  # what a peer cannot do is a result
        case["error"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:100]
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--beside")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("peer", choices=["torch", "jax", "mlx"])
    parser.add_argument("out")
    options = parser.parse_args()
    global ENOUGH
    if options.quick:
        ENOUGH = 0.03
    peer = {"torch": Torch, "jax": Jax, "mlx": Mlx}[options.peer](options.threads)
    layouts = QUICK_LAYOUTS if options.quick else LAYOUTS
    results = []
    grid = [(op, name, "float32") for op in OPS for name in layouts]
    grid += [("logcumsumexp", name, "complex64") for name in list(layouts)[: 1 if options.quick else 2]]
    if options.only and os.path.exists(options.out):
        with open(options.out, encoding="utf-8") as file:
            results = [case for case in json.load(file)["cases"] if not {case["op"], case["layout"]} & set(options.only)]
    if options.only:
        grid = [case for case in grid if set(case[:2]) & set(options.only)]
    for op, name, dtype in grid:
        shape, axis = layouts[name]
        for mode in MODES:
            with_error = name == next(iter(layouts)) and dtype == "float32"
            try:
                case = measure(peer, op, name, shape, axis, mode, dtype, with_error)
            except NotImplementedError as error:
                case = {"op": op, "dtype": dtype, "layout": name, "mode": mode, "error": str(error)}
            if options.beside and "ns" in case and (ours := beside(options.beside, options.quick, case)):
                case["beside_ns"] = ours
            results.append(case)
            told = f"{case['ns']:10.3f} ns an element" if "ns" in case else case["error"]
            if "beside_ns" in case:
                told += f", scangrad {case['beside_ns']:.3f}"
            print(f"{options.peer:6} {op:18} {dtype:9} {name:20} {mode:8} {told}", flush=True)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump({"peer": options.peer, "version": peer.version, "threads": options.threads, "cases": results}, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
