#pragma once
// Element-wise operations, reductions, shapes, indexing and matrix products.
//
// Unless said otherwise: operands broadcast as in NumPy and meet in the promoted dtype (dtype.h), which is that of the result; bool
// counts as int64 where numbers are needed, and functions with real values take bool and integers as float64; every operation is
// differentiable to any order in both modes; wrong shapes, axes and dtypes throw Error when the operation is called.

#include "scangrad/tensor.h"

namespace scangrad::inline v0 {

/// @name Arithmetic
/// Of tensors that broadcast, and of C++ numbers, which take the dtype of the tensor beside them.
/// @{
SCANGRAD_API Tensor add(const Operand& a, const Operand& b);       ///< a + b
SCANGRAD_API Tensor subtract(const Operand& a, const Operand& b);  ///< a - b
SCANGRAD_API Tensor multiply(const Operand& a, const Operand& b);  ///< a b
SCANGRAD_API Tensor divide(const Operand& a, const Operand& b);    ///< a / b; integers are divided as float64
SCANGRAD_API Tensor negative(const Operand& x);                    ///< -x
/// a^b; integers are raised as float64. Where a is 0, the derivative by b is 0, and the one by a too if b is 0.
SCANGRAD_API Tensor pow(const Operand& a, const Operand& b);

inline Tensor operator+(const Operand& a, const Operand& b) { return add(a, b); }       ///< add
inline Tensor operator-(const Operand& a, const Operand& b) { return subtract(a, b); }  ///< subtract
inline Tensor operator*(const Operand& a, const Operand& b) { return multiply(a, b); }  ///< multiply, element by element
inline Tensor operator/(const Operand& a, const Operand& b) { return divide(a, b); }    ///< divide
inline Tensor operator-(const Operand& x) { return negative(x); }                       ///< negative

/// a += b is a = a + b: the handle a gets a new Tensor, other handles keep theirs.
/// @{
inline Tensor& operator+=(Tensor& a, const Operand& b) { return a = add(Operand(a, b.site()), b); }
inline Tensor& operator-=(Tensor& a, const Operand& b) { return a = subtract(Operand(a, b.site()), b); }
inline Tensor& operator*=(Tensor& a, const Operand& b) { return a = multiply(Operand(a, b.site()), b); }
inline Tensor& operator/=(Tensor& a, const Operand& b) { return a = divide(Operand(a, b.site()), b); }
/// @}
/// @}

/// @name Functions of an element
/// The result has the shape of x. Of floating and complex dtypes but where "real" is said.
/// @{
SCANGRAD_API Tensor exp(const Operand& x);         ///< e^x
SCANGRAD_API Tensor expm1(const Operand& x);       ///< exp(x) - 1, exact near 0
SCANGRAD_API Tensor log(const Operand& x);         ///< natural logarithm; of negative real x: NaN
SCANGRAD_API Tensor log1p(const Operand& x);       ///< log(1 + x), exact near 0
SCANGRAD_API Tensor sqrt(const Operand& x);        ///< of negative real x: NaN
SCANGRAD_API Tensor rsqrt(const Operand& x);       ///< 1 / sqrt(x)
SCANGRAD_API Tensor reciprocal(const Operand& x);  ///< 1 / x
SCANGRAD_API Tensor square(const Operand& x);      ///< x^2; integers stay integers
SCANGRAD_API Tensor abs(const Operand& x);         ///< real, of complex x too; derivative 0 at 0
SCANGRAD_API Tensor sign(const Operand& x);        ///< -1, 0 or 1; NaN stays; derivative 0; real
SCANGRAD_API Tensor floor(const Operand& x);       ///< the largest integer <= x, in the dtype of x; derivative 0; real
SCANGRAD_API Tensor round(const Operand& x);       ///< to the nearest integer, ties to even; derivative 0; real
SCANGRAD_API Tensor sin(const Operand& x);         ///< of x in radians
SCANGRAD_API Tensor cos(const Operand& x);         ///< of x in radians
SCANGRAD_API Tensor tan(const Operand& x);         ///< of x in radians
SCANGRAD_API Tensor asin(const Operand& x);        ///< in [-pi/2, pi/2] for real x
SCANGRAD_API Tensor acos(const Operand& x);        ///< in [0, pi] for real x
SCANGRAD_API Tensor atan(const Operand& x);        ///< in [-pi/2, pi/2] for real x
SCANGRAD_API Tensor atan2(const Operand& y, const Operand& x);  ///< the angle of the point (x, y), in [-pi, pi]; real
SCANGRAD_API Tensor sinh(const Operand& x);                     ///< (e^x - e^-x) / 2
SCANGRAD_API Tensor cosh(const Operand& x);                     ///< (e^x + e^-x) / 2
SCANGRAD_API Tensor tanh(const Operand& x);                     ///< sinh x / cosh x
SCANGRAD_API Tensor sigmoid(const Operand& x);                  ///< 1 / (1 + exp(-x))
SCANGRAD_API Tensor softplus(const Operand& x);                 ///< log(1 + exp(x)), without overflow; real
SCANGRAD_API Tensor log_sigmoid(const Operand& x);              ///< log(sigmoid(x)) = -softplus(-x); real
SCANGRAD_API Tensor erf(const Operand& x);      ///< 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x; real
SCANGRAD_API Tensor lgamma(const Operand& x);   ///< log |gamma(x)|; real
SCANGRAD_API Tensor digamma(const Operand& x);  ///< the derivative of lgamma; real
/// x, but at least low and at most high. On the bounds the derivative is x's; beyond them the bound's. NaN stays. Real.
SCANGRAD_API Tensor clamp(const Operand& x, const Operand& low, const Operand& high);
SCANGRAD_API Tensor maximum(const Operand& a, const Operand& b);  ///< NaN wins; at a tie each gets half of the cotangent; real
SCANGRAD_API Tensor minimum(const Operand& a, const Operand& b);  ///< likewise
/// @}

/// @name Complex numbers
/// A cotangent of a holomorphic f is conj(f') g, as in PyTorch (JAX: f' g); that of a real input is real.
/// @{
SCANGRAD_API Tensor real(const Operand& x);   ///< the real part; real x itself
SCANGRAD_API Tensor imag(const Operand& x);   ///< the imaginary part; zeros for real x
SCANGRAD_API Tensor conj(const Operand& x);   ///< the conjugate; real x itself
SCANGRAD_API Tensor angle(const Operand& x);  ///< atan2(imag(x), real(x))
/// re + i im: complex64 of float32 and halves, else complex128. Complex parts throw.
SCANGRAD_API Tensor complex(const Operand& re, const Operand& im);
/// @}

/// @name Comparisons and logic
/// bool tensors, without derivatives. Complex numbers have no order: less and its kin throw. NaN is unequal to everything.
/// Logic takes any dtype: what is not 0 is true.
/// @{
SCANGRAD_API Tensor equal(const Operand& a, const Operand& b);          ///< a == b
SCANGRAD_API Tensor not_equal(const Operand& a, const Operand& b);      ///< a != b
SCANGRAD_API Tensor less(const Operand& a, const Operand& b);           ///< a < b
SCANGRAD_API Tensor less_equal(const Operand& a, const Operand& b);     ///< a <= b
SCANGRAD_API Tensor greater(const Operand& a, const Operand& b);        ///< a > b
SCANGRAD_API Tensor greater_equal(const Operand& a, const Operand& b);  ///< a >= b

inline Tensor operator==(const Operand& a, const Operand& b) { return equal(a, b); }          ///< equal
inline Tensor operator!=(const Operand& a, const Operand& b) { return not_equal(a, b); }      ///< not_equal
inline Tensor operator<(const Operand& a, const Operand& b) { return less(a, b); }            ///< less
inline Tensor operator<=(const Operand& a, const Operand& b) { return less_equal(a, b); }     ///< less_equal
inline Tensor operator>(const Operand& a, const Operand& b) { return greater(a, b); }         ///< greater
inline Tensor operator>=(const Operand& a, const Operand& b) { return greater_equal(a, b); }  ///< greater_equal

SCANGRAD_API Tensor logical_and(const Operand& a, const Operand& b);  ///< a and b
SCANGRAD_API Tensor logical_or(const Operand& a, const Operand& b);   ///< a or b
SCANGRAD_API Tensor logical_xor(const Operand& a, const Operand& b);  ///< one of a and b, not both
SCANGRAD_API Tensor logical_not(const Operand& x);                    ///< x is 0
/// @cond
template <class A, class B>
requires(std::same_as<A, Tensor> || std::same_as<B, Tensor>) bool operator&&(const A&, const B&) {
  static_assert(detail::never<A>,
                "&& asks for one bool: write logical_and(a, b) for each element, all(a).item<bool>() for one answer");
  return false;
}
template <class A, class B>
requires(std::same_as<A, Tensor> || std::same_as<B, Tensor>) bool operator||(const A&, const B&) {
  static_assert(detail::never<A>,
                "|| asks for one bool: write logical_or(a, b) for each element, any(a).item<bool>() for one answer");
  return false;
}
template <std::same_as<Tensor> A>
bool operator!(const A&) {
  static_assert(detail::never<A>,
                "! asks for one bool: write logical_not(x) for each element, !any(x).item<bool>() for one answer");
  return false;
}
/// @endcond
SCANGRAD_API Tensor isnan(const Operand& x);     ///< complex: either part
SCANGRAD_API Tensor isinf(const Operand& x);     ///< complex: either part
SCANGRAD_API Tensor isfinite(const Operand& x);  ///< neither NaN nor infinite
/// @}

/// `a` where the condition holds, else `b`; all three broadcast. A value or derivative of the side not taken never gets in, NaN or
/// not. The condition is bool; another dtype throws.
SCANGRAD_API Tensor where(const Operand& condition, const Operand& a, const Operand& b);

/// The same values as another dtype: floating to integer drops the fraction, complex to real the imaginary part. Floating to
/// floating is differentiable; the rest has derivative 0.
SCANGRAD_API Tensor astype(const Operand& x, DType dtype);

/// x as a constant: no derivative passes, in either mode.
SCANGRAD_API Tensor stop_gradient(const Operand& x);

namespace detail {
/// First in structs of several options: they are set by name only, so that sum(x, {0, 1}) does not compile instead of meaning something.
class ByName {
 public:
  explicit constexpr ByName() = default;
  template <Number T>
  constexpr ByName(T) {
    static_assert(never<T>, "options are set by name, as in {.axis = 1}");
  }
};
}  // namespace detail

/// Of reductions: sum(x, {.axis = 1}), max(x, {.axis = {0, 2}, .keepdims = true}).
struct ReduceOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = {};         ///< default: all
  bool keepdims = false;  ///< keep the reduced axes, with size 1
};
/// Of var and std: those of reductions, and ddof.
struct VarOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = {};         ///< default: all
  bool keepdims = false;  ///< keep the reduced axes, with size 1
  std::int64_t ddof = 0;  ///< the sum of squares is divided by count - ddof: 0 for the population, 1 for a sample
};
/// Of argmax and argmin.
struct ArgOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = {};         ///< one axis; default: of the flattened tensor
  bool keepdims = false;  ///< keep the reduced axis, with size 1
};

