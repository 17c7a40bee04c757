// Room for what a kernel gives.
#pragma once

#include "tensorflow/core/framework/op_kernel.h"

namespace latent {

using namespace tensorflow;

// A float32 output of this shape. Where there is no memory the context's status says so; the pointer
// says nothing, as it may be null where there is nothing to point at.
inline float* Output(OpKernelContext* context, int index, TensorShape shape) {
  Tensor* tensor = nullptr;
  const absl::Status status = context->allocate_output(index, shape, &tensor);
  if (!status.ok()) context->CtxFailure(status);
  return status.ok() ? tensor->flat<float>().data() : nullptr;
}

}  // namespace latent
