#!/usr/bin/env python3
"""Writes tests/data/second_order.json: second derivatives of scans to 40 digits, by definition, with mpmath.

    python3 -m venv /tmp/mp && /tmp/mp/bin/pip install mpmath && /tmp/mp/bin/python scripts/make_second_order.py

Each case has a scan y(x) of one lane (real or complex numbers), directions t and a, and cotangents g and q. With <u, v> the real inner
product Re sum conj(u_k) v_k, the file holds

    jvp_of_jvp   d/de  J(x + e a) t                                     (what jvp of jvp gives)
    vjp_of_jvp   the v with <v, a'> = d/de <g, J(x + e a') t> for all a' (cotangent g)
    jvp_of_vjp   d/de  J(x + e a)^H g
    vjp_of_vjp   the v with <v, a'> = d/de <q, J(x + e a')^H g> for all a'

Scans of a parameter, f(u) = sum W . scan(B u + C), have f, df and ddf instead. Everything
is made of the definition: y_k = log sum e^x_i, weights w_ki = e^{x_i - y_k}, dw_ki = w_ki (dx_i - sum_j w_kj dx_j); 400 digits leave
nothing of the cancellation.
"""

import json
import os

from mpmath import conj, exp, log, mp, mpc, mpf, nstr

mp.dps = 400
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
ORDERS = [(False, False), (False, True), (True, False), (True, True)]


def prefixes(n, reverse, exclusive):
    """S_k: the elements that output k is made of."""
    for k in range(n):
        if reverse:
            yield list(range(k + 1 if exclusive else k, n))
        else:
            yield list(range(0, k if exclusive else k + 1))


def is_log_zero(x):
    return x == mpf("-inf")


def lse_weights(x, sets):
    """w_ki, 0 outside S_k, at log zero, and in empty prefixes."""
    result = []
    for members in sets:
        terms = {i: exp(x[i]) for i in members if not is_log_zero(x[i])}
        total = sum(terms.values())
        result.append([terms[i] / total if i in terms else mpf(0) for i in range(len(x))])
    return result


class LogCumSumExp:
    """Derivatives by those of the weights: dw_ki = w_ki (a_i - sum_j w_kj a_j)."""

    def __init__(self, x, reverse, exclusive):
        self.n = len(x)
        self.w = lse_weights(x, list(prefixes(self.n, reverse, exclusive)))

    def turned(self, a):
        means = [sum(row[j] * a[j] for j in range(self.n)) for row in self.w]
        return [[row[i] * (a[i] - mean) for i in range(self.n)] for row, mean in zip(self.w, means)]

    def jvp_of_jvp(self, t, a):
        return [sum(row[i] * t[i] for i in range(self.n)) for row in self.turned(a)]

    def jvp_of_vjp(self, g, a):
        dw = self.turned(a)
        return [sum(conj(dw[k][i]) * g[k] for k in range(self.n)) for i in range(self.n)]

    def vjp_of_jvp(self, t, g):
        """<g, dJ t> = Re sum_k conj(g_k) sum_i w_ki (a_i - Ma_k) t_i: gather by a_i."""
        means = [sum(row[j] * t[j] for j in range(self.n)) for row in self.w]
        return [
            conj(sum(conj(g[k]) * self.w[k][i] * (t[i] - means[k]) for k in range(self.n))) for i in range(self.n)
        ]

    def vjp_of_vjp(self, g, q):
        """<q, dJ^H g> = Re sum conj(q_i) conj(dw_ki) g_k = Re sum_k conj(g_k) dw_ki q_i: that of the jvp in direction q."""
        return self.vjp_of_jvp(q, g)


def jet_product(p, q):
    """Series in two directions: (value, t, a, ta)."""
    return (
        p[0] * q[0],
        p[1] * q[0] + p[0] * q[1],
        p[2] * q[0] + p[0] * q[2],
        p[3] * q[0] + p[1] * q[2] + p[2] * q[1] + p[0] * q[3],
    )


class CumProd:
    def __init__(self, x, reverse, exclusive):
        self.x, self.sets = x, list(prefixes(len(x), reverse, exclusive))

    def outputs(self, x, t, a):
        result = []
        for members in self.sets:
            y = (mpf(1), mpf(0), mpf(0), mpf(0))
            for i in members:
                y = jet_product(y, (x[i], t[i], a[i], mpf(0)))
            result.append(y)
        return result

    def jvp_of_jvp(self, t, a):
        return [y[3] for y in self.outputs(self.x, t, a)]

    def second(self, g, a):
        """sum_k conj(g_k) d2 y_k / dx_i da, for each i."""
        n = len(self.x)
        result = []
        for i in range(n):
            one = [mpf(int(i == j)) for j in range(n)]
            result.append(conj(sum(conj(g[k]) * y[3] for k, y in enumerate(self.outputs(self.x, one, a)))))
        return result

    def jvp_of_vjp(self, g, a):
        return self.second(g, a)

    def vjp_of_jvp(self, t, g):
        return self.second(g, t)

    def vjp_of_vjp(self, g, q):
        return self.second(g, q)


SCANS = {"logcumsumexp": LogCumSumExp, "cumprod": CumProd}


def text(value):
    if isinstance(value, mpc):
        return [text(value.real), text(value.imag)]
    return nstr(value, 40)


def numbers(values, is_complex):
    return [text(mpc(v) if is_complex else mpf(v)) for v in values]


