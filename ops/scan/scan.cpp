// The public scans: from what the user wrote to a primitive. A scan without initial value or carry is one of scan.h; the others start
// from the parts of a carry (carried.h).

#include <limits>

#include "ops/scan/carried.h"
#include "ops/shape.h"

namespace scangrad::inline v0 {

using namespace ops;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// What tells one scan from another here.
struct Kind {
  const char* name;
  const char* name_with_carry;  ///< of the function that returns the carry too
  double identity;
  bool log_space = false;  ///< float functions of integers give float64
  PrimitiveRef (*plain)(ScanOrder, LogScanRule) = nullptr;
  PrimitiveRef (*carried)(ScanOrder, LogScanRule) = nullptr;
  bool extreme = false;  ///< carries an element

  DType carry_dtype(DType dtype) const { return extreme && is_integer(dtype) ? dtype : ops::carry_dtype(dtype); }
  std::size_t carry_width(DType dtype) const {
    return extreme ? 1 : log_space ? log_carry_width(dtype) : ops::carry_width(dtype);
  }
};

template <class P>
PrimitiveRef make(ScanOrder order, LogScanRule rule) {
  if constexpr (std::is_base_of_v<LogScan<P>, P>) return make_primitive<P>(order, rule);
  else return make_primitive<P>(order);
}

template <bool largest>
PrimitiveRef make_extreme(ScanOrder order, LogScanRule) {
  return make_primitive<CumExtreme>(order, largest, false);
}

constexpr Kind sum_kind = {"cumsum", "cumsum_with_carry", 0, false, make<CumSum>, make<CarriedSum>};
constexpr Kind product_kind = {"cumprod", "cumprod_with_carry", 1, false, make<CumProd>, make<CarriedProduct>};
constexpr Kind log_sum_kind = {"logcumsumexp", "logcumsumexp_with_carry", -infinity,
                               true,           make<LogCumSumExp>,        make<CarriedLogSumExp>};
constexpr Kind recurrence_kind = {"linear_recurrence",    "linear_recurrence_with_carry", 0, false,
                                  make<LinearRecurrence>, make<CarriedRecurrence>};
constexpr Kind largest_kind = {"cummax",           "cummax_with_carry",        -infinity, false,
                               make_extreme<true>, make<CarriedExtreme<true>>, true};
constexpr Kind smallest_kind = {
    "cummin", "cummin_with_carry", infinity, false, make_extreme<false>, make<CarriedExtreme<false>>, true};

const Operand* value_of(const ScanInitial* initial) {
  return initial == nullptr || ScanAccess::carry(*initial) != nullptr ? nullptr : &ScanAccess::value(*initial);
}

/// The dtype in which the elements and the initial value, if it is not a carry, meet.
DType scan_dtype(const Kind& kind, DType elements, const ScanInitial* initial) {
  const Operand* value = value_of(initial);
  if (value != nullptr) elements = common_dtype(zeros({}, {.dtype = elements}), *value);
  return kind.log_space ? float_dtype(elements) : number_dtype(elements);
}

ScanOrder order_of(const Kind& kind, const ScanOptions& options, const Shape& shape) {
  check(options.rule == LogScanRule::weights || kind.log_space,
        "the rule is that of logcumsumexp, and a {} has one rule only; leave .rule out", kind.name);
  check(!options.include_initial || !options.exclusive,
        "include_initial and exclusive exclude each other: with include_initial, the first n of the n + 1 outputs are the "
        "exclusive "
        "scan");
  return {core::single_axis(options.axis, shape), options.reverse, options.exclusive};
}

Shape without_axis(const Shape& shape, int axis) {
  std::vector<std::int64_t> rest(shape.begin(), shape.end());
  rest.erase(rest.begin() + axis);
  return Shape(rest);
}

/// A number or Tensor as initial value of lanes of the shape `rest`.
Tensor initial_value(const Operand& value, DType dtype, const Shape& shape, int axis) {
  const Tensor start = in_dtype(value, dtype);
  const Shape rest = without_axis(shape, axis);
  check(broadcasts_to(shape_of(start), rest), "the initial value has shape {}, but a scan of {} along axis {} needs {}",
        shape_of(start), shape, axis, rest);
  return broadcast_to(start, rest);
}

void check_carry(const Kind& kind, const ScanCarry& carry, DType dtype, const Shape& shape, int axis) {
  const auto& parts = ScanAccess::parts(carry);
  check(!parts.empty(), "an empty carry was given; take one from {}", kind.name_with_carry);
  check(ScanAccess::scan(carry) == kind.name, "the carry is that of a {}; take one from {}", ScanAccess::scan(carry),
        kind.name_with_carry);
  check(ScanAccess::dtype(carry) == dtype, "the carry is that of a scan in {}, but this one is in {}; convert x with astype",
        ScanAccess::dtype(carry), dtype);
  const Shape rest = without_axis(shape, axis);
  for (const Tensor& part : parts)
    check(shape_of(part) == rest, "the carry has shape {}, but a scan of {} along axis {} needs {}", shape_of(part), shape,
          axis, rest);
}

/// The parts from which a scan starts: those of a carry, or of a value; none to start from nothing.
std::vector<Tensor> parts_of(const Kind& kind, const ScanInitial* initial, DType dtype, const Shape& shape, int axis) {
  if (initial != nullptr && ScanAccess::carry(*initial) != nullptr) {
    check_carry(kind, *ScanAccess::carry(*initial), dtype, shape, axis);
    return ScanAccess::parts(*ScanAccess::carry(*initial));
  }
  const Operand* value = value_of(initial);
  if (value == nullptr) return {};
  const DType wide = kind.carry_dtype(dtype);
  std::vector<Tensor> parts = {initial_value(*value, wide, shape, axis)};
  if (kind.log_space) parts.push_back(ones(shape_of(parts[0]), {.dtype = wide}));  // e^m, once
  while (parts.size() < kind.carry_width(dtype)) parts.push_back(zeros_like(parts[0]));
  return parts;
}

/// x with one element more, last in scan order: an exclusive scan of that has the outputs of both kinds, n + 1.
Tensor with_last(const Kind& kind, const Tensor& x, double element, ScanOrder order) {
  Shape one = shape_of(x);
  one[static_cast<std::size_t>(order.axis)] = 1;
  const Tensor last = kind.extreme ? reshape(no_extreme(x, order, kind.identity < 0), one)
                                   : broadcast_to(in_dtype(element, dtype_of_tensor(x)), one);
  return order.reverse ? concatenate({last, x}, {.axis = order.axis}) : concatenate({x, last}, {.axis = order.axis});
}

/// `elements`: x, or a and b, of one shape and dtype. An element that changes nothing: `neutral` of each.
ScanWithCarry scan_with_parts(const Kind& kind, std::vector<Tensor> elements, const std::vector<double>& neutral,
                              const ScanInitial* initial, ScanOrder order, const ScanOptions& options) {
  const DType dtype = dtype_of_tensor(elements[0]);
  const std::vector<Tensor> parts = parts_of(kind, initial, dtype, shape_of(elements[0]), order.axis);
  if (options.include_initial) {
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = with_last(kind, elements[i], neutral[i], order);
    order = exclusive(order);
  }
  std::vector<Tensor> outs = apply_carried(kind.carried(order, options.rule), std::move(elements), parts,
                                           kind.carry_width(dtype), kind.carry_dtype(dtype));
  Tensor y = outs[0];
  outs.erase(outs.begin());
  return {y, ScanAccess::make(std::move(outs), kind.name, dtype)};
}

struct Elements {
  Tensor x;
  ScanOrder order;
};

template <class List>
Elements elements_of(const Kind& kind, const Operand& x, const ScanInitial* initial, const ScanOptions& options, List) {
  const Tensor tensor = as_tensor(x);
  const DType dtype = scan_dtype(kind, dtype_of_tensor(tensor), initial);
  check_dtype(List{}, dtype);
  return {in_dtype(tensor, dtype), order_of(kind, options, shape_of(tensor))};
}

template <class List>
Tensor scan(const Kind& kind, const Operand& x, const ScanInitial* initial, const ScanOptions& options, List list) {
  const CallScope scope(kind.name, x.site());
  const Elements e = elements_of(kind, x, initial, options, list);
  if (initial == nullptr && !options.include_initial)
    return apply(kind.plain(e.order, options.rule), core::node_of(e.x).value.spec, {e.x});
  return scan_with_parts(kind, {e.x}, {kind.identity}, initial, e.order, options).y;
}

template <class List>
ScanWithCarry scan_with_carry(const Kind& kind, const Operand& x, const ScanInitial* initial, const ScanOptions& options,
                              List list) {
  const CallScope scope(kind.name_with_carry, x.site());
  const Elements e = elements_of(kind, x, initial, options, list);
  return scan_with_parts(kind, {e.x}, {kind.identity}, initial, e.order, options);
}

// ---- linear recurrence ------------------------------------------------------------------------------------------------------

struct Recurrence {
  Tensor a, b;
  ScanOrder order;
};

Recurrence recurrence_of(const Operand& a, const Operand& b, const ScanInitial* initial, const ScanOptions& options) {
  const DType dtype = scan_dtype(recurrence_kind, common_dtype(a, b), initial);
  check_dtype(core::Numbers{}, dtype);
  const Tensor factors = in_dtype(a, dtype), terms = in_dtype(b, dtype);
  const Shape shape = broadcast_shapes(shape_of(factors), shape_of(terms));
  return {broadcast_to(factors, shape), broadcast_to(terms, shape), order_of(recurrence_kind, options, shape)};
}

Tensor recurrence_scan(const Operand& a, const Operand& b, const ScanInitial* initial, const ScanOptions& options) {
  const CallScope scope(recurrence_kind.name, a.site());
  const Recurrence r = recurrence_of(a, b, initial, options);
  const Operand* value = value_of(initial);
  if ((initial != nullptr && value == nullptr) || options.include_initial)
    return scan_with_parts(recurrence_kind, {r.a, r.b}, {1, 0}, initial, r.order, options).y;
  if (value == nullptr) return recurrence(r.a, r.b, std::nullopt, r.order);
  return recurrence(r.a, r.b, initial_value(*value, dtype_of_tensor(r.a), shape_of(r.a), r.order.axis), r.order);
}

ScanWithCarry recurrence_with_carry(const Operand& a, const Operand& b, const ScanInitial* initial,
                                    const ScanOptions& options) {
  const CallScope scope(recurrence_kind.name_with_carry, a.site());
  const Recurrence r = recurrence_of(a, b, initial, options);
  return scan_with_parts(recurrence_kind, {r.a, r.b}, {1, 0}, initial, r.order, options);
}

ScanWithIndices extreme_with_indices(const Kind& kind, const Operand& x, const ScanOptions& options, bool largest) {
  const CallScope scope(largest ? "cummax_with_indices" : "cummin_with_indices", x.site());
  check(!options.include_initial,
        "the identity, which include_initial puts first, stands nowhere along the axis; leave it out");
  const Elements e = elements_of(kind, x, nullptr, options, core::Reals{});
  const Shape& shape = shape_of(e.x);
  return {apply(kind.plain(e.order, options.rule), {shape, dtype_of_tensor(e.x)}, {e.x}),
          apply(make_primitive<CumExtreme>(e.order, largest, true), {shape, DType::int64}, {e.x})};
}

}  // namespace

