#!/usr/bin/env python3
"""Writes tests/data/print_goldens.txt: tensors, and what NumPy's str() makes of them. tests/print_test.cpp reads it.

    python3 -m venv /tmp/np && /tmp/np/bin/pip install numpy==2.4.6 && /tmp/np/bin/python scripts/make_print_goldens.py

A case in the file:

    case floats/wrapped
    dtype float32
    shape 2 3
    strides 1 2        (optional: in elements; the default is row-major)
    offset 4           (optional: which of the values is the first element)
    options 3 - 2 -    (optional: precision, threshold, edge items, line width; - is the default)
    values 0x1.8p+1 nan -inf ...    (hexadecimal floats; integers; 0 or 1; complex numbers as real,imag)
    |[[ 3. nan]        (what is expected, each line after a '|')

Instead of `values`, `ramp FIRST STEP COUNT` stands for that many values FIRST + i * STEP. NumPy has no bfloat16: such cases
are float32 ones whose values a bfloat16 can hold.
"""
import pathlib

import numpy as np

NAN, INF = float("nan"), float("inf")
OPTIONS = ("precision", "threshold", "edgeitems", "max_line_width")
FLOATS = ("float16", "float32", "float64")
TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests/data/print_goldens.txt"


def numpy_dtype(dtype):
    return np.dtype("float32" if dtype == "bfloat16" else dtype)


def exact(value):
    if isinstance(value, np.complexfloating):
        return f"{exact(value.real)},{exact(value.imag)}"
    if isinstance(value, np.floating):
        return float(value).hex()
    return str(int(value))


class Goldens:
    def __init__(self):
        self.lines = []
        self.names = set()

    def add(self, name, dtype, values, shape=None, strides=None, offset=0, **options):
        array = np.array(values, numpy_dtype(dtype))
        self._write(name, dtype, array.ravel(), array.shape if shape is None else shape, strides, offset, options)

    def ramp(self, name, dtype, first, step, shape, count=None, strides=None, offset=0, **options):
        count = int(np.prod(shape)) if count is None else count
        values = (first + step * np.arange(count)).astype(numpy_dtype(dtype))
        source = f"ramp {float(first).hex()} {float(step).hex()} {count}"
        self._write(name, dtype, values, shape, strides, offset, options, source)

    def _write(self, name, dtype, values, shape, strides, offset, options, source=None):
        assert name not in self.names, name
        self.names.add(name)
        array = values.reshape(shape) if strides is None else np.lib.stride_tricks.as_strided(
            values[offset:], shape, [s * values.itemsize for s in strides])
        self.lines += [f"case {name}", f"dtype {dtype}", " ".join(["shape", *map(str, shape)])]
        if strides is not None:
            self.lines += [" ".join(["strides", *map(str, strides)]), f"offset {offset}"]
        if options:
            self.lines.append(" ".join(["options", *(str(options.get(name, "-")) for name in OPTIONS)]))
        self.lines.append(source or " ".join(["values", *map(exact, values)]))
        self.lines += ["|" + line for line in (np.array2string(array, **options) if options else str(array)).split("\n")]


def add_scalars(goldens):
    for dtype, value in [("bool", True), ("bool", False), ("int32", -7), ("int64", -2**63), ("int64", 2**63 - 1)]:
        goldens.add(f"scalar/{dtype} {value}", dtype, value)
    for dtype in FLOATS:
        for value in (3.5, 7, -0.0, NAN, INF, -INF, 0.1, 1 / 3, 1e-4, 9.9e-5, 999.5, 1000, 2.0**-6, 6e-8):
            goldens.add(f"scalar/{dtype} {value}", dtype, value)
    for dtype in FLOATS[1:]:
        for value in (999999, 1e6, 1e-10, 2.0**-96, 2.0**87, 2.0**-44, 9.9e15, 1e16, 3.4e38, 1e-45, 2.0**24, 2.0**53 + 2):
            goldens.add(f"scalar/{dtype} {value}", dtype, value)
    goldens.add("scalar/float64 5e-324", "float64", 5e-324)
    goldens.add("scalar/bfloat16", "bfloat16", 0.10009765625)
    for dtype in ("complex64", "complex128"):
        for value in (1 + 2j, 2j, complex(-0.0, 2), complex(0.0, -0.0), 1e-5 - 2.5j, 1e20 + 1 / 3j, complex(NAN, NAN),
                      complex(0, INF), complex(1, -INF), complex(-INF, 1e7)):
            goldens.add(f"scalar/{dtype} {value}", dtype, value)


