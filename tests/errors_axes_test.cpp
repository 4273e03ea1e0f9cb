// Every function that takes an axis, given one that the tensor does not have; and what else depends on ranks.

#include "scangrad/scangrad.h"
#include "support/golden.h"

namespace sg = scangrad;
using sg::Axes;
using sg::Tensor;

namespace {

const Tensor x = {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}};
const Tensor indices = {0, 1};

struct Row {
  std::string name;
  std::function<void(const Axes&)> call;
};

const std::vector<Row> table = {
    {"sum", [](const Axes& axis) { sg::sum(x, {.axis = axis}); }},
    {"mean", [](const Axes& axis) { sg::mean(x, {.axis = axis}); }},
    {"max", [](const Axes& axis) { sg::max(x, {.axis = axis}); }},
    {"min", [](const Axes& axis) { sg::min(x, {.axis = axis}); }},
    {"prod", [](const Axes& axis) { sg::prod(x, {.axis = axis}); }},
    {"any", [](const Axes& axis) { sg::any(x, {.axis = axis}); }},
    {"all", [](const Axes& axis) { sg::all(x, {.axis = axis}); }},
    {"norm", [](const Axes& axis) { sg::norm(x, {.axis = axis}); }},
    {"var", [](const Axes& axis) { sg::var(x, {.axis = axis}); }},
    {"std", [](const Axes& axis) { sg::std(x, {.axis = axis}); }},
    {"argmax", [](const Axes& axis) { sg::argmax(x, {.axis = axis}); }},
    {"argmin", [](const Axes& axis) { sg::argmin(x, {.axis = axis}); }},
    {"logsumexp", [](const Axes& axis) { sg::logsumexp(x, {.axis = axis}); }},
    {"cumsum", [](const Axes& axis) { sg::cumsum(x, {.axis = axis}); }},
    {"cumprod", [](const Axes& axis) { sg::cumprod(x, {.axis = axis}); }},
    {"cummax", [](const Axes& axis) { sg::cummax(x, {.axis = axis}); }},
    {"cummin", [](const Axes& axis) { sg::cummin(x, {.axis = axis}); }},
    {"logcumsumexp", [](const Axes& axis) { sg::logcumsumexp(x, {.axis = axis}); }},
    {"cumsum_with_carry", [](const Axes& axis) { sg::cumsum_with_carry(x, {.axis = axis}); }},
    {"cumprod_with_carry", [](const Axes& axis) { sg::cumprod_with_carry(x, {.axis = axis}); }},
    {"cummax_with_carry", [](const Axes& axis) { sg::cummax_with_carry(x, {.axis = axis}); }},
    {"cummin_with_carry", [](const Axes& axis) { sg::cummin_with_carry(x, {.axis = axis}); }},
    {"logcumsumexp_with_carry", [](const Axes& axis) { sg::logcumsumexp_with_carry(x, {.axis = axis}); }},
    {"cummax_with_indices", [](const Axes& axis) { sg::cummax_with_indices(x, {.axis = axis}); }},
    {"cummin_with_indices", [](const Axes& axis) { sg::cummin_with_indices(x, {.axis = axis}); }},
    {"slice", [](const Axes& axis) { sg::slice(x, {.axis = axis}); }},
    {"sort", [](const Axes& axis) { sg::sort(x, {.axis = axis}); }},
    {"argsort", [](const Axes& axis) { sg::argsort(x, {.axis = axis}); }},
    {"linear_recurrence", [](const Axes& axis) { sg::linear_recurrence(x, x, {.axis = axis}); }},
    {"linear_recurrence_with_carry", [](const Axes& axis) { sg::linear_recurrence_with_carry(x, x, {.axis = axis}); }},
    {"take", [](const Axes& axis) { sg::take(x, 0, {.axis = axis}); }},
    {"take_along_axis", [](const Axes& axis) { sg::take_along_axis(x, sg::astype(x, sg::DType::int64), {.axis = axis}); }},
    {"scatter_add", [](const Axes& axis) { sg::scatter_add(x, 0, x, {.axis = axis}); }},
    {"topk", [](const Axes& axis) { sg::topk(x, 1, {.axis = axis}); }},
    {"concatenate",
     [](const Axes& axis) {
       sg::concatenate({x, x}, {.axis = axis});
     }},
    {"split", [](const Axes& axis) { sg::split(x, 1, {.axis = axis}); }},
    {"roll", [](const Axes& axis) { sg::roll(x, 1, {.axis = axis}); }},
    {"shift", [](const Axes& axis) { sg::shift(x, 1, 0, {.axis = axis}); }},
    {"repeat", [](const Axes& axis) { sg::repeat(x, 1, {.axis = axis}); }},
    {"flip", [](const Axes& axis) { sg::flip(x, axis); }},
    {"squeeze", [](const Axes& axis) { sg::squeeze(x, axis); }},
    {"random::categorical", [](const Axes& axis) { sg::random::categorical(sg::random::key(0), x, {.axis = axis}); }},
    {"random::permutation", [](const Axes& axis) { sg::random::permutation(sg::random::key(0), x, {.axis = axis}); }},
};

}  // namespace

TEST_CASE("an axis out of range") {
  for (const Row& row : table)
    test::check_all(
        {{[&] { row.call(2); }, row.name + ": axis 2 is out of range for a tensor of shape (2, 3); it must be in -2..1"},
         {[&] { row.call(-3); }, row.name + ": axis -3 is out of range for a tensor of shape (2, 3); it must be in -2..1"}});
}

TEST_CASE("several axes where there is one, or one twice") {
  const std::vector<std::string> many = {"sum",  "mean", "max", "min",       "prod", "any",    "all",
                                         "norm", "var",  "std", "logsumexp", "flip", "squeeze"};
  for (const Row& row : table) {
    const bool takes_many = std::count(many.begin(), many.end(), row.name) != 0;
    test::check_all({{[&] {
                        row.call({1, -1});
                      },
                      row.name + (takes_many ? ": axis 1 is named twice in (1, -1); name each axis once"
                                             : ": takes one axis, given the axes (1, -1)")}});
  }
}

TEST_CASE("ranks and shapes that do not fit") {
  test::check_all({
      {[] { sg::clamp(x, indices, 1); },
       "clamp: shapes (2, 3) and (2,) do not broadcast: axis -1 has sizes 3 and 2, which must be equal or 1"},
      {[] { sg::linear_recurrence_with_carry(x, indices); },
       "linear_recurrence_with_carry: shapes (2, 3) and (2,) do not broadcast: axis -1 has sizes 3 and 2, which must be equal "
       "or 1"},
      {[] { sg::expand_dims(x, Axes()); }, "expand_dims: name the places of the new axes, as in expand_dims(x, 0)"},
      {[] {
         sg::random::bits(sg::random::key(0), {2, -1});
       },
       "random::bits: sizes must not be negative, given the shape (2, -1)"},
  });
}
