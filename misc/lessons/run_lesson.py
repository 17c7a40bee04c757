"""Executes one lesson with nbclient and tells how it goes as lines of JSON on stdout.

    python run_lesson.py NOTEBOOK --out FOLDER --timeout SECONDS [--store]

Writes FOLDER/NAME.ipynb and FOLDER/NAME.html, also when a cell failed. misc/commands/lessons.mjs
starts it. It ends when its stdin is closed, so that it never outlives that command.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from parent_watch import end_with_stdin

TEMPLATES = Path(__file__).parent.parent / "nbtemplates"
PLOTLY = "application/vnd.plotly.v1+json"
STARTUP_SECONDS = 120


def tell(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


def first_line(source):
    lines = [line.strip() for line in source.splitlines()]
    return next((line for line in lines if line and not line.startswith("//")), "")[:80]


def execute(notebook, path, timeout):
    """Runs all cells; gives None, or why the run ended early."""
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    started = {}

    def on_start(cell, cell_index):
        started[cell_index] = time.monotonic()
        tell("cell", number=code.index(cell_index) + 1, source=first_line(cell.source))

    def on_executed(cell, cell_index, execute_reply):
        seconds = time.monotonic() - started[cell_index]
        tell("executed", number=code.index(cell_index) + 1, seconds=seconds)

    client = NotebookClient(
        notebook,
        timeout=timeout,
        startup_timeout=STARTUP_SECONDS,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_execute=on_start,
        on_cell_executed=on_executed,
    )
    tell("start", cells=len(code))
    try:
        client.execute()
    except CellExecutionError as error:
        return failure_of(notebook, error)
    except CellTimeoutError:
        number = code.index(max(started)) + 1
        return f"code cell {number} took longer than {timeout} s"
    except DeadKernelError:
        return "the kernel died"
    except Exception as error:  # e.g. no such kernel: the table must say so
        return f"{type(error).__name__}: {error}"
    return None


def failure_of(notebook, error):
    """The traceback of the failed cell, which names the cell and its line."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and output.evalue == error.evalue:
                return "\n".join(output.traceback)
    return str(error)


def write_whole(path, text):
    draft = path.with_name(path.name + ".partial")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def write_page(notebook, folder, name):
    from nbconvert.exporters import HTMLExporter
    from nbconvert.utils.base import NbConvertBase
    from plotly import __file__ as plotly_package
    from traitlets.config import Config

    priority = [PLOTLY, *NbConvertBase().display_data_priority]
    exporter = HTMLExporter(
        config=Config({"NbConvertBase": {"display_data_priority": priority}}),
        template_name="lesson",
        extra_template_basedirs=[str(TEMPLATES)],
    )
    html, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": name}})
    script = folder / "plotly.min.js"
    source = Path(plotly_package).parent / "package_data" / "plotly.min.js"
    if not script.exists() or script.stat().st_size != source.stat().st_size:
        shutil.copyfile(source, script)
    write_whole(folder / f"{name}.html", html)


def store(executed, path):
    """Puts the outputs into the lesson itself, without counts and what changes from run to run."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    for cell, ran in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type != "code":
            continue
        if cell.source != ran.source:
            raise SystemExit(f"{path.name} was changed while it ran; nothing is stored.")
        cell.outputs = ran.outputs
        cell.execution_count = None
        for volatile in ("execution", "collapsed", "scrolled", "ExecuteTime"):
            cell.metadata.pop(volatile, None)
        for output in cell.outputs:
            output.pop("transient", None)
            if "execution_count" in output:
                output.execution_count = None
    write_whole(path, nbformat.writes(notebook) + "\n")


def peak_bytes():
    """Of the largest process that this one started and that has ended: the kernel."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--timeout", type=int, required=True)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    path = options.notebook.resolve()
    end_with_stdin()

    notebook = nbformat.read(path, as_version=4)
    failure = execute(notebook, path, options.timeout)
    peak = peak_bytes()
    options.out.mkdir(parents=True, exist_ok=True)
    write_whole(options.out / path.name, nbformat.writes(notebook) + "\n")
    write_page(notebook, options.out, path.stem)
    if options.store and failure is None:
        store(notebook, path)
    tell("end", failure=failure, peak=peak, stored=options.store and failure is None)
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main())