Tensor cumsum(const Operand& x, const ScanOptions& o) { return scan(sum_kind, x, nullptr, o, core::Numbers{}); }
Tensor cumsum(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan(sum_kind, x, &initial, o, core::Numbers{});
}
ScanWithCarry cumsum_with_carry(const Operand& x, const ScanOptions& o) {
  return scan_with_carry(sum_kind, x, nullptr, o, core::Numbers{});
}
ScanWithCarry cumsum_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan_with_carry(sum_kind, x, &initial, o, core::Numbers{});
}

Tensor cumprod(const Operand& x, const ScanOptions& o) { return scan(product_kind, x, nullptr, o, core::Numbers{}); }
Tensor cumprod(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan(product_kind, x, &initial, o, core::Numbers{});
}
ScanWithCarry cumprod_with_carry(const Operand& x, const ScanOptions& o) {
  return scan_with_carry(product_kind, x, nullptr, o, core::Numbers{});
}
ScanWithCarry cumprod_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan_with_carry(product_kind, x, &initial, o, core::Numbers{});
}

Tensor cummax(const Operand& x, const ScanOptions& o) { return scan(largest_kind, x, nullptr, o, core::Reals{}); }
Tensor cummax(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan(largest_kind, x, &initial, o, core::Reals{});
}
ScanWithCarry cummax_with_carry(const Operand& x, const ScanOptions& o) {
  return scan_with_carry(largest_kind, x, nullptr, o, core::Reals{});
}
ScanWithCarry cummax_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan_with_carry(largest_kind, x, &initial, o, core::Reals{});
}
ScanWithIndices cummax_with_indices(const Operand& x, const ScanOptions& o) {
  return extreme_with_indices(largest_kind, x, o, true);
}

