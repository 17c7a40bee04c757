// LatentAdam         ResourceApplyAdam with vector instructions: TensorFlow's wheels are built for old
//                    processors, and a step of Adam is a square root and a division a weight.
// LatentAdamProduct  the same for a gradient that is a product of two thin matrices: it is made block
//                    by block in the cache and never written to memory.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "shared-work.h"
#include "processor.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

struct Rates {
  float step, beta1, beta2, epsilon;
};

// m ← m + (1 − β₁)(g − m)   v ← v + (1 − β₂)(g² − v)   w ← w − step · m / (√v + ε)
FOR_EACH_PROCESSOR
void Adam(float* __restrict w, float* __restrict m, float* __restrict v, const float* __restrict g,
          int64_t size, Rates rates) {
  const float first = 1.0f - rates.beta1, second = 1.0f - rates.beta2;
  const float step = rates.step, epsilon = rates.epsilon;
  for (int64_t i = 0; i < size; i++) {
    const float mean = m[i] + (g[i] - m[i]) * first;
    const float square = v[i] + (g[i] * g[i] - v[i]) * second;
    m[i] = mean;
    v[i] = square;
    w[i] -= (mean * step) / (std::sqrt(square) + epsilon);
  }
}

// sum[j] = Σ left[k · stride] right[k, j] for j < size; right has `columns` numbers a row
FOR_EACH_PROCESSOR
void Product(float* __restrict sum, const float* __restrict left, int64_t stride,
             const float* __restrict right, int64_t columns, int64_t inner, int64_t size) {
  const auto row = [&](int64_t k) { return right + k * columns; };
  const auto factor = [&](int64_t k) { return left[k * stride]; };
  for (int64_t j = 0; j < size; j++) sum[j] = left[0] * right[j];
  int64_t k = 1;
  for (; k + 4 <= inner; k += 4) {
    const float a = factor(k), b = factor(k + 1), c = factor(k + 2), d = factor(k + 3);
    const float *__restrict first = row(k), *__restrict second = row(k + 1);
    const float *__restrict third = row(k + 2), *__restrict fourth = row(k + 3);
    for (int64_t j = 0; j < size; j++) {
      sum[j] += (a * first[j] + b * second[j]) + (c * third[j] + d * fourth[j]);
    }
  }
  for (; k < inner; k++) {
    const float a = factor(k);
    const float* __restrict values = row(k);
    for (int64_t j = 0; j < size; j++) sum[j] += a * values[j];
  }
}

// Takes the three variables of an update, and its rates.
//
// Memory: the variables are locked and counted while the update runs. A value that somebody else
// still holds, such as a gradient that is the weight itself, stays as it is, and the update goes
// into a copy: so nothing that the loops write is also an input, as __restrict promises.
class AdamKernel : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    core::RefCountPtr<Var> variables[3];
    float* data[3];
    int64_t size = 0;
    for (int i = 0; i < 3; i++) {
      OP_REQUIRES_OK(context, LookupResource(context, HandleFromInput(context, i), &variables[i]));
    }
    OP_REQUIRES(context,
                variables[0] != variables[1] && variables[0] != variables[2] &&
                    variables[1] != variables[2],
                absl::InvalidArgumentError("LatentAdam: weight and moments are one variable."));
    // Always in this order, and no other kernel here takes several: nobody waits for ever.
    mutex_lock weight(*variables[0]->mu()), m(*variables[1]->mu()), v(*variables[2]->mu());
    for (int i = 0; i < 3; i++) {
      Tensor* tensor = variables[i]->tensor();
      OP_REQUIRES(context, tensor->dtype() == DT_FLOAT,
                  absl::InvalidArgumentError("LatentAdam: a variable is not float32."));
      if (!tensor->RefCountIsOne()) {
        Tensor copy;
        OP_REQUIRES_OK(context, context->allocate_temp(DT_FLOAT, tensor->shape(), &copy));
        std::memcpy(copy.data(), tensor->data(), tensor->TotalBytes());
        *tensor = copy;
      }
      if (i == 0) size = tensor->NumElements();
      OP_REQUIRES(context, tensor->NumElements() == size,
                  absl::InvalidArgumentError("LatentAdam: weight and moments differ in size."));
      data[i] = tensor->flat<float>().data();
    }
    const auto scalar = [&](int index) { return context->input(index).scalar<float>()(); };
    const Rates rates{scalar(3), scalar(4), scalar(5), scalar(6)};
    const FlushTiny flush;
    Update(context, data[0], data[1], data[2], size, rates);
  }

 protected:
  virtual void Update(OpKernelContext* context, float* w, float* m, float* v, int64_t size,
                      Rates rates) = 0;
};