def lane_case(name, op, dtype, x, t, a, g, q):
    is_complex = dtype == "complex128"
    read = (lambda v: mpc(v)) if is_complex else (lambda v: mpf(v))
    x, t, a, g, q = ([read(v) for v in values] for values in (x, t, a, g, q))
    for reverse, exclusive in ORDERS:
        scan = SCANS[op](x, reverse, exclusive)
        case = {"id": name, "op": op, "dtype": dtype, "reverse": reverse, "exclusive": exclusive}
        for key, values in zip("xtagq", (x, t, a, g, q)):
            case[key] = numbers(values, is_complex)
        case["jvp_of_jvp"] = numbers(scan.jvp_of_jvp(t, a), is_complex)
        case["vjp_of_jvp"] = numbers(scan.vjp_of_jvp(t, g), is_complex)
        case["jvp_of_vjp"] = numbers(scan.jvp_of_vjp(g, a), is_complex)
        case["vjp_of_vjp"] = numbers(scan.vjp_of_vjp(g, q), is_complex)
        yield case


def curve_case(name, op, slopes, offsets, weights, u, reverse):
    """f(u) = sum W . scan(rows B u + C) and its two derivatives."""
    value, first, second = mpf(0), mpf(0), mpf(0)
    for B, C, W in zip(slopes, offsets, weights):
        B, x, W = [mpf(b) for b in B], [mpf(b) * mpf(u) + mpf(c) for b, c in zip(B, C)], [mpf(w) for w in W]
        sets = list(prefixes(len(x), reverse, False))
        scan = SCANS[op](x, reverse, False)
        if op == "cumprod":
            rows = scan.outputs(x, B, B)
            value += sum(w * y[0] for w, y in zip(W, rows))
            first += sum(w * y[1] for w, y in zip(W, rows))
        else:
            value += sum(w * log(sum(exp(x[i]) for i in members)) for w, members in zip(W, sets))
            first += sum(w * sum(row[i] * B[i] for i in range(len(x))) for w, row in zip(W, scan.w))
        second += sum(w * y for w, y in zip(W, scan.jvp_of_jvp(B, B)))
    keys = {"slopes": slopes, "offsets": offsets, "weights": weights, "u": u}
    return {"id": name, "op": op, "reverse": reverse, **keys, "f": text(value), "df": text(first), "ddf": text(second)}


def lanes():
    ramp = ["1", "-0.5", "0.25", "2", "-1.5"]
    back = ["0.5", "1", "-2", "0.75", "1.25"]
    g = ["1", "-2", "0.5", "3", "-0.25"]
    q = ["-1", "0.5", "1.5", "-0.75", "2"]
    three = lambda v: v[:3]
    yield from lane_case("L4", "logcumsumexp", "float64", ["0", "1", "2"], *map(three, (ramp, back, g, q)))
    yield from lane_case("L4 saturated", "logcumsumexp", "float64", ["0", "-40", "1", "-40", "38"], ramp, back, g, q)
    yield from lane_case("L7", "logcumsumexp", "float64", ["0", "20", "40", "60", "80"], ramp, back, g, q)
    yield from lane_case("L8", "logcumsumexp", "float64", ["0.5", "-1", "2", "0.25", "-3"], ramp, back, ["1", "0", "-2", "0", "0"], q)
    yield from lane_case("L8 log zero", "logcumsumexp", "float64", ["-inf", "0.5", "-inf", "1", "2"], ramp, back, ["0", "1", "0", "-2", "0"], q)
    yield from lane_case("P5 zeros", "cumprod", "float64", ["2", "0", "3", "0", "-1.5"], ramp, back, g, q)
    yield from lane_case("P5 one zero", "cumprod", "float64", ["2", "-1", "0", "0.5", "-1.5"], ramp, back, g, q)
    yield from lane_case("P5 plain", "cumprod", "float64", ["2", "-1", "3", "0.5", "-1.5"], ramp, back, g, q)
    z = [mpc(0, 1), mpc(1, 2), mpc(-1, 3)]
    zt, za = [mpc(1), mpc(0, 1), mpc(1, -1)], [mpc("0.5", 1), mpc(-1, "0.25"), mpc(2, 1)]
    zg, zq = [mpc(1), mpc("0.5", -1), mpc(0, 2)], [mpc(-1, "0.5"), mpc(1, 1), mpc("0.25", -2)]
    yield from lane_case("C1 to C4", "logcumsumexp", "complex128", z, zt, za, zg, zq)
    near = [mpc(0), mpc("0", "3.140625"), mpc("0.296875")]
    yield from lane_case("C antiphase", "logcumsumexp", "complex128", near, zt, za, zg, zq)
    late = [mpc(0, 1), mpc(-40, 2), mpc(38, "-2.5")]
    yield from lane_case("C saturated", "logcumsumexp", "complex128", late, zt, za, zg, zq)
    yield from lane_case("C cumprod", "cumprod", "complex128", [mpc(1, 1), mpc(0), mpc("0.5", -1)], zt, za, zg, zq)


def curves():
    slopes, offsets, weights = [["1", "-1", "2"], ["-1", "1", "3"]], [["0", "1", "3"], ["0", "2", "-1"]], [["1", "2", "-1"], ["3", "-2", "4"]]
    for name, u in (("L5", "-400"), ("L6", "-40"), ("L6b", "-1")):
        for reverse in (False, True):
            yield curve_case(name, "logcumsumexp", slopes, offsets, weights, u, reverse)
    P5 = [["1", "1", "-1"], ["1", "2", "1"]], [["0", "1", "2"], ["-1", "1", "3"]], [["1", "2", "3"], ["4", "5", "6"]]
    for reverse in (False, True):
        yield curve_case("P5", "cumprod", *P5, "1", reverse)


def main():
    content = {"lanes": list(lanes()), "curves": list(curves())}
    with open(os.path.join(TOP, "tests", "data", "second_order.json"), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