/// @name Reductions
/// Over the axes of the options, by default all; they are dropped from the shape unless keepdims says otherwise. The result has the
/// dtype of x where nothing else is said.
/// @{
SCANGRAD_API Tensor sum(const Operand& x, const ReduceOptions& options = {});   ///< bool is counted in int64; empty: 0
SCANGRAD_API Tensor mean(const Operand& x, const ReduceOptions& options = {});  ///< integers as float64; empty: NaN
/// The largest element, of real x; NaN wins. Equal largest ones share the cotangent equally. An empty axis throws.
SCANGRAD_API Tensor max(const Operand& x, const ReduceOptions& options = {});
/// The smallest element; else as max.
SCANGRAD_API Tensor min(const Operand& x, const ReduceOptions& options = {});
/// The product; the derivatives divide by nothing, so zeros are exact. Empty: 1.
SCANGRAD_API Tensor prod(const Operand& x, const ReduceOptions& options = {});
SCANGRAD_API Tensor any(const Operand& x, const ReduceOptions& options = {});  ///< bool: is one not 0; empty: false
SCANGRAD_API Tensor all(const Operand& x, const ReduceOptions& options = {});  ///< bool: is none 0; empty: true
/// sqrt(sum |x|^2), real, without overflow; derivative 0 at 0.
SCANGRAD_API Tensor norm(const Operand& x, const ReduceOptions& options = {});
/// sum |x - mean x|^2 / (count - ddof): NumPy's default is ddof = 0. Real.
SCANGRAD_API Tensor var(const Operand& x, const VarOptions& options = {});
/// sqrt(var(x)).
SCANGRAD_API Tensor std(const Operand& x, const VarOptions& options = {});
/// Where the largest element stands, int64, of real x: the first at ties; the first NaN wins. An empty axis throws.
SCANGRAD_API Tensor argmax(const Operand& x, const ArgOptions& options = {});
/// Where the smallest element stands; else as argmax.
SCANGRAD_API Tensor argmin(const Operand& x, const ArgOptions& options = {});
/// @}

