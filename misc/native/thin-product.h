// LatentThinProduct  few rows times a large matrix, which is bound by reading the matrix: once, in blocks
//                    that stay in the cache, and on two cores where there are two.
#pragma once

#include "adam.h"
#include "shared-work.h"
#include "outputs.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

// left [M, K], right [K, N] → [M, N]
class LatentThinProduct : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &left = context->input(0), &right = context->input(1);
    OP_REQUIRES(context,
                left.dims() == 2 && right.dims() == 2 && left.dim_size(1) == right.dim_size(0) &&
                    left.dim_size(1) > 0,
                absl::InvalidArgumentError("LatentThinProduct: shapes do not fit."));
    const int64_t rows = left.dim_size(0), inner = left.dim_size(1), columns = right.dim_size(1);
    float* product = Output(context, 0, {rows, columns});
    if (!context->status().ok()) return;
    const float *factors = left.flat<float>().data(), *values = right.flat<float>().data();
    const FlushTiny flush;
    InParts(columns, inner * columns >= kLarge, [&](int64_t from, int64_t to, int64_t) {
      constexpr int64_t kBlock = 1024;
      for (int64_t at = from; at < to; at += kBlock) {
        const int64_t count = std::min(kBlock, to - at);
        for (int64_t row = 0; row < rows; row++) {
          Product(product + row * columns + at, factors + row * inner, 1, values + at, columns,
                  inner, count);
        }
      }
    });
  }
};

REGISTER_OP("LatentThinProduct")
    .Input("left: float")
    .Input("right: float")
    .Output("product: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_KERNEL_BUILDER(Name("LatentThinProduct").Device(DEVICE_CPU), LatentThinProduct);

}  // namespace latent
