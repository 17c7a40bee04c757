// All that is compiled once for each generation of processors: processor.h includes this file in a
// namespace and with a target for each, so neither it nor what it includes has a guard. What the
// loops take as arguments is declared in arguments.h.
#include "numbers-loops.h"
#include "products-loops.h"

#include "attention-loops.h"
#include "dropout-loops.h"
#include "layer-norm-loops.h"
#include "likelihood-loops.h"
#include "matmul-loops.h"
#include "recurrence-loops.h"
#include "thin-product-loops.h"