/// Of slice: slice(x, {.axis = 1, .begin = 2, .end = -1}).
struct SliceOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = 0;                 ///< one axis
  std::int64_t begin = 0;        ///< negative: from the end
  std::int64_t end = INT64_MAX;  ///< negative: from the end; beyond it: the end
  std::int64_t step = 1;         ///< at least 1; see flip for the other direction
};
/// Of operations along one axis.
struct AxisOptions {
  Axes axis = 0;  ///< one axis
};
/// What pad puts around one axis.
struct PadWidth {
  std::int64_t before = 0;  ///< elements in front
  std::int64_t after = 0;   ///< elements behind
};

/// @name Shapes
/// Of any dtype. reshape (where the elements lie in order), transpose, broadcast_to, flip, expand_dims, squeeze, slice, moveaxis,
/// swapaxes and split are views, without copies.
/// @{

/// The elements in row-major order, in another shape. One size may be -1: it is what the others leave.
SCANGRAD_API Tensor reshape(const Operand& x, const Shape& shape);
/// Axis i of the result is axis `axes[i]` of x; without `axes`, all reversed.
SCANGRAD_API Tensor transpose(const Operand& x, const Axes& axes = {});
/// x repeated along axes that it lacks in front or that have size 1, to this shape.
SCANGRAD_API Tensor broadcast_to(const Operand& x, const Shape& shape);
SCANGRAD_API Tensor flip(const Operand& x, const Axes& axes = {});     ///< the other way round along these axes; default: all
SCANGRAD_API Tensor expand_dims(const Operand& x, const Axes& axes);   ///< new axes of size 1, at these places of the result
SCANGRAD_API Tensor squeeze(const Operand& x, const Axes& axes = {});  ///< drops axes of size 1; default: all of them
/// Elements begin, begin + step, ... below end of one axis.
SCANGRAD_API Tensor slice(const Operand& x, const SliceOptions& options);
/// The tensors one after another along an axis; their shapes agree but for that axis, their dtypes meet.
SCANGRAD_API Tensor concatenate(const std::vector<Tensor>& tensors, const AxisOptions& options = {}, Site site = Site::here());
/// The tensors, of one shape, along a new axis.
SCANGRAD_API Tensor stack(const std::vector<Tensor>& tensors, const AxisOptions& options = {}, Site site = Site::here());
SCANGRAD_API Tensor moveaxis(const Operand& x, int from, int to);  ///< axis `from` at place `to`, the others in their order
SCANGRAD_API Tensor swapaxes(const Operand& x, int a, int b);      ///< axes a and b in each other's place
/// Parts of the given sizes, which fill the axis.
SCANGRAD_API std::vector<Tensor> split(const Operand& x, const std::vector<std::int64_t>& sizes,
                                       const AxisOptions& options = {});
