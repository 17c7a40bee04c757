// LatentDropout  dropout in one pass: the same numbers as StatelessRandomUniform of the same seed, which
//                are compared and forgotten. Of a gradient it gives the gradient, as it is linear.
#pragma once

#include "outputs.h"
#include "processor.h"
#include "shared-work.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/lib/random/philox_random.h"

namespace latent {

using namespace tensorflow;

// TensorFlow scrambles a seed before it is used: stateless_random_ops.cc, GenerateKey.
inline PhiloxStart Scrambled(int32_t first, int32_t second) {
  const uint64_t low = static_cast<int64_t>(first), high = static_cast<int64_t>(second);
  tsl::random::PhiloxRandom::ResultType counter;
  counter[0] = static_cast<uint32_t>(low);
  counter[1] = static_cast<uint32_t>(low >> 32);
  counter[2] = static_cast<uint32_t>(high);
  counter[3] = static_cast<uint32_t>(high >> 32);
  tsl::random::PhiloxRandom::Key key;
  key[0] = 0x3ec8f720;
  key[1] = 0x02461e29;
  const auto mixed = tsl::random::PhiloxRandom(counter, key)();
  return {{mixed[0], mixed[1]}, {mixed[2], mixed[3]}};
}

// x of any shape, seed [2], settings [2]: the rate, and 1 / (1 − rate); and none or one of x's shape that
// is added, as what goes past a layer is.
class LatentDropout : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &seed = context->input(1), &settings = context->input(2);
    OP_REQUIRES(context, seed.NumElements() == 2 && settings.NumElements() == 2,
                absl::InvalidArgumentError("LatentDropout: seed or settings are not [2]."));
    const bool is_added = context->num_inputs() > 3;
    OP_REQUIRES(context, !is_added || context->input(3).shape() == x.shape(),
                absl::InvalidArgumentError("LatentDropout: what is added is of another shape."));
    const float* added = is_added ? context->input(3).flat<float>().data() : nullptr;
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    const auto numbers = seed.flat<int32_t>();
    const auto rates = settings.flat<float>();
    const FlushTiny flush;
    const float* given = x.flat<float>().data();
    float* kept = y->flat<float>().data();
    const PhiloxStart start = Scrambled(numbers(0), numbers(1));
    const int64_t size = x.NumElements(), blocks = (size + 3) / 4;
    InParts(blocks, size >= kLarge, [&](int64_t from, int64_t to, int64_t) {
      ON_THIS_PROCESSOR(
          Drop(given, added, kept, 4 * from, std::min(4 * to, size), start, rates(0), rates(1)));
    });
  }
};

REGISTER_OP("LatentDropout")
    .Input("x: float")
    .Input("seed: int32")
    .Input("settings: float")
    .Input("added: additions * float")
    .Output("y: float")
    .Attr("additions: int >= 0 = 0")
    .SetShapeFn(shape_inference::UnchangedShape);

REGISTER_KERNEL_BUILDER(Name("LatentDropout").Device(DEVICE_CPU), LatentDropout);

}  // namespace latent