class LatentAdam : public AdamKernel {
 public:
  using AdamKernel::AdamKernel;

 protected:
  void Update(OpKernelContext* context, float* w, float* m, float* v, int64_t size,
              Rates rates) override {
    const Tensor& gradient = context->input(7);
    OP_REQUIRES(context, gradient.NumElements() == size,
                absl::InvalidArgumentError("LatentAdam: weight and gradient differ in size."));
    const float* g = gradient.flat<float>().data();
    InParts(size, size >= kLarge, [&](int64_t from, int64_t to, int64_t) {
      Adam(w + from, m + from, v + from, g + from, to - from, rates);
    });
  }
};

class LatentAdamProduct : public AdamKernel {
 public:
  using AdamKernel::AdamKernel;

 protected:
  void Update(OpKernelContext* context, float* w, float* m, float* v, int64_t size,
              Rates rates) override {
    const Tensor& left = context->input(7);   // [inner, rows]
    const Tensor& right = context->input(8);  // [inner, columns]
    OP_REQUIRES(context,
                left.dims() == 2 && right.dims() == 2 && left.dim_size(0) == right.dim_size(0) &&
                    left.dim_size(0) > 0 && left.dim_size(1) * right.dim_size(1) == size,
                absl::InvalidArgumentError("LatentAdamProduct: the factors do not fit."));
    const int64_t inner = left.dim_size(0), rows = left.dim_size(1), columns = right.dim_size(1);
    const float* factors = left.flat<float>().data();
    const float* values = right.flat<float>().data();
    constexpr int64_t kBlock = 1024;
    // By columns, of which there are many also where there is one row.
    InParts(columns, size >= kLarge, [&](int64_t left, int64_t right, int64_t) {
      alignas(64) float gradient[kBlock];
      for (int64_t row = 0; row < rows; row++) {
        for (int64_t from = left; from < right; from += kBlock) {
          const int64_t count = std::min(kBlock, right - from);
          const int64_t at = row * columns + from;
          Product(gradient, factors + row, rows, values + from, columns, inner, count);
          Adam(w + at, m + at, v + at, gradient, count, rates);
        }
      }
    });
  }
};

REGISTER_OP("LatentAdam")
    .Input("weight: resource")
    .Input("m: resource")
    .Input("v: resource")
    .Input("step_size: float")
    .Input("beta1: float")
    .Input("beta2: float")
    .Input("epsilon: float")
    .Input("gradient: float")
    .SetIsStateful()
    .SetShapeFn(shape_inference::NoOutputs);

REGISTER_OP("LatentAdamProduct")
    .Input("weight: resource")
    .Input("m: resource")
    .Input("v: resource")
    .Input("step_size: float")
    .Input("beta1: float")
    .Input("beta2: float")
    .Input("epsilon: float")
    .Input("left: float")
    .Input("right: float")
    .SetIsStateful()
    .SetShapeFn(shape_inference::NoOutputs);

REGISTER_KERNEL_BUILDER(Name("LatentAdam").Device(DEVICE_CPU), LatentAdam);
REGISTER_KERNEL_BUILDER(Name("LatentAdamProduct").Device(DEVICE_CPU), LatentAdamProduct);

}  // namespace latent
