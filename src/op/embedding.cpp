// Embedding: rows of a table, decoded from its storage format.
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
    return {tokens.size(0), weight.size(1)};
  }
  double operations(Inputs) const { return 0; }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    const Tensor &weight = in[0], &tokens = in[1];
    const std::int64_t D = y.size(1);
    const std::int64_t row_bytes = bytes_of(weight.dtype(), D);
    parallel_rows(context, y.size(0), 4 * D, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        const std::byte* row = weight.raw() + row_of(weight, tokens, t) * row_bytes;
        if (weight.dtype() == DType::f64) {
          std::copy_n(reinterpret_cast<const double*>(row), D, y.data<double>() + t * D);
        } else {
          info(weight.dtype()).unpack(row, y.data<float>() + t * D, D);
        }
      }
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    if (!gradients[0].defined()) return;
    const std::int64_t D = dy.size(1);
    with_type(dy, [&]<class T>() {
      for (std::int64_t t = 0; t < dy.size(0); ++t) {
        math<T>(context).add(dy.data<T>() + t * D,
                             gradients[0].data<T>() + row_of(in[0], in[1], t) * D, D);
      }
    });
  }

 private:
  static std::int64_t row_of(const Tensor& weight, const Tensor& tokens, std::int64_t t) {
    const std::int64_t token = tokens.data<std::int32_t>()[t];
    if (token < 0 || token >= weight.size(0)) {
      fail(ErrorKind::bad_argument, "embedding: token {} at row {}, the vocabulary has {}", token,
           t, weight.size(0));
    }
    return token;
  }
};

}  // namespace

Tensor embedding(const Context& context, const Tensor& weight, const Tensor& tokens) {
  return apply(context, Embedding{}, {weight, tokens});
}

std::vector<Sample> samples_embedding() {
  return {{"embedding", {sample_tensor({5, 4}, 1)}, [](const Context& c, Inputs in) {
             const Tensor tokens = Tensor::zeros({3}, DType::i32);
             tokens.data<std::int32_t>()[0] = 4;
             tokens.data<std::int32_t>()[2] = 4;
             return embedding(c, in[0], tokens);
           }}};
}

}  // namespace pomona::op
