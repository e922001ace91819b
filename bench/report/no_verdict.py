"""What the forms of the gate say where there is no verdict: the exit code of the process, and why."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from bench.experiment.gate import GateResult
from bench.report.escape import markdown_text
from bench.report.gate import as_json, github_text

_NOTHING = GateResult((), (), ())


def no_verdict_json(exit_code: int, why: str) -> str:
    """Return JSON with the keys of a verdict, and no findings."""
    return as_json(_NOTHING, exit_code, why)


def no_verdict_junit(exit_code: int, why: str) -> str:
    """Return JUnit XML with one case that is an error."""
    suite = ElementTree.Element("testsuite", name="bench gate", tests="1", failures="0", errors="1")
    case = ElementTree.SubElement(suite, "testcase", classname="bench gate", name="verdict")
    ElementTree.SubElement(case, "error", type=f"exit {exit_code}", message=why)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def no_verdict_markdown(exit_code: int, why: str) -> str:
    """Return one line for a pull request's comment."""
    return f"### ❌ Retrieval quality: could not run (exit {exit_code}): {markdown_text(why)}\n"


def no_verdict_annotation(exit_code: int, why: str) -> str:
    """Return a GitHub workflow command."""
    return f"::error title=bench gate could not run::{github_text(why)} (exit {exit_code})\n"
