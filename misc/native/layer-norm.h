// LatentLayerNorm          layer normalisation over the last axis, a vector at a time; with a bias of no
//                          elements the root mean square alone, as T5 has it.
// LatentLayerNormGradient  its gradients, from what the forward pass kept.
#pragma once

#include "outputs.h"
#include "processor.h"
#include "shared-work.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

class LatentLayerNorm : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &scale = context->input(1), &bias = context->input(2);
    const int64_t size = scale.NumElements();
    OP_REQUIRES(context,
                size > 0 && x.dims() > 0 && x.dim_size(x.dims() - 1) == size &&
                    (bias.NumElements() == 0 || bias.NumElements() == size) &&
                    context->input(3).NumElements() == 1,
                absl::InvalidArgumentError("LatentLayerNorm: shapes do not fit."));
    const int64_t rows = x.NumElements() / size;
    float* y = Output(context, 0, x.shape());
    float* normal = Output(context, 1, x.shape());
    float* inverse = Output(context, 2, {rows});
    if (!context->status().ok()) return;
    const float* added = bias.NumElements() == 0 ? nullptr : bias.flat<float>().data();
    const FlushTiny flush;
    const float *given = x.flat<float>().data(), *factors = scale.flat<float>().data();
    const float epsilon = context->input(3).flat<float>()(0);
    InParts(rows, rows * size >= kLarge, [&](int64_t from, int64_t to, int64_t) {
      const int64_t at = from * size;
      ON_THIS_PROCESSOR(Normalise(given + at, factors, added, epsilon, y + at, normal + at,
                                  inverse + from, to - from, size));
    });
  }
};

class LatentLayerNormGradient : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &gradient = context->input(0), &normal = context->input(1);
    const Tensor &inverse = context->input(2), &scale = context->input(3);
    const Tensor& bias = context->input(4);
    const int64_t size = scale.NumElements(), rows = inverse.NumElements();
    OP_REQUIRES(context,
                gradient.NumElements() == rows * size && normal.NumElements() == rows * size &&
                    (bias.NumElements() == 0 || bias.NumElements() == size),
                absl::InvalidArgumentError("LatentLayerNormGradient: shapes do not fit."));
    float* of_x = Output(context, 0, gradient.shape());
    float* of_scale = Output(context, 1, {size});
    float* of_bias = Output(context, 2, bias.shape());
    Tensor room;
    OP_REQUIRES_OK(context, context->allocate_temp(DT_FLOAT, {kParts, 3, size}, &room));
    if (!context->status().ok()) return;
    const FlushTiny flush;
    const bool has_bias = bias.NumElements() > 0;
    // Parts sum for themselves, and as many whether they run side by side or not.
    float* rooms = room.flat<float>().data();
    Share(kParts, rows * size >= kLarge, [&](int64_t part) {
      const int64_t from = part * rows / kParts, to = (part + 1) * rows / kParts;
      float* own = rooms + part * 3 * size;
      ON_THIS_PROCESSOR(NormaliseBackward(
          gradient.flat<float>().data() + from * size, normal.flat<float>().data() + from * size,
          inverse.flat<float>().data() + from, scale.flat<float>().data(), of_x + from * size, own,
          has_bias ? own + size : nullptr, own + 2 * size, to - from, size));
    });
    for (int64_t i = 0; i < size; i++) {
      of_scale[i] = 0.0f;
      if (has_bias) of_bias[i] = 0.0f;
      for (int64_t part = 0; part < kParts; part++) {
        const float* own = rooms + part * 3 * size;
        of_scale[i] += own[i];
        if (has_bias) of_bias[i] += own[size + i];
      }
    }
  }
};

REGISTER_OP("LatentLayerNorm")
    .Input("x: float")
    .Input("scale: float")
    .Input("bias: float")
    .Input("epsilon: float")
    .Output("y: float")
    .Output("normal: float")
    .Output("inverse: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_OP("LatentLayerNormGradient")
    .Input("gradient: float")
    .Input("normal: float")
    .Input("inverse: float")
    .Input("scale: float")
    .Input("bias: float")
    .Output("of_x: float")
    .Output("of_scale: float")
    .Output("of_bias: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_KERNEL_BUILDER(Name("LatentLayerNorm").Device(DEVICE_CPU), LatentLayerNorm);
REGISTER_KERNEL_BUILDER(Name("LatentLayerNormGradient").Device(DEVICE_CPU),
                        LatentLayerNormGradient);

}  // namespace latent
