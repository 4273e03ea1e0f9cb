"""test.py RESAVE: NumPy writes arrays in every form that it knows, RESAVE loads and saves them, and NumPy reads them back: each must
be what it was, in the byte order of this machine and row-major."""
import io
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

DTYPES = ("?", "i4", "i8", "f2", "f4", "f8", "c8", "c16")
SHAPES = ((), (0,), (1,), (7,), (0, 3), (3, 0), (2, 3), (3, 1, 2), (1,) * 8, (40, 50))


def array(dtype, shape, order="C"):
    """Every bit pattern that the dtype has, NaNs and infinities among them."""
    size = int(np.prod(shape))
    bits = np.random.default_rng(size).integers(0, 256, size * np.dtype(dtype).itemsize, dtype=np.uint8)
    values = (bits & 1).view(bool) if dtype == "?" else bits.view(dtype)
    return np.asarray(values.reshape(shape), order=order)


def arrays():
    for dtype in DTYPES:
        for shape in SHAPES:
            for byte_order in "<>":
                for order in "CF":
                    x = array(dtype, shape, order)
                    name = f"{x.dtype.name}_{'x'.join(map(str, shape))}_{order}_{'little' if byte_order == '<' else 'big'}"
                    yield name, x.astype(x.dtype.newbyteorder(byte_order), order=order)


def write_all(folder):
    expected = {}
    for name, x in arrays():
        expected[f"{name}.npy"] = {"": x}
        np.save(folder / f"{name}.npy", x)
    for version in ((1, 0), (2, 0), (3, 0)):
        name = f"version_{version[0]}.npy"
        x = array("f8", (2, 3))
        with open(folder / name, "wb") as file:
            np.lib.format.write_array(file, x, version)
        expected[name] = {"": x}
    named = dict(arrays())
    named["größe und ∂"] = array("f4", (3,))
    for name, save in (("stored.npz", np.savez), ("compressed.npz", np.savez_compressed), ("empty.npz", np.savez)):
        expected[name] = {} if name == "empty.npz" else named
        save(folder / name, **expected[name])
    big = np.zeros((1000, 1000))  # a thousand times smaller when compressed
    expected["zeros.npz"] = {"zeros": big}
    np.savez_compressed(folder / "zeros.npz", zeros=big)
    return expected


def check(name, actual, expected):
    native = expected.astype(expected.dtype.newbyteorder("="))
    assert actual.dtype == native.dtype, f"{name}: {actual.dtype} instead of {native.dtype}"
    assert actual.shape == native.shape, f"{name}: {actual.shape} instead of {native.shape}"
    assert actual.tobytes() == native.tobytes(), f"{name}: other elements"


def main(resave):
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "in", pathlib.Path(folder) / "out"
        source.mkdir()
        target.mkdir()
        expected = write_all(source)
        done = subprocess.run([resave, source, target], stderr=subprocess.PIPE, text=True)
        if "has no zlib" in done.stderr:
            print("skipped: compressed files, for which this build has no zlib")
            for name in ("compressed.npz", "zeros.npz"):
                (source / name).unlink()
                del expected[name]
            done = subprocess.run([resave, source, target], stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        for name, arrays_in_file in expected.items():
            if name.endswith(".npy"):
                check(name, np.load(target / name), arrays_in_file[""])
                continue
            assert zipfile.ZipFile(target / name).testzip() is None
            with np.load(target / name) as loaded:
                assert list(loaded) == list(arrays_in_file), f"{name}: {list(loaded)}"
                for key, x in arrays_in_file.items():
                    check(f"{name}[{key}]", loaded[key], x)
        plain = io.BytesIO()
        np.save(plain, array("f8", (2, 3)))
        assert (target / "version_1.npy").read_bytes() == plain.getvalue(), "other bytes than NumPy's"
        print(f"{len(expected)} files, NumPy {np.__version__}")


main(sys.argv[1])
