"""What every peer of `npm run bench` shares: its data, and how it is told to run.

A peer is a process that keeps one model. It says one line of JSON when it is ready, then runs steps
for as many seconds as each line of its standard input says, and answers each with a line of times.
A step is everything from a batch in the framework's own memory to the loss as a Python float.

Import this file before the framework: it starts the clock of the import.
"""
import argparse
import json
import os
import resource
import sys
import time

START = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

WARM_UP_STEPS = 20
LEAST_STEPS = 10


def options(**choices):
    """The folder of the data, and this peer's own options with their choices, the first the default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--weights", help="a safetensors file: start from it and say a few losses")
    for name, values in choices.items():
        parser.add_argument(f"--{name}", choices=values, default=values[0])
    return parser.parse_args()


def table(folder, name, columns):
    """A file of little-endian float32 rows, as [batches of one row, columns]."""
    import numpy as np

    return np.fromfile(os.path.join(folder, f"{name}.f32"), dtype="<f4").reshape(-1, columns)


def batched(rows, size):
    """[N, …] as a list of [size, …]; what is left over is left out."""
    count = len(rows) // size
    return list(rows[: count * size].reshape(count, size, *rows.shape[1:]))


def serve_losses(step, batches, count=3):
    """For the check from equal weights: the losses of the first steps, and no more."""
    say(losses=[float(step(batch)) for batch in batches[:count]])


def serve(step, batches, weights, modules):
    """Runs `step(batch) -> float` when told to.

    step     one training step
    batches  used in turn, in the framework's own memory
    weights  how many numbers are trained
    modules  the framework's modules, for their versions
    """
    imported = time.perf_counter()
    loss = float(step(batches[0]))
    first = time.perf_counter()
    for which in range(WARM_UP_STEPS):
        step(batches[which % len(batches)])
    say(
        weights=int(weights),
        importSeconds=IMPORTED - START,
        firstStepSeconds=first - imported,
        firstLoss=loss,
        versions={module.__name__: module.__version__ for module in modules},
    )
    count = 0
    for line in sys.stdin:
        end = time.perf_counter() + float(line)
        times, losses, used = [], [], time.process_time()
        while len(times) < LEAST_STEPS or time.perf_counter() < end:
            batch = batches[count % len(batches)]
            start = time.perf_counter()
            losses.append(float(step(batch)))
            times.append((time.perf_counter() - start) * 1e3)
            count += 1
        say(
            milliseconds=times,
            processorSeconds=time.process_time() - used,
            loss=sum(losses) / len(losses),
            peakMegabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            / (2**20 if sys.platform == "darwin" else 2**10),
        )


def imported():
    """Stops the clock of the import: call it after the framework's imports."""
    global IMPORTED
    IMPORTED = time.perf_counter()


def say(**message):
    print(json.dumps(message), flush=True)