/// That many equal parts.
SCANGRAD_API std::vector<Tensor> split(const Operand& x, std::int64_t parts, const AxisOptions& options = {});
/// `value` around x: pad(x, {{1, 0}, {0, 2}}) puts one row before and two columns after.
SCANGRAD_API Tensor pad(const Operand& x, const std::vector<PadWidth>& widths, const Operand& value = 0);
/// Elements move by `by` places towards the end of the axis; what leaves there comes in at the front.
SCANGRAD_API Tensor roll(const Operand& x, std::int64_t by, const AxisOptions& options = {});
/// As roll, but `fill` comes in.
SCANGRAD_API Tensor shift(const Operand& x, std::int64_t by, const Operand& fill = 0, const AxisOptions& options = {});
/// Each element `times` times in a row: [a, a, b, b].
SCANGRAD_API Tensor repeat(const Operand& x, std::int64_t times, const AxisOptions& options = {});
/// The whole again and again along each axis: [a, b, a, b].
SCANGRAD_API Tensor tile(const Operand& x, const Shape& times);
/// The part of the last two axes on and below the diagonal `offset` places right of the main one; 0 elsewhere.
SCANGRAD_API Tensor tril(const Operand& x, std::int64_t offset = 0);
/// The part on and above that diagonal; 0 elsewhere.
SCANGRAD_API Tensor triu(const Operand& x, std::int64_t offset = 0);
/// Of a matrix its diagonal, of a vector the matrix that has it as diagonal.
SCANGRAD_API Tensor diag(const Operand& x);
/// Every element is `value`; the dtype is that of the value (C++ integers: int64, double: float64).
SCANGRAD_API Tensor full(const Shape& shape, const Operand& value);
/// @}

