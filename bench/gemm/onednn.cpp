// oneDNN's inner product primitive.
#include "bench/gemm/onednn.h"

#include <cstring>
#include <dnnl.hpp>
#include <memory>

namespace pomona::bench {

namespace {

using dnnl::memory;

memory::data_type source_type(Precision precision) {
  return precision == Precision::f32    ? memory::data_type::f32
         : precision == Precision::bf16 ? memory::data_type::bf16
                                        : memory::data_type::u8;
}

memory::data_type weight_type(Precision precision) {
  return precision == Precision::u8s8 ? memory::data_type::s8 : source_type(precision);
}

}  // namespace

std::function<void()> onednn_gemm(Precision precision, std::int64_t T, std::int64_t K,
                                  std::int64_t N, bool prepacked) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const memory::data_type result =
      precision == Precision::u8s8 ? memory::data_type::s32 : memory::data_type::f32;
  const memory::desc x({T, K}, source_type(precision), memory::format_tag::ab);
  const memory::desc w({N, K}, weight_type(precision),
                       prepacked ? memory::format_tag::any : memory::format_tag::ab);
  const memory::desc y({T, N}, result, memory::format_tag::ab);
  const dnnl::inner_product_forward::primitive_desc plan(
      dnnl::inner_product_forward::desc(dnnl::prop_kind::forward_inference, x, w, y), engine);
  struct State {
    dnnl::stream stream;
    dnnl::inner_product_forward primitive;
    memory x, w, y;
  };
  const auto state = std::make_shared<State>(State{
      dnnl::stream(engine), dnnl::inner_product_forward(plan), memory(plan.src_desc(), engine),
      memory(plan.weights_desc(), engine), memory(plan.dst_desc(), engine)});
  for (memory* m : {&state->x, &state->w, &state->y}) {
    std::memset(m->get_data_handle(), 0, m->get_desc().get_size());
  }
  return [state] {
    state->primitive.execute(
        state->stream,
        {{DNNL_ARG_SRC, state->x}, {DNNL_ARG_WEIGHTS, state->w}, {DNNL_ARG_DST, state->y}});
    state->stream.wait();
  };
}

}  // namespace pomona::bench
