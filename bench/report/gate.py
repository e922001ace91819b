"""What the gate found: for people, for CI (JUnit, GitHub), and for programs (JSON)."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import asdict

from bench.errors import visible
from bench.evidence.comparison import Comparison, Verdict
from bench.experiment.gate import Finding, Floor, GateResult
from bench.experiment.outcome import Outcome
from bench.report.comparison import P_DECIMALS, difference, number
from bench.report.markdown import markdown
from bench.report.table import Cell, Column, Counts, Keep, Number, Table, Text, name_column

_WORDS = {0: "passed", 1: "regressed", 3: "undecidable"}
_LEVEL = {
    Outcome.UNDECIDABLE: "warning",
    Outcome.CHANGED: "notice",
    Outcome.IMPROVED: "notice",
}


def gate_tables(result: GateResult) -> list[Table]:
    """One line a system and measure; then the floors."""
    return [_findings_table(result), *([_floors_table(result.floors)] if result.floors else [])]


def _findings_table(result: GateResult) -> Table:
    anchored = any(one.against_best is not None for one in result.findings)
    measures = sorted({one.measure for one in result.findings})
    several = len(measures) > 1
    columns = [
        name_column("system"),
        *([name_column("measure")] if several else []),
        Column("outcome", keep=Keep.ALWAYS),
        Column("then"),
        Column("now", keep=Keep.ALWAYS),
        _difference_column("difference"),
        Column("p corrected", decimals=P_DECIMALS),
        *([Column("best"), _difference_column("to the best")] if anchored else []),
        Column("tolerance", decimals=None),
        Column("reranked"),
    ]
    body = []
    for one in result.findings:
        cells: list[Cell] = [Text(one.system), *([Text(one.measure)] if several else [])]
        cells.append(Text(str(one.outcome), one.outcome not in (Outcome.UNCHANGED, Outcome.CHANGED)))
        cells += [Number(one.then), Number(one.now)]
        cells += [_difference(one.comparison), number(one.comparison.p_corrected)]
        if anchored:
            cells += [number(one.best), _difference(one.against_best)]
        cells += [Number(one.tolerance), None if one.reranked is None else Counts((one.reranked,))]
        body.append(tuple(cells))
    n = result.findings[0].comparison.n
    notes = [
        (
            "Passes when no value changed, or the interval's lower end is above −tolerance; regressed "
            "when it is not and the difference is significantly below 0; else undecidable. Intervals "
            "hold together for this table. reranked: queries whose order of documents is another."
        )
    ]
    if anchored:
        notes.append(
            "best: the best that was accepted as a baseline; it begins anew where --reason takes what "
            "did not pass."
        )
    if result.stale:
        notes.append("Something improved: renew the baseline with bench gate --update.")
    if any(one.outcome is Outcome.UNDECIDABLE for one in result.findings):
        notes.append(
            f"undecidable: {n} queries can not rule out a loss of the tolerance here; add queries, "
            + (
                "raise --tolerance. It passes, as --undecidable pass says."
                if result.undecidable_passes
                else "raise --tolerance, or let it pass with --undecidable pass."
            )
        )
    if result.new:
        notes.append(f"New, with nothing to compare: {', '.join(result.new)}.")
    if result.gone:
        notes.append(f"No longer run, and so no longer guarded: {', '.join(result.gone)}.")
    notes += [*result.tied, *result.notes]
    if result.renewal is not None:
        notes.append(f"{result.renewal.why}.")
    by = "" if several else f" by {measures[0]}"
    title = f"Gate {_verdict(result)}{by}, {n} test queries"
    return Table(title, tuple(columns), tuple(body), tuple(notes))


def _verdict(result: GateResult) -> str:
    word = _WORDS[result.verdict_code]
    if word == "regressed" and not any(f.outcome is Outcome.REGRESSED for f in result.findings):
        word = "below a floor"
    return word if result.renewal is None else f"{word}, {result.renewal.status}"


def _floors_table(floors: tuple[Floor, ...]) -> Table:
    columns = (
        name_column("system"),
        name_column("measure"),
        Column("now", keep=Keep.ALWAYS),
        Column("floor", decimals=None),
        Column("outcome", keep=Keep.ALWAYS),
    )
    rows = tuple(
        (
            Text(one.system),
            Text(one.measure),
            *map(Text, _floor_numbers(one)),
            Text("holds" if one.holds else "below floor", not one.holds),
        )
        for one in floors
    )
    return Table("Floors", columns, rows)


def _difference_column(title: str) -> Column:
    return Column(title, signed=True, within=4, apart="95 % interval")


def _difference(one: Comparison | None) -> Cell:
    if one is None:
        return None
    if one.verdict is Verdict.ALIKE:  # nothing was drawn from anything: there is no error to tell
        return Number(one.difference)
    return difference(one)


def finding_words(one: Finding) -> str:
    """Return a finding in one line."""
    text = f"{one.system} {one.measure} {one.then:.4f} → {one.now:.4f}"
    if one.comparison.verdict is Verdict.ALIKE:
        text += " (the same for every query)"
    else:
        text += f" ({one.comparison.difference:+.4f}, at worst {one.comparison.low:+.4f})"
    if one.against_best is None:
        return text
    return text + f", best {one.best:.4f} ({one.against_best.difference:+.4f})"


def floor_words(one: Floor) -> str:
    """Return a floor in one line."""
    now, lowest = _floor_numbers(one)
    return f"{one.system} {one.measure} {now}, floor {lowest}"


def _floor_numbers(one: Floor) -> tuple[str, str]:
    """Return mean and floor, with as many digits as show that a mean is below."""
    digits = 4
    while not one.holds and float(f"{one.now:.{digits}f}") >= one.lowest and digits < 16:
        digits += 1
    return f"{one.now:.{digits}f}", repr(one.lowest) if digits > 4 else f"{one.lowest:g}"


def gate_markdown(result: GateResult) -> str:
    """Return a summary for a pull request's comment."""
    mark = {0: "✅", 1: "❌", 2: "❌", 3: "⚠️"}[result.exit_code]
    title = f"### {mark} Retrieval quality: {_verdict(result)}"
    return f"{title}\n\n{markdown(gate_tables(result))}"


