#!/usr/bin/env python3
"""Prints the polynomials of cpu/simd/math.h and complex_math.h: near-minimax fits (interpolation at Chebyshev's nodes), with their largest error.

    python3 -m venv /tmp/mp && /tmp/mp/bin/pip install mpmath && /tmp/mp/bin/python scripts/make_polynomials.py
"""
from mpmath import mp, mpf, atan, cos, exp, expm1, log, pi, sin, sqrt, tan, matrix, lu_solve

mp.dps = 60


def fit(name, f, low, high, degree, whole, weight):
    """f on [low, high] by a polynomial; `whole(x, p)` is the function that it serves, `weight` what its error is relative to."""
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * k + 1) / (2 * degree + 2)) for k in range(degree + 1)]
    system = matrix([[x**j for j in range(degree + 1)] for x in nodes])
    coefficients = [float(c) for c in lu_solve(system, matrix([f(x) for x in nodes]))]
    points = [low + (high - low) * mpf(k) / 2001 for k in range(1, 2001)]
    p = lambda x: sum(mpf(c) * x**j for j, c in enumerate(coefficients))
    worst = max(abs(whole(x, p(x)) / weight(x)) for x in points)
    print(f"// {name}: error {float(worst):.2g}")
    print(", ".join(repr(c) for c in coefficients))


half = log(2) / 2
fit("exp, light: 1 + r q(r)", lambda r: expm1(r) / r if r else mpf(1), -half, half, 6, lambda r, q: 1 + r * q - exp(r), exp)
fit("exp: 1 + r + r^2 q(r)", lambda r: (expm1(r) - r) / r**2 if abs(r) > 1e-20 else mpf(1) / 2, -half, half, 10, lambda r, q: 1 + r + r * r * q - exp(r), exp)
fit("log, light: f q(f)", lambda f: log(1 + f) / f, sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1, 10,
    lambda f, q: f * q - log(1 + f), lambda f: 1)
top = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1))**2
atanh = lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2) / z
fit("log: 2 s + s^3 q(s^2)", atanh, top / 10**6, top, 6, lambda z, q: (q - atanh(z)) * z, lambda z: 1)

fit("exp, floats: 1 + r + r^2 q(r)", lambda r: (expm1(r) - r) / r**2 if abs(r) > 1e-20 else mpf(1) / 2, -half, half, 4, lambda r, q: 1 + r + r * r * q - exp(r), exp)
for entries, degree in ((16, 2), (8, 3)):
    inverses = [round(2**10 / (1 + mpf(2 * k + 1) / (2 * entries))) / mpf(2**10) for k in range(entries)]
    print(f"// log, floats, {entries} entries: about 1 / m in the middle, and minus its logarithm")
    print(", ".join(f"{float(v)!r}f" for v in inverses))
    print(", ".join(f"{float(-log(v)):.9g}f" for v in inverses))
    reach = max(abs((1 + mpf(k + end) / entries) * v - 1) for k, v in enumerate(inverses) for end in (0, 1))
    fit(f"log, floats, {entries} entries: f + f^2 q(f), |f| <= {float(reach):.3g}",
        lambda f: (log(1 + f) - f) / f**2 if abs(f) > 1e-20 else -mpf(1) / 2, -reach, reach, degree,
        lambda f, q: f + f * f * q - log(1 + f), lambda f: 1)

# In the square z of the argument, relative to the function.
in_square = {
    "sin": (lambda r: sin(r), lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z, p: sqrt(z) * (1 + z * p), pi / 4, (3, 5)),
    "cos": (lambda r: cos(r), lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z, p: 1 - z / 2 + z * z * p, pi / 4, (3, 5)),
    "atan": (lambda r: atan(r), lambda z: (atan(sqrt(z)) / sqrt(z) - 1) / z, lambda z, p: sqrt(z) * (1 + z * p), tan(pi / 8), (5, 10)),
}
for name, (f, rest, whole, reach, degrees) in in_square.items():
    for degree in degrees:
        fit(f"{name}, degree {degree} in the square", rest, mpf(10)**-9, reach**2 * mpf("1.0001"), degree,
            lambda z, p: whole(z, p) - f(sqrt(z)), lambda z: f(sqrt(z)))
