// LatentMatMul  a product of matrices of any size on two cores, and with it what stands around products in
//               a training step, so that it costs no pass through memory: forwards a bias and relu;
//               backwards the sum of gradients, the slope of relu, and the gradient of a bias.
#pragma once

#include <algorithm>
#include <vector>

#include "outputs.h"
#include "processor.h"
#include "shared-work.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace latent {

using namespace tensorflow;

// Multiplications from which on a second thread is worth waking: some 10 µs of one core.
constexpr int64_t kManyMultiplications = 1 << 19;

// left [M, K] or [K, M], right [K, N] or [N, K] → [M, N], or of the shape of `start`. None or one each:
// bias [N] and start [M, N], to which products are added; mask [M, N], where the product is kept if it is
// above 0; and the output [N], the sums of right's columns, if right is not transposed.
class LatentMatMul : public OpKernel {
 public:
  explicit LatentMatMul(OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("transpose_a", &transpose_left_));
    OP_REQUIRES_OK(construction, construction->GetAttr("transpose_b", &transpose_right_));
    OP_REQUIRES_OK(construction, construction->GetAttr("relu", &relu_));
    int biases, starts, masks, sums;
    OP_REQUIRES_OK(construction, construction->GetAttr("biases", &biases));
    OP_REQUIRES_OK(construction, construction->GetAttr("starts", &starts));
    OP_REQUIRES_OK(construction, construction->GetAttr("masks", &masks));
    OP_REQUIRES_OK(construction, construction->GetAttr("sums", &sums));
    has_start_ = starts > 0;
    has_mask_ = masks > 0;
    has_sums_ = sums > 0;
    has_bias_ = biases > 0;
    OP_REQUIRES(construction,
                biases + starts < 2 && masks < 2 && sums < 2 && !(has_sums_ && transpose_right_),
                absl::InvalidArgumentError("LatentMatMul: these do not go together."));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &left = context->input(0), &right = context->input(1);
    OP_REQUIRES(context, left.dims() == 2 && right.dims() == 2,
                absl::InvalidArgumentError("LatentMatMul: an input is no matrix."));
    const int64_t rows = left.dim_size(transpose_left_ ? 1 : 0);
    const int64_t inner = left.dim_size(transpose_left_ ? 0 : 1);
    const int64_t columns = right.dim_size(transpose_right_ ? 0 : 1);
    const Tensor* start = has_bias_ || has_start_ ? &context->input(2) : nullptr;
    const Tensor* mask = has_mask_ ? &context->input(context->num_inputs() - 1) : nullptr;
    OP_REQUIRES(context,
                right.dim_size(transpose_right_ ? 1 : 0) == inner &&
                    (!has_bias_ || start->NumElements() == columns) &&
                    (!has_start_ || start->NumElements() == rows * columns) &&
                    (!has_mask_ || mask->NumElements() == rows * columns),
                absl::InvalidArgumentError("LatentMatMul: shapes do not fit."));
    float* product =
        Output(context, 0, has_start_ ? start->shape() : TensorShape({rows, columns}));
    float* totals = has_sums_ ? Output(context, 1, {columns}) : nullptr;
    if (!context->status().ok()) return;
    if (has_sums_) std::fill_n(totals, columns, 0.0f);
    if (rows == 0 || columns == 0) return;
    // A product of nothing is nothing: one step of zeros gives it, and adds the bias.
    const std::vector<float> zeros(std::max(rows, columns));
    Matrix l{left.flat<float>().data(), transpose_left_ ? 1 : inner, transpose_left_ ? rows : 1};
    Matrix r{right.flat<float>().data(), transpose_right_ ? 1 : columns, transpose_right_ ? inner : 1};
    if (inner == 0) l = r = {zeros.data(), 1, 1};
    const Sums sums{product,
                    columns,
                    start == nullptr ? zeros.data() : start->flat<float>().data(),
                    has_start_ ? columns : 0,
                    relu_,
                    has_mask_ ? mask->flat<float>().data() : nullptr};
    const FlushTiny flush;
    Cut(sums, l, r, rows, std::max<int64_t>(1, inner), columns, totals);
  }

 private:
  // Cuts a large product into tasks: by columns, of which each is packed once, and if those are few by
  // rows, as many as make kTasks, or two, but none so thin that packing takes long.
  static void Cut(Sums sums, Matrix left, Matrix right, int64_t rows, int64_t inner,
                  int64_t columns, float* totals) {
    constexpr int64_t kTasks = 4, kFewRows = 96;
    const auto over = [](int64_t size, int64_t part) { return (size + part - 1) / part; };
    int64_t width = columns, height = rows;
    if (rows * inner * columns >= kManyMultiplications) {
      width = kPanelColumns;
      if (rows < kFewRows) width = std::min(width, over(over(columns, 2), kPanel) * kPanel);
      int64_t parts = over(kTasks, over(columns, width));
      while (parts > 1 && rows / parts < kFewRows / 2) parts /= 2;
      height = over(over(rows, parts), kTile) * kTile;
    }
    const int64_t across = over(columns, width);
    Share(across * over(rows, height), true, [&](int64_t task) {
      const int64_t i = task / across * height, j = task % across * width;
      float* own_totals = totals == nullptr || i > 0 ? nullptr : totals + j;
      static thread_local PackingRoom room;
      ON_THIS_PROCESSOR(MatMul(sums.From(i, j), left.From(i, 0), right.From(0, j),
                               std::min(height, rows - i), inner, std::min(width, columns - j),
                               own_totals, room));
    });
  }

  bool transpose_left_, transpose_right_, relu_, has_bias_, has_start_, has_mask_, has_sums_;
};

REGISTER_OP("LatentMatMul")
    .Input("left: float")
    .Input("right: float")
    .Input("bias: biases * float")
    .Input("start: starts * float")
    .Input("mask: masks * float")
    .Output("product: float")
    .Output("column_sums: sums * float")
    .Attr("transpose_a: bool = false")
    .Attr("transpose_b: bool = false")
    .Attr("relu: bool = false")
    .Attr("biases: int >= 0 = 0")
    .Attr("starts: int >= 0 = 0")
    .Attr("masks: int >= 0 = 0")
    .Attr("sums: int >= 0 = 0")
    .SetShapeFn(shape_inference::UnknownShape);

REGISTER_KERNEL_BUILDER(Name("LatentMatMul").Device(DEVICE_CPU), LatentMatMul);

}  // namespace latent