def gate_junit(result: GateResult) -> str:
    """Return JUnit XML with a case for each finding and floor, and one for what became of the baseline;
    what stops the gate is a failure."""
    taken = result.renewal is not None and result.renewal.exit_code == 0
    cases = [
        (
            one.system,
            one.measure,
            str(one.outcome),
            finding_words(one),
            not taken and _stops(one, result),
        )
        for one in result.findings
    ]
    cases += [
        (
            one.system,
            f"floor of {one.measure}",
            "below floor",
            floor_words(one),
            not (taken or one.holds),
        )
        for one in result.floors
    ]
    if result.renewal is not None:
        cases.append(("baseline", "update", result.renewal.status, result.renewal.why, not taken))
    suite = ElementTree.Element(
        "testsuite",
        name="bench gate",
        tests=str(len(cases)),
        failures=str(sum(stops for *_, stops in cases)),
        errors="0",
    )
    for *texts, stops in cases:
        system, name, outcome, words = map(visible, texts)  # XML has no place for control characters
        case = ElementTree.SubElement(suite, "testcase", classname=system, name=name)
        if stops:
            ElementTree.SubElement(case, "failure", type=outcome, message=words)
        else:
            ElementTree.SubElement(case, "system-out").text = words
    if notes := [*result.tied, *result.notes]:
        ElementTree.SubElement(suite, "system-out").text = "\n".join(map(visible, notes))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _stops(one: Finding, result: GateResult) -> bool:
    if one.outcome is Outcome.UNDECIDABLE:
        return not result.undecidable_passes
    return not one.outcome.passes


def gate_json(result: GateResult) -> str:
    """Return everything for another program; null where there is no number."""
    return as_json(result, result.exit_code, None)


def as_json(result: GateResult, exit_code: int, error: str | None) -> str:
    """Return what was found, beside what the process exits with and why no more was found."""
    findings = [
        {
            **asdict(one),
            "outcome": str(one.outcome),
            "passes": one.outcome.passes,
        }
        for one in result.findings
    ]
    content = {
        "exit_code": exit_code,
        "error": error,
        "update": None if result.renewal is None else asdict(result.renewal),
        "undecidable_passes": result.undecidable_passes,
        "baseline_stale": result.stale,
        "new_systems": list(result.new),
        "findings": findings,
        "notes": [*result.tied, *result.notes],
        "floors": [{**asdict(one), "holds": one.holds} for one in result.floors],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def github_annotations(result: GateResult) -> str:
    """Return GitHub workflow commands, a line each, for whatever is not as it was."""
    return "".join(f"{line}\n" for line in _annotations(result))


def _annotations(result: GateResult) -> Iterator[str]:
    worst = "error" if result.exit_code else "warning"  # what was taken with a reason ends well
    levels = {**_LEVEL, Outcome.REGRESSED: worst}
    for one in result.findings:
        if one.outcome in levels:
            title = f"title=bench gate {one.outcome}"  # a comma would end it
            yield f"::{levels[one.outcome]} {title}::{github_text(finding_words(one))}"
    for line in result.tied:
        yield f"::warning title=bench gate equal scores::{github_text(line)}"
    for floor in result.floors:
        if not floor.holds:
            yield f"::{worst} title=bench gate below floor::{github_text(floor_words(floor))}"
    if result.renewal is not None and result.renewal.exit_code:
        yield f"::error title=bench gate --update::{github_text(result.renewal.why)}"


def github_text(text: str) -> str:
    """Return the text for the message of a workflow command, in which GitHub reads %XX as a character
    (actions/toolkit, `escapeData`)."""
    return visible(text).replace("%", "%25")
