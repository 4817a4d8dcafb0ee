// Embedding: rows of a table, decoded from its storage format, and of a second one whose rows are
// numbered behind it: what soft prompts are (Lester et al. 2021, arXiv:2104.08691).
#include "op/ops.h"

namespace pomona::op {
namespace {

struct Embedding {
  static constexpr std::string_view kName = "embedding";

  Shape shape(Inputs in) const {
    const Tensor &weight = in[0], &tokens = in[1];
    if (weight.shape().rank() != 2 || tokens.shape().rank() != 1) {
      fail(ErrorKind::bad_shape, "embedding: weight {}, tokens {}", weight.shape().text(),
           tokens.shape().text());
    }
    if (in.size() > 2 && (in[2].shape().rank() != 2 || in[2].size(1) != weight.size(1))) {
      fail(ErrorKind::bad_shape, "embedding: weight {}, rows behind it {}", weight.shape().text(),
           in[2].shape().text());
    }
    return {tokens.size(0), weight.size(1)};
  }
  double operations(Inputs) const { return 0; }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    const std::int64_t D = y.size(1);
    parallel_rows(context, y.size(0), 4 * D, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        const Place from = place_of(in, t);
        const Tensor& table = in[from.table];
        const std::byte* row = table.raw() + from.row * bytes_of(table.dtype(), D);
        if (table.dtype() == DType::f64) {
          std::copy_n(reinterpret_cast<const double*>(row), D, y.data<double>() + t * D);
        } else {
          info(table.dtype()).unpack(row, y.data<float>() + t * D, D);
        }
      }
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    const std::int64_t D = dy.size(1);
    with_type(dy, [&]<class T>() {
      for (std::int64_t t = 0; t < dy.size(0); ++t) {
        const Place to = place_of(in, t);
        if (const Tensor& gradient = gradients[to.table]; gradient.defined())
          math<T>(context).add(dy.data<T>() + t * D, gradient.data<T>() + to.row * D, D);
      }
    });
  }

 private:
  /// Which input a token's row stands in.
  struct Place {
    std::size_t table;
    std::int64_t row;
  };

  static Place place_of(Inputs in, std::int64_t t) {
    const std::int64_t token = in[1].data<std::int32_t>()[t], V = in[0].size(0);
    const std::int64_t behind = in.size() > 2 ? in[2].size(0) : 0;
    if (token < 0 || token >= V + behind) {
      fail(ErrorKind::bad_argument, "embedding: token {} at row {}, the vocabulary has {}", token,
           t, V + behind);
    }
    return token < V ? Place{0, token} : Place{2, token - V};
  }
};

}  // namespace

Tensor embedding(const Context& context, const Tensor& weight, const Tensor& tokens,
                 const Tensor& behind) {
  std::vector<Tensor> inputs = {weight, tokens};
  if (behind.defined()) inputs.push_back(behind);
  return apply(context, Embedding{}, std::move(inputs));
}

std::vector<Sample> samples_embedding() {
  const auto tokens = [](std::int32_t first, std::int32_t last) {
    const Tensor numbers = Tensor::zeros({3}, DType::i32);
    numbers.data<std::int32_t>()[0] = first;
    numbers.data<std::int32_t>()[2] = last;
    return numbers;
  };
  const auto plain = [=](const Context& c, Inputs in) { return embedding(c, in[0], tokens(4, 4)); };
  const auto with_rows_behind = [=](const Context& c, Inputs in) {
    return embedding(c, in[0], tokens(4, 6), in[1]);
  };
  return {{"embedding", {sample_tensor({5, 4}, 1)}, plain},
          {"embedding", {sample_tensor({5, 4}, 1), sample_tensor({2, 4}, 2)}, with_rows_behind}};
}

}  // namespace pomona::op
