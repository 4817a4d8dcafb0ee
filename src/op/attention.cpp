// Causal attention of packed sequences, with gradients: Vaswani et al. 2017, arXiv:1706.03762,
// eq. 1.
#include <cmath>

#include "op/ops.h"

namespace pomona::op {
namespace {

struct Attention {
  static constexpr std::string_view kName = "attention";
  static constexpr std::size_t kStrided = 3;
  std::vector<std::int64_t> lengths;
  std::int64_t E;
  AttentionOptions options;

  Shape shape(Inputs in) const {
    const Tensor &q = in[0], &k = in[1], &v = in[2];
    std::int64_t rows = 0;
    for (const std::int64_t length : lengths) rows += length;
    const bool fits = q.shape().rank() == 2 && k.shape() == v.shape() && k.shape().rank() == 2 &&
                      q.size(0) == rows && k.size(0) == rows && E > 0 && E <= 256 &&
                      k.size(1) >= E && k.size(1) % E == 0 && q.size(1) % k.size(1) == 0;
    if (!fits) {
      fail(ErrorKind::bad_shape, "attention: q {}, k {}, v {}, {} rows in all, head size {}",
           q.shape().text(), k.shape().text(), v.shape().text(), rows, E);
    }
    return q.shape();
  }
  double operations(Inputs in) const {
    double sum = 0;
    for (const std::int64_t length : lengths)
      sum += 4.0 * static_cast<double>(length) * mean_seen(options, 0, length);
    return sum * static_cast<double>(in[0].size(1));
  }
  kernel::Scoring scoring() const {
    const double scale =
        options.scale != 0 ? options.scale : 1.0 / std::sqrt(static_cast<double>(E));
    return {scale, options.window, options.softcap};
  }

  /// Calls f(first row, rows, query head, KV head) for each sequence and query head; those of one
  /// KV head one after the other, the others in parallel.
  template <class F>
  void each_head(const Context& context, Inputs in, F&& f) const {
    const std::int64_t G = in[1].size(1) / E, group = in[0].size(1) / in[1].size(1);
    std::vector<std::int64_t> first_rows = {0};
    for (const std::int64_t length : lengths) first_rows.push_back(first_rows.back() + length);
    const auto sequences = static_cast<std::int64_t>(lengths.size());
    context.pool.parallel_for(sequences * G, [&](std::int64_t i) {
      const auto sequence = static_cast<std::size_t>(i / G);
      for (std::int64_t head = i % G * group; head < (i % G + 1) * group; ++head)
        f(first_rows[sequence], lengths[sequence], head, i % G);
    });
  }

  void plan_forward(const Context& context, Inputs in, Saved* saved) const {
    const Tensor& q = in[0];
    const Tensor lse = context.empty({q.size(1) / E, q.size(0)}, q.dtype());
    if (saved != nullptr) saved->push_back(lse);
    plan_backward(context, in, {});
  }
  void plan_backward(const Context& context, Inputs in, Gradients) const {
    std::vector<Tensor> copies;
    for (const Tensor& x : in.subspan(1)) {
      if (!x.is_contiguous()) copies.push_back(context.empty(x.shape(), x.dtype()));
    }
  }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved* saved) const {
    const Tensor& q = in[0];
    const Tensor k = contiguous(context, in[1]), v = contiguous(context, in[2]);
    const Tensor lse = context.empty({q.size(1) / E, q.size(0)}, q.dtype());
    if (saved != nullptr) saved->push_back(lse);
    with_type(q, [&]<class T>() {
      each_head(
          context, in,
          [&](std::int64_t row, std::int64_t length, std::int64_t head, std::int64_t kv_head) {
            const std::int64_t kv = row * k.stride(0) + kv_head * E;
            math<T>(context).attention(
                q.data<T>() + row * q.stride(0) + head * E, q.stride(0), k.data<T>() + kv,
                v.data<T>() + kv, k.stride(0), y.data<T>() + row * y.stride(0) + head * E,
                y.stride(0), lse.data<T>() + head * q.size(0) + row, length, E, scoring());
          });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor& y, Inputs in,
                const Saved& saved, Gradients gradients) const {
    const Tensor &q = in[0], &lse = saved[0];
    const Tensor k = contiguous(context, in[1]), v = contiguous(context, in[2]);
    with_type(q, [&]<class T>() {
      const auto at = [](const Tensor& t, std::int64_t offset) {
        return t.defined() ? t.data<T>() + offset : nullptr;
      };
      each_head(
          context, in,
          [&](std::int64_t row, std::int64_t length, std::int64_t head, std::int64_t kv_head) {
            const std::int64_t kv = row * k.stride(0) + kv_head * E;
            const std::int64_t dq = row * q.size(1) + head * E, dkv = row * k.size(1) + kv_head * E;
            math<T>(context).attention_back(
                dy.data<T>() + row * y.stride(0) + head * E,
                y.data<T>() + row * y.stride(0) + head * E, y.stride(0),
                q.data<T>() + row * q.stride(0) + head * E, q.stride(0), k.data<T>() + kv,
                v.data<T>() + kv, k.stride(0), lse.data<T>() + head * q.size(0) + row,
                at(gradients[0], dq), at(gradients[1], dkv), at(gradients[2], dkv), q.size(1),
                k.size(1), length, E, scoring());
          });
    });
  }
};

}  // namespace

double mean_seen(const AttentionOptions& options, std::int64_t first, std::int64_t rows) {
  // The sum over all positions before p of what each sees, min(position, window).
  const auto before = [&](std::int64_t p) {
    const auto at = static_cast<double>(p), w = static_cast<double>(options.window);
    return options.window <= 0 || at <= w ? at * at / 2 : w * w / 2 + w * (at - w);
  };
  return rows > 0 ? (before(first + rows) - before(first)) / static_cast<double>(rows) : 0;
}

Tensor attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
                 std::span<const std::int64_t> lengths, std::int64_t E,
                 const AttentionOptions& options) {
  return apply(context, Attention{{lengths.begin(), lengths.end()}, E, options}, {q, k, v});
}

std::vector<Sample> samples_attention() {
  const auto run = [](const Context& c, Inputs in) {
    const std::int64_t lengths[] = {3, 1, 2};
    return attention(c, in[0], in[1], in[2], lengths, 4);
  };
  const auto strided = [](const Context& c, Inputs in) {
    const std::int64_t lengths[] = {3};
    return attention(c, columns(c, in[0], 0, 8), columns(c, in[0], 8, 4), columns(c, in[0], 12, 4),
                     lengths, 4);
  };
  const auto varied = [](const Context& c, Inputs in) {
    const std::int64_t lengths[] = {4, 2};
    return attention(c, in[0], in[1], in[2], lengths, 4,
                     {.scale = 0.7, .window = 2, .softcap = 0.9});
  };
  return {{"attention", {sample_tensor({3, 16}, 4)}, strided},
          {"attention",
           {sample_tensor({6, 8}, 5), sample_tensor({6, 4}, 6), sample_tensor({6, 4}, 7)},
           varied},
          {"attention",
           {sample_tensor({6, 16}, 1), sample_tensor({6, 8}, 2), sample_tensor({6, 8}, 3)},
           run}};
}

}  // namespace pomona::op
