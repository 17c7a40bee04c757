// Room for what a kernel gives.
#pragma once

#include "tensorflow/core/framework/op_kernel.h"

namespace latent {

using namespace tensorflow;

// A float32 output of this shape; null, and the context says why, where there is no memory.
inline float* Output(OpKernelContext* context, int index, TensorShape shape) {
  Tensor* tensor = nullptr;
  const absl::Status status = context->allocate_output(index, shape, &tensor);
  if (!status.ok()) context->CtxFailure(status);
  return status.ok() ? tensor->flat<float>().data() : nullptr;
}

}  // namespace latent
