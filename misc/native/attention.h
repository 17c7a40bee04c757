// LatentAttention          scaled dot-product attention of all heads: queries and output stay as rows of
//                          all heads side by side, so that nothing is transposed, and scores are made,
//                          masked and weighed while they lie in the cache.
// LatentAttentionGradient  its gradients, from the weights.
#pragma once

#include "outputs.h"
#include "processor.h"
#include "shared-work.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

// Reads the five inputs that both kernels begin with; false, and the context says why, where they do
// not fit. A mask of no elements hides nothing.
inline bool ReadAttention(OpKernelContext* context, Attention* of) {
  const Tensor &query = context->input(0), &key = context->input(1), &value = context->input(2);
  const Tensor &mask = context->input(3), &scale = context->input(4);
  bool fits = query.dims() == 3 && key.dims() == 4 && value.shape() == key.shape() &&
              scale.NumElements() == 1;
  if (fits) {
    of->batch = key.dim_size(0);
    of->heads = key.dim_size(1);
    of->keys = key.dim_size(2);
    of->head_width = key.dim_size(3);
    of->queries = query.dim_size(1);
    of->query = query.flat<float>().data();
    of->key = key.flat<float>().data();
    of->value = value.flat<float>().data();
    of->scale = scale.flat<float>()(0);
    fits = query.dim_size(0) == of->batch && query.dim_size(2) == of->Width() && of->keys > 0;
  }
  of->mask = nullptr;
  if (fits && mask.NumElements() > 0) {
    const int64_t wanted[4] = {of->batch, of->heads, of->queries, of->keys};
    int64_t* const steps[4] = {&of->mask_of_example, &of->mask_of_head, &of->mask_of_query,
                               &of->mask_of_key};
    fits = mask.dims() == 4;
    for (int64_t axis = 3, step = 1; fits && axis >= 0; axis--) {
      const int64_t size = mask.dim_size(axis);
      fits = size == 1 || size == wanted[axis];
      *steps[axis] = size == 1 ? 0 : step;
      step *= size;
    }
    of->mask = mask.flat<float>().data();
  }
  if (!fits) context->CtxFailure(absl::InvalidArgumentError("LatentAttention: shapes do not fit."));
  return fits;
}

class LatentAttention : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Attention of;
    if (!ReadAttention(context, &of)) return;
    float* output = Output(context, 0, context->input(0).shape());
    float* weights = Output(context, 1, {of.batch, of.heads, of.queries, of.keys});
    Tensor room;
    OP_REQUIRES_OK(context, context->allocate_temp(DT_FLOAT, {kParts, of.head_width, of.keys}, &room));
    if (!context->status().ok()) return;
    const FlushTiny flush;
    float* columns = room.flat<float>().data();
    InParts(of.batch * of.heads, of.IsLarge(), [&](int64_t from, int64_t to, int64_t part) {
      float* own = columns + part * of.head_width * of.keys;
      ON_THIS_PROCESSOR(Attend(of, from, to, output, weights, own));
    });
  }
};

class LatentAttentionGradient : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Attention of;
    if (!ReadAttention(context, &of)) return;
    const Tensor &weights = context->input(5), &gradient = context->input(6);
    OP_REQUIRES(context,
                weights.NumElements() == of.batch * of.heads * of.queries * of.keys &&
                    gradient.NumElements() == context->input(0).NumElements(),
                absl::InvalidArgumentError("LatentAttentionGradient: shapes do not fit."));
    float* of_query = Output(context, 0, context->input(0).shape());
    float* of_key = Output(context, 1, context->input(1).shape());
    float* of_value = Output(context, 2, context->input(2).shape());
    Tensor room;
    OP_REQUIRES_OK(context, context->allocate_temp(
                                DT_FLOAT, {kParts, of.queries + of.head_width, of.keys}, &room));
    if (!context->status().ok()) return;
    const FlushTiny flush;
    float* rooms = room.flat<float>().data();
    InParts(of.batch * of.heads, of.IsLarge(), [&](int64_t from, int64_t to, int64_t part) {
      float* slopes = rooms + part * (of.queries + of.head_width) * of.keys;
      ON_THIS_PROCESSOR(AttendBackward(of, from, to, weights.flat<float>().data(),
                                       gradient.flat<float>().data(), of_query, of_key, of_value,
                                       slopes, slopes + of.queries * of.keys));
    });
  }
};

REGISTER_OP("LatentAttention")
    .Input("query: float")
    .Input("key: float")
    .Input("value: float")
    .Input("mask: float")
    .Input("scale: float")
    .Output("output: float")
    .Output("weights: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_OP("LatentAttentionGradient")
    .Input("query: float")
    .Input("key: float")
    .Input("value: float")
    .Input("mask: float")
    .Input("scale: float")
    .Input("weights: float")
    .Input("gradient: float")
    .Output("of_query: float")
    .Output("of_key: float")
    .Output("of_value: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_KERNEL_BUILDER(Name("LatentAttention").Device(DEVICE_CPU), LatentAttention);
REGISTER_KERNEL_BUILDER(Name("LatentAttentionGradient").Device(DEVICE_CPU),
                        LatentAttentionGradient);

}  // namespace latent
