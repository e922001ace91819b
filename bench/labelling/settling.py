"""Settling: what two passes differ on gets one grade, and the settled grades become the qrels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.collections.beir import ALL_SPLITS
from bench.collections.beir_files import read_metadata, read_qrels
from bench.errors import BenchError, require
from bench.labelling.passes import ADJUDICATION, Pair, Pass, ToJudge, by_query
from bench.storage.earlier import alone_with, keep_earlier
from bench.storage.files import files_in, is_file_name, write_text


def disagreements(first: Pass, second: Pass, queries: Iterable[str]) -> list[Pair]:
    """Return the pairs of these queries that the passes grade differently, in the first one's order."""
    chosen = set(queries)
    return [
        pair
        for pair, grade in first.grades.items()
        if pair[0] in chosen and grade != second.grades[pair]
    ]


def settles(first: Pass, second: Pass, pairs: Iterable[Pair]) -> dict[Pair, str]:
    """Return what settling each pair settles: both passes with their grades, by name.

    >>> settles(Pass("bob", {("q", "d"): 3}), Pass("ann", {("q", "d"): 2}), [("q", "d")])
    {('q', 'd'): 'ann=2 bob=3'}
    """
    return {
        pair: " ".join(sorted(f"{judged.name}={judged.grades[pair]}" for judged in (first, second)))
        for pair in pairs
    }


def read_settled(to_judge: ToJudge, first: Pass, second: Pass, queries: Iterable[str]) -> Pass:
    """Read what is settled, nothing where there is no file.

    Raises `BenchError` for a line on these queries that does not say for which passes, where a third one
    has judged the pair.
    """
    file = to_judge.pass_file(ADJUDICATION)
    if not file.exists():
        return Pass(ADJUDICATION, {})
    settled = to_judge.read(ADJUDICATION)
    chosen = set(queries)
    unsaid = [pair for pair in settled.grades if pair[0] in chosen and pair not in settled.settles]
    names = [name for name in to_judge.assessors() if name not in (first.name, second.name)]
    for other in map(to_judge.read, names if unsaid else ()):
        for pair in unsaid:
            require(
                pair not in other.grades,
                f"{file} does not say for which passes {pair[0]}, {pair[1]} was settled, and "
                f"'{other.name}' judged it too; add them in a fifth column, after the note, such as "
                f"{settles(first, second, [pair]).get(pair)}",
            )
    return settled


def settle(first: Pass, second: Pass, adjudication: Pass, queries: Sequence[str]) -> dict[Pair, int]:
    """Return the final grade of every pair: what both say, and the adjudication where they differ.

    What other passes had settled is left alone. Raises `BenchError` where `why_unsettled` has a reason.
    """
    for fault, mend in why_unsettled(first, second, adjudication, queries):
        raise BenchError(f"{fault}; {mend}")
    open_pairs = disagreements(first, second, queries)
    chosen = set(queries)
    agreed = {pair: grade for pair, grade in first.grades.items() if pair[0] in chosen}
    return agreed | {pair: adjudication.grades[pair] for pair in open_pairs}