/// Of sort and argsort.
struct SortOptions {
  detail::ByName by_name = detail::ByName();
  Axes axis = -1;           ///< one axis
  bool descending = false;  ///< largest first
};
/// The result of topk.
struct TopK {
  Tensor values;   ///< the largest elements, largest first
  Tensor indices;  ///< where they stand, int64
};

/// Which side of its equals.
enum class Side : std::uint8_t {
  left,   ///< before the elements that are equal to the value
  right,  ///< behind them
};
/// Of searchsorted.
struct SearchOptions {
  detail::ByName by_name = detail::ByName();
  Side side = Side::left;  ///< where a value stands among its equals
};

/// @name Indexing
/// Indices are int64 and count from the end where negative. They are values, so one out of range throws when the result is computed.
/// @{

/// x[..., indices, ...] on one axis: the result has the shape of `indices` in its place.
SCANGRAD_API Tensor take(const Operand& x, const Operand& indices, const AxisOptions& options = {});
/// A copy of x to which `updates` (the shape of take(x, indices)) are added at the indices; repeated ones add up, in order.
SCANGRAD_API Tensor scatter_add(const Operand& x, const Operand& indices, const Operand& updates,
                                const AxisOptions& options = {});
/// x[i] along one axis, lane by lane; the other axes of x and the indices broadcast.
SCANGRAD_API Tensor take_along_axis(const Operand& x, const Operand& indices, const AxisOptions& options = {});
/// Row k of the result is the sum of the rows of x whose segment is k; (count, ...).
SCANGRAD_API Tensor segment_sum(const Operand& x, const Operand& segments, std::int64_t count);
/// 1 where the last, new axis equals the index, else 0 (so too for an index out of range).
SCANGRAD_API Tensor one_hot(const Operand& indices, std::int64_t size, TensorOptions options = {});
/// The int64 indices that sort real x along an axis: stable, NaN last in either direction.
SCANGRAD_API Tensor argsort(const Operand& x, const SortOptions& options = {});
/// Real x in order along an axis, NaN last; its derivative moves with the elements.
SCANGRAD_API Tensor sort(const Operand& x, const SortOptions& options = {});
/// The k largest elements of real x along an axis, largest first, and where they stand; k is at most the axis's size.
SCANGRAD_API TopK topk(const Operand& x, std::int64_t k, const AxisOptions& options = {.axis = -1});
/// Where the values would stand in what is sorted (rising, NaN last): int64, no derivative. One sorted vector (n,) takes values of any
/// shape; sorted (..., n) takes values (..., m), leading axes broadcast. In what is not sorted, some place in 0..n.
SCANGRAD_API Tensor searchsorted(const Operand& sorted, const Operand& values, const SearchOptions& options = {});
/// @}

/// @name Products of vectors and matrices
/// @{

/// (..., m, k) by (..., k, n), leading axes broadcast; a vector (k,) stands for a row on the left and a column on the right, and drops
/// out of the shape. Halves are multiplied and summed in float32, integers wrap; where k is 0, the result is zeros.
SCANGRAD_API Tensor matmul(const Operand& a, const Operand& b);
SCANGRAD_API Tensor dot(const Operand& a, const Operand& b);  ///< sum a_i b_i of two vectors of one length, nothing conjugated
SCANGRAD_API Tensor outer(const Operand& a, const Operand& b);  ///< of two vectors: a_i b_j
/// Einstein's sums: einsum("bij,bjk->bik", {x, y}). A letter names an axis; axes of one letter have one size; letters that "->" leaves out
/// are summed over. Without "->", the result has the letters that occur once, in alphabetical order (A-Z before a-z). A letter twice in
/// one tensor is its diagonal. "..." stands for leading axes, which broadcast. Tensors meet from left to right, each time in a matmul.
SCANGRAD_API Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& tensors, Site site = Site::here());
/// @}

}  // namespace scangrad::inline v0
