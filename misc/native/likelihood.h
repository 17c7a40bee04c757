// LatentTokenLikelihood          the negative log likelihood of each row's token under the softmax of its
//                                logits, without the probabilities being written down.
// LatentTokenLikelihoodGradient  softmax minus one-hot, times what arrives from above.
#pragma once

#include "outputs.h"
#include "processor.h"
#include "shared-work.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

// Whether logits are [N, V] and ids are N numbers below V; the context says what is wrong.
inline bool AreTokens(OpKernelContext* context, const Tensor& logits, const Tensor& ids) {
  bool fit = logits.dims() == 2 && logits.dim_size(1) > 0 && ids.NumElements() == logits.dim_size(0);
  if (!fit) context->CtxFailure(absl::InvalidArgumentError("LatentTokenLikelihood: shapes do not fit."));
  for (int64_t row = 0; fit && row < ids.NumElements(); row++) {
    const int32_t id = ids.flat<int32_t>()(row);
    fit = id >= 0 && id < logits.dim_size(1);
    if (!fit) {
      context->CtxFailure(absl::InvalidArgumentError(
          absl::StrCat("LatentTokenLikelihood: an id is ", id, ", and there are ",
                       logits.dim_size(1), " logits.")));
    }
  }
  return fit;
}

class LatentTokenLikelihood : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &logits = context->input(0), &ids = context->input(1);
    if (!AreTokens(context, logits, ids)) return;
    const int64_t rows = logits.dim_size(0);
    float* nats = Output(context, 0, {rows});
    float* normaliser = Output(context, 1, {rows});
    if (!context->status().ok()) return;
    const FlushTiny flush;
    const int64_t size = logits.dim_size(1);
    InParts(rows, rows * size >= kLarge, [&](int64_t from, int64_t to, int64_t) {
      ON_THIS_PROCESSOR(TokenLikelihood(logits.flat<float>().data() + from * size,
                                        ids.flat<int32_t>().data() + from, nats + from,
                                        normaliser + from, to - from, size));
    });
  }
};

class LatentTokenLikelihoodGradient : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &logits = context->input(0), &ids = context->input(1);
    const Tensor &normaliser = context->input(2), &arriving = context->input(3);
    if (!AreTokens(context, logits, ids)) return;
    const int64_t rows = logits.dim_size(0);
    OP_REQUIRES(context, normaliser.NumElements() == rows && arriving.NumElements() == rows,
                absl::InvalidArgumentError("LatentTokenLikelihoodGradient: shapes do not fit."));
    float* of_logits = Output(context, 0, logits.shape());
    if (!context->status().ok()) return;
    const FlushTiny flush;
    const int64_t size = logits.dim_size(1);
    InParts(rows, rows * size >= kLarge, [&](int64_t from, int64_t to, int64_t) {
      ON_THIS_PROCESSOR(TokenLikelihoodBackward(
          logits.flat<float>().data() + from * size, ids.flat<int32_t>().data() + from,
          normaliser.flat<float>().data() + from, arriving.flat<float>().data() + from,
          of_logits + from * size, to - from, size));
    });
  }
};

REGISTER_OP("LatentTokenLikelihood")
    .Input("logits: float")
    .Input("ids: int32")
    .Output("nats: float")
    .Output("normaliser: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_OP("LatentTokenLikelihoodGradient")
    .Input("logits: float")
    .Input("ids: int32")
    .Input("normaliser: float")
    .Input("arriving: float")
    .Output("of_logits: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_KERNEL_BUILDER(Name("LatentTokenLikelihood").Device(DEVICE_CPU), LatentTokenLikelihood);
REGISTER_KERNEL_BUILDER(Name("LatentTokenLikelihoodGradient").Device(DEVICE_CPU),
                        LatentTokenLikelihoodGradient);

}  // namespace latent
