"""What the gate found: for people, for CI (JUnit, GitHub), and for programs (JSON)."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

from bench.gate import Finding, Outcome, Verdict
from bench.report.grid import Cell, Grid, markdown

_WORDS = {0: "passed", 1: "regressed", 3: "undecidable"}
_LEVEL = {
    Outcome.REGRESSED: "error",
    Outcome.BELOW_FLOOR: "error",
    Outcome.UNDECIDABLE: "warning",
    Outcome.CHANGED: "notice",
    Outcome.IMPROVED: "notice",
}


def gate_table(verdict: Verdict) -> Grid:
    """One line a system and measure."""
    change = ("then", "now", "difference", "95 % interval", "p (Holm)", "reranked", "outcome")
    body = tuple(
        (
            Cell(one.system),
            Cell(one.measure),
            Cell(f"{one.then:.4f}"),
            Cell(f"{one.now:.4f}"),
            Cell(f"{one.comparison.difference:+.4f}"),
            Cell(f"[{one.comparison.low:+.4f}, {one.comparison.high:+.4f}]"),
            Cell(f"{one.comparison.p_holm:.5f}"),
            Cell(str(one.reranked)),
            Cell(str(one.outcome), one.outcome not in (Outcome.UNCHANGED, Outcome.CHANGED)),
        )
        for one in verdict.findings
    )
    n = verdict.findings[0].comparison.n
    rule = (
        f"Fails when a drop is larger than {verdict.tolerance:g} and significant (randomisation test, "
        "Holm over this table), or below a floor. reranked: queries whose order of documents is another."
    )
    notes = [rule]
    if verdict.stale:
        notes.append("Something improved: renew the baseline with bench gate --update.")
    if verdict.exit_code == 3:
        notes.append(
            f"undecidable: {n} queries can not tell a drop of {verdict.tolerance:g} from none here; add "
            "queries, or raise --tolerance."
        )
    if verdict.new:
        notes.append(f"New, with nothing to compare: {', '.join(verdict.new)}.")
    title = f"Gate {_WORDS[verdict.exit_code]}, {n} test queries"
    return Grid(title, ("system", "measure", *change), body, tuple(notes))


def said(one: Finding) -> str:
    """Return a finding in one line."""
    text = (
        f"{one.system} {one.measure} {one.then:.4f} → {one.now:.4f} ({one.comparison.difference:+.4f}, "
        f"p = {one.comparison.p_holm:.5f})"
    )
    return text + (f", floor {one.floor:g}" if one.outcome is Outcome.BELOW_FLOOR else "")


def gate_markdown(verdict: Verdict) -> str:
    """Return a summary for a pull request's comment."""
    mark = {0: "✅", 1: "❌", 3: "⚠️"}[verdict.exit_code]
    title = f"### {mark} Retrieval quality: {_WORDS[verdict.exit_code]}"
    return f"{title}\n\n{markdown([gate_table(verdict)])}"


def gate_junit(verdict: Verdict) -> str:
    """Return JUnit XML with a case for each finding; what fails or can not be decided is a failure."""
    stops = (Outcome.REGRESSED, Outcome.BELOW_FLOOR, Outcome.UNDECIDABLE)
    failing = [one for one in verdict.findings if one.outcome in stops]
    suite = ElementTree.Element(
        "testsuite",
        name="bench gate",
        tests=str(len(verdict.findings)),
        failures=str(len(failing)),
        errors="0",
    )
    for one in verdict.findings:
        case = ElementTree.SubElement(suite, "testcase", classname=one.system, name=one.measure)
        if one in failing:
            ElementTree.SubElement(case, "failure", type=str(one.outcome), message=said(one))
        else:
            ElementTree.SubElement(case, "system-out").text = f"{one.outcome}: {said(one)}"
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def gate_json(verdict: Verdict) -> str:
    """Return everything for another program."""
    rows = [
        {
            "system": one.system,
            "measure": one.measure,
            "then": one.then,
            "now": one.now,
            "difference": one.comparison.difference,
            "low": one.comparison.low,
            "high": one.comparison.high,
            "p": one.comparison.p,
            "p_holm": one.comparison.p_holm,
            "detectable": one.comparison.detectable,
            "n": one.comparison.n,
            "reranked": one.reranked,
            "floor": one.floor,
            "outcome": str(one.outcome),
        }
        for one in verdict.findings
    ]
    content = {
        "exit_code": verdict.exit_code,
        "tolerance": verdict.tolerance,
        "baseline_stale": verdict.stale,
        "new_systems": list(verdict.new),
        "findings": rows,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def github_annotations(verdict: Verdict) -> Iterator[str]:
    """Yield GitHub workflow commands for whatever is not as it was."""
    for one in verdict.findings:
        if one.outcome in _LEVEL:
            yield f"::{_LEVEL[one.outcome]} title=bench gate, {one.outcome}::{said(one)}"
