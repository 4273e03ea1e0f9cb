// The derivative of a fixed point y = g(a, y) without going through its iteration: by the implicit function theorem,
// dy = (I - dg/dy)^-1 dg/da da. Kepler's equation, E = M + e sin E: dE/dM = 1 / (1 - e cos E).

#include <iostream>

#include "scangrad/scangrad.h"

namespace sg = scangrad;
using sg::Tensor;
using List = sg::CustomRules::List;

int main() {
  const double eccentricity = 0.3;
  const auto g = [&](const Tensor& mean, const Tensor& E) { return mean + eccentricity * sg::sin(E); };
  const auto kepler = sg::custom_function({
      .forward =
          [&](List x) {
            Tensor E = x[0];
            for (double change = 1; change > 1e-15;) {
              const Tensor next = g(x[0], E);
              change = sg::max(sg::abs(next - E)).item<double>();
              E = next;
            }
            return E;
          },
      .jvp =
          [&](List x, List y, List dx) {  // dE = dg/dM dM + dg/dE dE, where dg/dE is diagonal
            const Tensor by_mean = sg::jvp([&](const Tensor& m) { return g(m, y[0]); }, {x[0]}, {dx[0]}).tangent;
            const Tensor slope = sg::jvp([&](const Tensor& E) { return g(x[0], E); }, {y[0]}, {sg::ones(y[0].shape())}).tangent;
            return by_mean / (1 - slope);
          },
      .outputs_like = [](List x) { return x[0]; },
      .name = "kepler",
  });
  const Tensor mean = {0.5, 1.0, 2.0};
  const Tensor E = kepler(mean);
  const Tensor slope = sg::grad([&](const Tensor& m) { return sg::sum(kepler(m)); })(mean);
  const Tensor curvature = sg::grad(
      [&](const Tensor& m) { return sg::sum(sg::grad([&](const Tensor& t) { return sg::sum(kepler(t)); })(m)); })(mean);
  const Tensor c = 1 - eccentricity * sg::cos(E);
  std::cout << "anomaly " << E << "\nslope " << slope << "\nerrors " << (sg::max(sg::abs(slope - 1 / c)) < 1e-14) << " "
            << (sg::max(sg::abs(curvature + eccentricity * sg::sin(E) / (c * c * c))) < 1e-13) << "\n";
}
