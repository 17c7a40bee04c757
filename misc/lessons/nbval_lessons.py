"""A pytest plugin for nbval: fits it to how the lessons are stored, and reports cell by cell.

Lessons are stored without execution counts, by which nbval tells that outputs were ever made; and
figures are compared by their text only, since their numbers are as long as floats are.
"""

import json
import os
import re

from parent_watch import end_with_stdin

FIGURES = ("application/vnd.plotly.v1+json", "image/svg+xml", "text/html")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

end_with_stdin()


def pytest_collection_modifyitems(items):
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is None:
            continue
        if cell.get("execution_count") is None:
            cell["execution_count"] = 0
        if FIGURES[0] not in item.parent.skip_compare:
            item.parent.skip_compare += FIGURES


def write(**report):
    with open(os.environ["LATENT_NBVAL_REPORT"], "a", encoding="utf-8") as file:
        file.write(json.dumps(report) + "\n")


def pytest_collectreport(report):
    if report.failed:
        write(name=report.nodeid, outcome="failed", text=plain(report.longreprtext), seconds=0)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        text = report.longreprtext if report.failed else ""
        seconds = report.duration
        write(name=report.nodeid, outcome=report.outcome, text=plain(text), seconds=seconds)


def plain(text):
    return ESCAPES.sub("", text).strip()
