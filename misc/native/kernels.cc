// TensorFlow kernels for what recorded training steps spend their time on. The set-up compiles them
// where it can (misc/setup/kernels.mjs), lib/tensor/native-kernels.ts loads them, and without them a
// graph uses TensorFlow's own, which compute the same. One idea a header; this file is the addon.
#include "adam.h"
#include "attention.h"
#include "dropout.h"
#include "layer-norm.h"
#include "likelihood.h"
#include "matmul.h"
#include "recurrence.h"
#include "thin-product.h"

#include <node_api.h>

// What lib/tensor/native-kernels.ts expects: count up when ops, inputs or their meaning change.
constexpr int32_t kVersion = 6;

// Node loads this file as an addon, and loading registers the kernels; all it gives is its version.
extern "C" napi_value napi_register_module_v1(napi_env environment, napi_value exports) {
  napi_value version;
  napi_create_int32(environment, kVersion, &version);
  napi_set_named_property(environment, exports, "version", version);
  return exports;
}