def why_unsettled(
    first: Pass, second: Pass, adjudication: Pass, queries: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield why these passes are not settled, each with how to mend it: a disagreement that was not
    settled, or of other passes or grades, one of two grades or more that was settled without a reason,
    and a settled pair on which the passes agree.
    """
    now = settles(first, second, disagreements(first, second, queries))
    for pair, these in now.items():
        name = f"{pair[0]}, {pair[1]}"
        grades = first.grades[pair], second.grades[pair]
        then = adjudication.settles.get(pair, these)
        if pair not in adjudication.grades:
            yield f"{name} is not settled yet ({grades[0]} or {grades[1]})", "run bench adjudicate"
        elif then != these:
            yield (
                f"{name} was settled for {then}, and now it is {these}",
                f"settle it again with bench adjudicate --pass {first.name} --pass {second.name}",
            )
        elif needs_reason(*grades) and pair not in adjudication.notes:
            yield (
                f"{name} was settled without a reason, though the passes differ by two or more",
                "add it",
            )
    chosen = set(queries)
    for pair in adjudication.grades.keys() - now.keys():
        then = adjudication.settles.get(pair, "")
        of_these = {one.rpartition("=")[0] for one in then.split()} in (set(), {first.name, second.name})
        if pair[0] in chosen and of_these:
            yield (
                f"{pair[0]}, {pair[1]} is settled in {ADJUDICATION}.tsv, but the passes do not differ",
                "remove the line",
            )


def needs_reason(one: int, other: int) -> bool:
    """Whether two grades are so far apart that settling them takes a reason."""
    return abs(one - other) >= 2


def labels_with(to_judge: ToJudge, grades: Mapping[Pair, int]) -> dict[str, dict[str, int]]:
    """Return query → document → grade as `write_labels` would write these grades: over what qrels/ says
    of all other pairs, documents that are not in the corpus included."""
    held = _held(to_judge)
    former = _former(held, read_metadata(to_judge.folder / "queries.jsonl", "split"), to_judge.folder)
    standing = {query: held[split][query] for query, split in former.items()}
    new = by_query(grades)
    return {query: standing.get(query, {}) | new.get(query, {}) for query in standing | new}


def write_labels(
    to_judge: ToJudge, grades: Mapping[Pair, int], *, zeros: bool = True
) -> dict[Path, int]:
    """Write qrels/<split>.tsv for each split that the queries' metadata name; a query without goes
    where it was, or to test, and one that nobody judged nowhere. What qrels/ says of pairs without a
    grade here stays.

    zeros  whether pairs of grade 0 are written. Without them the labels say the same in a collection
           that is read as complete, and in any other that nobody judged these pairs. A query without
           another grade keeps them: else nobody would have asked it

    A query that moves is in its new file before it leaves the old one, so that a kill between the two
    loses no grade, and the next call removes it from the old one. A file that changes is kept as .bak
    before. Nobody else divides or writes these labels from the reading to the last file.

    Returns file → number of lines, 0 for one that no query was left for and that is gone. Raises
    `BenchError` for a split that can not name a file, and without zeros for a query that is not judged
    whole.
    """
    with alone_with(to_judge.folder / "qrels"):
        return _write_labels(to_judge, grades, zeros=zeros)


def _write_labels(to_judge: ToJudge, grades: Mapping[Pair, int], *, zeros: bool) -> dict[Path, int]:
    split_of = read_metadata(to_judge.folder / "queries.jsonl", "split")
    held = _held(to_judge)
    former = _former(held, split_of, to_judge.folder)
    before = {query: held[split][query] for query, split in former.items()}
    split_of = former | split_of
    place = {doc: n for n, doc in enumerate(to_judge.doc_ids)}
    settled = by_query(grades)
    for query in () if zeros else sorted(former.keys() | settled.keys()):
        n = len(settled.get(query, ()))
        require(
            n == len(place),
            f"query '{query}' is judged with {n} of {len(place)} papers, so that an absent pair would "
            "not say grade 0; leave out --without-zeros",
        )
    lines: dict[str, list[str]] = {}
    for query in to_judge.queries:
        if query not in split_of and query not in settled:
            continue  # nobody has judged it
        split_of.setdefault(query, "test")
        require(
            is_file_name(split_of[query]) and split_of[query] != ALL_SPLITS,
            f"query '{query}': split '{split_of[query]}' can not name a file of qrels; use dev or test",
        )
        own = settled.get(query, {})
        kept_zeros = zeros or not any(own.values())
        final = {doc: grade for doc, grade in before.get(query, {}).items() if doc not in own}
        final |= {doc: grade for doc, grade in own.items() if grade or kept_zeros}
        for doc in sorted(final, key=lambda doc: place.get(doc, len(place))):
            lines.setdefault(split_of[query], []).append(f"{query}\t{doc}\t{final[doc]}\n")
    leaving: dict[str, list[str]] = {}
    for split, its in held.items():
        for query, judged in its.items():
            if split != split_of[query]:
                leaving.setdefault(split, []).extend(
                    f"{query}\t{doc}\t{grade}\n" for doc, grade in judged.items()
                )
    return _write_splits(to_judge.folder / "qrels", lines, leaving)


def _held(to_judge: ToJudge) -> dict[str, dict[str, dict[str, int]]]:
    """Return split → query → document → grade, as qrels/ has them."""
    known = set(to_judge.queries), set(to_judge.doc_ids)
    files = files_in(to_judge.folder / "qrels", ".tsv")
    return {file.stem: read_qrels(file, *known, strict=False) for file in files}


def _former(
    held: Mapping[str, Mapping[str, object]], named: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """Return query → the split that holds it. A killed write leaves a query in two: the one that its
    metadata name was written last. Raises `BenchError` where they name neither.
    """
    former: dict[str, str] = {}
    for split, queries in held.items():
        for query in queries:
            if query in former:
                require(
                    named.get(query) in (split, former[query]),
                    f"{folder / 'qrels' / split}.tsv: query '{query}' is in split '{former[query]}' as "
                    "well; keep one",
                )
                if split != named[query]:
                    continue
            former[query] = split
    return former


def _write_splits(
    folder: Path, lines: Mapping[str, Sequence[str]], leaving: Mapping[str, Sequence[str]]
) -> dict[Path, int]:
    """Write each split's lines, those of a query that leaves another one first. See `write_labels`."""
    file_of = {split: folder / f"{split}.tsv" for split in sorted(lines.keys() | leaving.keys())}
    for split, file in file_of.items():
        if file.exists() and file.read_bytes() != _qrels(lines.get(split, ())).encode():
            keep_earlier(file)
    if leaving:
        for split, chosen in lines.items():
            write_text(
                file_of[split], _qrels([*chosen, *leaving.get(split, ())]), keep=False, durable=True
            )
    for split, chosen in lines.items():
        write_text(file_of[split], _qrels(chosen), keep=False, durable=True)
    emptied = [file_of[split] for split in leaving if split not in lines]
    for file in emptied:
        file.unlink()
    written = {file_of[split]: len(chosen) for split, chosen in lines.items()}
    return written | dict.fromkeys(emptied, 0)


def _qrels(lines: Sequence[str]) -> str:
    return "query-id\tcorpus-id\tscore\n" + "".join(lines)