def add_rows(goldens):
    goldens.add("bool/mixed", "bool", [True, False])
    goldens.add("bool/all true", "bool", [True, True])
    for dtype in ("int32", "int64"):
        goldens.add(f"{dtype}/signs", dtype, [[1, -20], [300, 0]])
    goldens.add("int64/extremes", "int64", [-2**63, 2**63 - 1, 0])
    rows = {
        "integers": [1, 2, 3], "fractions": [1, 2.25, -10.5], "nan and inf": [1, NAN, -INF, INF], "only nan": [NAN, NAN],
        "only -inf": [-INF, NAN], "inf": [1.5, INF], "-inf, wide": [100.125, -INF], "zeros": [0.0, -0.0],
        "ratio at the limit": [1, 1000], "ratio above": [1, 1001], "ratio rounded": [3, 3001],
        "small": [1e-4, 1e-3], "smaller": [9e-5, 1e-3, 0], "large": [1e8, 1e7], "exponents": [-1e-7, 2.5, NAN, -INF],
        "just plain": [99999.9, 100], "six digits": [999999, 1000], "max": [65504, 1], "one": [-2.5],
        "thirds": [1 / 3, 2 / 3, -1 / 3], "trimmed": [0.1, 0.25, 0.125, 1], "rounds up": [0.9999999999, 1.9999999999],
    }
    for dtype in FLOATS:
        for name, row in rows.items():
            goldens.add(f"{dtype}/{name}", dtype, row)
    goldens.add("float64/three digit exponents", "float64", [1e-300, 1e100, 1e5, 0, -INF])
    goldens.add("float64/subnormals", "float64", [5e-324, 2.0**-1060])
    goldens.add("float64/halfway", "float64", [1.001953125 + 2.0**-9, 2.0**-9 + 2.0**-10, 0.5 + 2.0**-9])
    goldens.add("float64/digits in exponent form", "float64", [123456789.123456, -1.000000004e9, 1e10 / 3])
    goldens.add("float16/powers of two", "float16", [2.0**-k for k in range(3, 14)])
    goldens.add("bfloat16/values", "bfloat16", [1.0078125, -0.10009765625, 3.0, NAN])
    goldens.add("bfloat16/exponents", "bfloat16", [2.0**100, -(2.0**-100)])
    complexes = {
        "plain": [1 + 2j, -3.25 - 0.5j, 0], "nan and inf": [complex(NAN, 1), complex(1, NAN), complex(-INF, INF), 2.5 - 1j],
        "only nan": [complex(NAN, NAN), complex(NAN, NAN)],
        "exponents": [1e10 + 1j, -1e-5 + 100j], "both": [1e9 + 1e-9j, -1 - 1j],
        "imaginary widths": [1 + 1j, 1 + 100.125j, -1 - 1j], "signed zeros": [complex(-0.0, -0.0), complex(0.0, 0.0)],
    }
    for dtype in ("complex64", "complex128"):
        for name, row in complexes.items():
            goldens.add(f"{dtype}/{name}", dtype, row)


