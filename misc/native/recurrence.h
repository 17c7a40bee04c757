// LatentRecurrence          a gated recurrent unit over all its time steps: what allStates in
//                           lib/layers/gru-recurrence.ts computes of a thousand small ops.
// LatentRecurrenceGradient  its backward pass through time.
#pragma once

#include "outputs.h"
#include "processor.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

// Reads the four inputs that both kernels begin with; false, and the context says why, where they
// do not fit.
inline bool ReadRecurrence(OpKernelContext* context, Recurrence* of) {
  const Tensor &inputs = context->input(0), &kernel = context->input(1);
  const Tensor &initial = context->input(2), &feedback = context->input(3);
  bool fits = inputs.dims() == 3 && kernel.dims() == 2 && initial.dims() == 2;
  if (fits) {
    of->inputs_size = inputs.dim_size(0);
    of->steps = inputs.dim_size(1);
    of->batch = inputs.dim_size(2);
    of->units = initial.dim_size(0);
    of->inputs = inputs.flat<float>().data();
    of->kernel = kernel.flat<float>().data();
    of->initial = initial.flat<float>().data();
    const bool has_feedback = feedback.NumElements() > 0;
    of->feedback = has_feedback ? feedback.flat<float>().data() : nullptr;
    of->is_mask_shared = feedback.NumElements() == of->steps;
    fits = of->steps > 0 && initial.dim_size(1) == of->batch &&
           kernel.dim_size(0) == 4 * of->units && kernel.dim_size(1) == of->Columns() &&
           (!has_feedback || of->is_mask_shared ||
            feedback.NumElements() == of->steps * of->batch);
  }
  if (!fits) context->CtxFailure(absl::InvalidArgumentError("LatentRecurrence: shapes do not fit."));
  return fits;
}

class LatentRecurrence : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Recurrence of;
    if (!ReadRecurrence(context, &of)) return;
    float* states = Output(context, 0, {of.units, of.steps, of.batch});
    float* trace = Output(context, 1, {4 * of.units, of.steps, of.batch});
    Tensor fed;
    OP_REQUIRES_OK(context, context->allocate_temp(DT_FLOAT, {of.units, of.batch}, &fed));
    if (!context->status().ok()) return;
    const FlushTiny flush;
    float* room = fed.flat<float>().data();
    ON_THIS_PROCESSOR(RecurrenceForward(of, states, trace, room));
  }
};

class LatentRecurrenceGradient : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Recurrence of;
    if (!ReadRecurrence(context, &of)) return;
    const int64_t H = of.units, TB = of.steps * of.batch;
    const Tensor &states = context->input(4), &trace = context->input(5);
    const Tensor& gradient = context->input(6);
    OP_REQUIRES(context,
                states.NumElements() == H * TB && trace.NumElements() == 4 * H * TB &&
                    gradient.NumElements() == H * TB,
                absl::InvalidArgumentError("LatentRecurrenceGradient: shapes do not fit."));
    float* of_inputs = Output(context, 0, {of.inputs_size, of.steps, of.batch});
    float* of_kernel = Output(context, 1, {4 * H, of.Columns()});
    float* of_initial = Output(context, 2, {H, of.batch});
    Tensor room;
    OP_REQUIRES_OK(context,
                   context->allocate_temp(DT_FLOAT, {5 * H * TB + H * of.batch}, &room));
    if (!context->status().ok()) return;
    float* parts = room.flat<float>().data();
    float* fed = parts + 4 * H * TB;
    float* back = fed + H * TB;
    const float* from = gradient.flat<float>().data();
    const float* after = states.flat<float>().data();
    const float* gates = trace.flat<float>().data();
    const FlushTiny flush;
    ON_THIS_PROCESSOR(RecurrenceBackward(of, after, gates, from, of_inputs, of_kernel, of_initial,
                                         parts, back, fed));
  }
};

REGISTER_OP("LatentRecurrence")
    .Input("inputs: float")
    .Input("kernel: float")
    .Input("initial: float")
    .Input("feedback: float")
    .Output("states: float")
    .Output("trace: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_OP("LatentRecurrenceGradient")
    .Input("inputs: float")
    .Input("kernel: float")
    .Input("initial: float")
    .Input("feedback: float")
    .Input("states: float")
    .Input("trace: float")
    .Input("of_states: float")
    .Output("of_inputs: float")
    .Output("of_kernel: float")
    .Output("of_initial: float")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_KERNEL_BUILDER(Name("LatentRecurrence").Device(DEVICE_CPU), LatentRecurrence);
REGISTER_KERNEL_BUILDER(Name("LatentRecurrenceGradient").Device(DEVICE_CPU),
                        LatentRecurrenceGradient);

}  // namespace latent
