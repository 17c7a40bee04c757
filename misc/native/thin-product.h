// LatentThinProduct  few rows times a large matrix, which is bound by reading the matrix: once, in blocks
//                    that stay in the cache, and on two cores where there are two.
#pragma once

#include "adam.h"
#include "outputs.h"
#include "shared-work.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

// left [M, K], right [K, N] or [N, K], none or one bias [N] → [M, N], or its logistic function
class LatentThinProduct : public OpKernel {
 public:
  explicit LatentThinProduct(OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("transpose_b", &transpose_right_));
    OP_REQUIRES_OK(construction, construction->GetAttr("sigmoid", &sigmoid_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &left = context->input(0), &right = context->input(1);
    const bool has_bias = context->num_inputs() > 2;
    OP_REQUIRES(context, left.dims() == 2 && right.dims() == 2,
                absl::InvalidArgumentError("LatentThinProduct: an input is no matrix."));
    const int64_t rows = left.dim_size(0), inner = left.dim_size(1);
    const int64_t columns = right.dim_size(transpose_right_ ? 0 : 1);
    OP_REQUIRES(context,
                right.dim_size(transpose_right_ ? 1 : 0) == inner && inner > 0 &&
                    (!has_bias || context->input(2).NumElements() == columns),
                absl::InvalidArgumentError("LatentThinProduct: shapes do not fit."));
    float* product = Output(context, 0, {rows, columns});
    if (!context->status().ok()) return;
    const float *factors = left.flat<float>().data(), *values = right.flat<float>().data();
    const float* bias = has_bias ? context->input(2).flat<float>().data() : nullptr;
    const FlushTiny flush;
    InParts(columns, inner * columns >= kLarge, [&](int64_t from, int64_t to, int64_t) {
      constexpr int64_t kBlock = 1024;
      for (int64_t at = from; at < to; at += kBlock) {
        const int64_t count = std::min(kBlock, to - at);
        for (int64_t row = 0; row < rows; row++) {
          float* sums = product + row * columns + at;
          const float* own = factors + row * inner;
          if (transpose_right_) {
            for (int64_t j = 0; j < count; j++) {
              sums[j] = ON_THIS_PROCESSOR(Dot(own, values + (at + j) * inner, inner));
            }
          } else {
            Product(sums, own, 1, values + at, columns, inner, count);
          }
          ON_THIS_PROCESSOR(Finish(sums, has_bias ? bias + at : nullptr, sigmoid_, count));
        }
      }
    });
  }

 private:
  bool transpose_right_, sigmoid_;
};

REGISTER_OP("LatentThinProduct")
    .Input("left: float")
    .Input("right: float")
    .Input("bias: biases * float")
    .Output("product: float")
    .Attr("transpose_b: bool = false")
    .Attr("sigmoid: bool = false")
    .Attr("biases: int >= 0 = 0")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_KERNEL_BUILDER(Name("LatentThinProduct").Device(DEVICE_CPU), LatentThinProduct);

}  // namespace latent