Tensor cummin(const Operand& x, const ScanOptions& o) { return scan(smallest_kind, x, nullptr, o, core::Reals{}); }
Tensor cummin(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan(smallest_kind, x, &initial, o, core::Reals{});
}
ScanWithCarry cummin_with_carry(const Operand& x, const ScanOptions& o) {
  return scan_with_carry(smallest_kind, x, nullptr, o, core::Reals{});
}
ScanWithCarry cummin_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan_with_carry(smallest_kind, x, &initial, o, core::Reals{});
}
ScanWithIndices cummin_with_indices(const Operand& x, const ScanOptions& o) {
  return extreme_with_indices(smallest_kind, x, o, false);
}

Tensor logcumsumexp(const Operand& x, const ScanOptions& o) { return scan(log_sum_kind, x, nullptr, o, core::Inexact{}); }
Tensor logcumsumexp(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan(log_sum_kind, x, &initial, o, core::Inexact{});
}
ScanWithCarry logcumsumexp_with_carry(const Operand& x, const ScanOptions& o) {
  return scan_with_carry(log_sum_kind, x, nullptr, o, core::Inexact{});
}
ScanWithCarry logcumsumexp_with_carry(const Operand& x, const ScanInitial& initial, const ScanOptions& o) {
  return scan_with_carry(log_sum_kind, x, &initial, o, core::Inexact{});
}

Tensor linear_recurrence(const Operand& a, const Operand& b, const ScanOptions& o) { return recurrence_scan(a, b, nullptr, o); }
Tensor linear_recurrence(const Operand& a, const Operand& b, const ScanInitial& initial, const ScanOptions& o) {
  return recurrence_scan(a, b, &initial, o);
}
ScanWithCarry linear_recurrence_with_carry(const Operand& a, const Operand& b, const ScanOptions& o) {
  return recurrence_with_carry(a, b, nullptr, o);
}
ScanWithCarry linear_recurrence_with_carry(const Operand& a, const Operand& b, const ScanInitial& initial,
                                           const ScanOptions& o) {
  return recurrence_with_carry(a, b, &initial, o);
}

}  // namespace scangrad::inline v0