def add_layouts(goldens):
    for shape in ((0,), (0, 3), (3, 0), (2, 0, 2), (10**9, 0)):
        goldens.add(f"empty/{shape}", "float64", [], shape)
    goldens.ramp("rank/2", "int64", 0, 1, (2, 3))
    goldens.ramp("rank/3", "float32", -1, 0.25, (2, 3, 2))
    goldens.ramp("rank/4", "int64", 0, 1, (2, 2, 2, 2))
    goldens.ramp("rank/5", "bool", 0, 1, (1, 2, 1, 2, 1))
    goldens.ramp("rank/8, all ones", "float64", 2, 1, (1,) * 8)
    for rank in (1, 2, 5):
        lead = (1,) * (rank - 1)
        for width in (1, 2, 4):  # where the last item of a full line just fits, or just does not
            for count in (14, 15, 18, 24, 25, 36, 37, 38):
                if rank == 1 or count % 2 == 0:
                    goldens.ramp(f"wrap/rank {rank}, {count} of {width} digits", "int64", 10**(width - 1), 0, (*lead, count))
    goldens.ramp("wrap/trailing blanks", "float64", 0, 0.375, (2, 40))
    goldens.ramp("wrap/complex", "complex128", 0, 0.125, (3, 9))
    goldens.add("wrap/one wide item a line", "complex128", [[complex(1e300 / 3, -1e-300 / 3)] * 3] * 2)
    goldens.add("wrap/wider than a line", "complex64", np.full((1,) * 30 + (3,), complex(1e30 / 3, -1e-30 / 3)))
    goldens.ramp("summary/at the threshold", "int64", 0, 1, (2, 500))
    goldens.ramp("summary/row", "int64", 0, 1, (1001,))
    goldens.ramp("summary/matrix", "float64", 0, 0.5, (40, 40))
    goldens.ramp("summary/short rows", "int64", 0, 1, (200, 6))
    goldens.ramp("summary/short columns", "int64", 0, 1, (6, 200))
    goldens.ramp("summary/seven", "int64", 0, 1, (7, 7, 7, 7))
    goldens.ramp("summary/rank 3", "float32", -500, 0.75, (10, 11, 12))
    goldens.ramp("summary/no axis is long", "int64", 0, 1, (4, 4, 4, 4, 4))
    goldens.ramp("summary/wrapped", "float64", 0, 1 / 3, (2, 3, 1000))
    goldens.ramp("summary/complex", "complex64", 0, 0.25, (1100,))
    goldens.ramp("summary/wide", "complex128", 1 / 3, 2.0**-30, (2, 2000))
    goldens.ramp("strides/transposed", "int64", 0, 1, (3, 2), strides=(1, 3))
    goldens.ramp("strides/broadcast", "float64", 0.5, 1, (2, 3), count=3, strides=(0, 1))
    goldens.ramp("strides/reversed", "float32", 0, 1, (2, 3), strides=(-3, -1), offset=5)
    goldens.ramp("strides/every other", "complex64", 0, 1, (3,), count=6, strides=(2,), offset=1)
    goldens.ramp("strides/huge", "float64", 2.5, 1, (2**20, 2**20), count=1, strides=(0, 0))
    goldens.ramp("strides/summary, transposed", "int32", 0, 1, (50, 60), strides=(1, 50))


def add_options(goldens):
    for precision in (0, 1, 3, 12, 17):
        for dtype in (*FLOATS, "complex64", "complex128"):
            for name, row in {"fractions": [1 / 3, -2.5, 100.125, 0.0005], "ties": [0.5, 1.5, 2.5, 0.25, 0.75],
                              "exponents": [1e-6 / 3, 123456.789, -2.5], "special": [NAN, INF, -1.25], "carries": [9.9996, 0.99]}.items():
                if dtype == "float16" and name == "exponents":
                    row = [1e-6, 60000, -2.5]
                if dtype.startswith("complex"):
                    row = [complex(x, -y) for x, y in zip(row, reversed(row))]
                goldens.add(f"precision {precision}/{dtype} {name}", dtype, row, precision=precision)
    for threshold in (0, 5, 6, 7):
        for edge in (1, 2, 3):  # for 0, NumPy shows the last item: x[-0:] is all of x
            goldens.ramp(f"edges/{threshold} {edge}, row", "int64", 0, 1, (6,), threshold=threshold, edgeitems=edge)
            goldens.ramp(f"edges/{threshold} {edge}, matrix", "float64", 0, 0.5, (5, 4), threshold=threshold, edgeitems=edge)
    for width in (1, 5, 10, 20, 40, 200):
        goldens.ramp(f"width/{width}, row", "int64", 0, 1, (30,), max_line_width=width)
        goldens.ramp(f"width/{width}, rank 3", "float64", 0, 0.25, (2, 2, 12), max_line_width=width)
        goldens.ramp(f"width/{width}, all", "float32", 0, 1 / 3, (40,), max_line_width=width, precision=2, threshold=20, edgeitems=4)


if __name__ == "__main__":
    assert np.__version__ == "2.4.6", "the goldens are those of NumPy 2.4.6"
    made = Goldens()
    with np.errstate(all="ignore"):
        add_scalars(made)
        add_rows(made)
        add_layouts(made)
        add_options(made)
    TARGET.write_text("\n".join(made.lines) + "\n")
    print(f"{len(made.names)} cases in {TARGET}")
