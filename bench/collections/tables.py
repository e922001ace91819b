"""Tables as spreadsheets write them: CSV or TSV in UTF-8, with a line of column names."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import BenchError, did_you_mean, listed, require

# From the likeliest on; a tie falls to the first.
_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}


@dataclass(frozen=True, eq=False)
class TextTable:
    """The rows of a file, each with the number of the line that it begins on."""

    file: Path
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, wanted: str, asked: str | None, guesses: Sequence[str], option: str) -> int | None:
        """Return the place of the column that `asked` names, or of the first guess that is there.

        Raises `BenchError` where `asked` is not among the columns.
        """
        if asked is not None:
            require(
                asked in self.columns,
                f"{self.file} has no column '{asked}' for the {wanted} ({option}); "
                + did_you_mean(asked, self.columns),
            )
            return self.columns.index(asked)
        return next(iter(self.likely(guesses)), None)

    def likely(self, guesses: Sequence[str]) -> list[int]:
        """Return the places of the columns that are among the guesses, the likeliest first."""
        names = [plain(name) for name in self.columns]
        return [names.index(guess) for guess in guesses if guess in names]

    def cells(self, place: int | None) -> Iterator[tuple[str, str]]:
        """Yield (file:line, what stands in this column) of each row; nothing for no column."""
        for number, row in self.rows:
            yield f"{self.file}:{number}", "" if place is None else row[place].strip()

    @property
    def in_words(self) -> str:
        """The file, how it was read, and how many rows it has."""
        return f"{self.file} ({_DELIMITERS[self.delimiter]}, {len(self.rows):,} rows)"

    @property
    def line_ends(self) -> str:
        """A note of the cells that go over several lines, "" where none does."""
        rows = [number for number, row in self.rows for cell in row if re.search(r"[\r\n]", cell)]
        if not rows:
            return ""
        cells = "1 cell holds" if len(rows) == 1 else f"{len(rows):,} cells hold"
        return (
            f"{self.file}: {cells} line ends, first in the row of line {rows[0]}; where a stray "
            "quotation mark made one cell of several rows, mend it or add --no-quotes"
        )


def read_table(file: Path, *, quotes: bool = True) -> TextTable:
    """Read a file with its column names in the first line, parted by whatever parts them most.

    quotes  whether a cell in quotation marks may hold delimiters and line ends, as spreadsheets write it

    Raises `BenchError` for what is no UTF-8, for a column name that stands twice, and with file and line
    for a row of another length and a quotation mark out of place.
    """
    text = _text(file)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a text of 131,072 characters is no fault
    first = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)
    rows = []
    begins = 1
    try:
        parted = {
            one: len(next(csv.reader(first[:1], delimiter=one, quoting=quoting), ()))
            for one in _DELIMITERS
        }
        delimiter = max(parted, key=parted.__getitem__)
        lines = io.StringIO(text, newline="")
        reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
        for cells in reader:
            if any(cells):  # spreadsheets end in rows of nothing but commas
                rows.append((begins, tuple(cells)))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BenchError(
            f"{file}:{begins}: {error}; write a quotation mark inside a quoted cell twice, or add "
            "--no-quotes where they mean nothing"
        ) from error
    require(len(rows) >= 2, f"{file} has no rows below a line of column names; is it empty?")
    columns = tuple(cell.strip() for cell in rows[0][1])
    for name in filter(None, columns):
        require(columns.count(name) == 1, f"{file}: column '{name}' stands twice; rename one")
    for number, row in rows[1:]:
        require(
            len(row) == len(columns),
            f"{file}:{number}: {len(row)} cells, but {len(columns)} columns; put a cell that holds a "
            f"{_DELIMITERS[delimiter]} in quotation marks",
        )
    return TextTable(file, delimiter, columns, tuple(rows[1:]))


def missing(table: TextTable, wanted: str, option: str) -> BenchError:
    """Return the error for a column that is neither named nor to be guessed."""
    return BenchError(
        f"{table.file} has no column that is plainly the {wanted}; its columns are "
        f"{listed(table.columns)}; name one with {option}"
    )


def plain(name: str) -> str:
    """Return a column's name as the guesses are written: Article-ID is article_id."""
    return name.casefold().strip("_ ").replace("-", "_").replace(" ", "_")


def _text(file: Path) -> str:
    try:
        require(
            file.is_file() or not file.exists(),
            f"{file} is a folder or a device; name a CSV or TSV file",
        )
        data = file.read_bytes()
    except OSError as error:
        raise BenchError(f"cannot read {file}: {error.strerror}; check the path") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise BenchError(
            f"{file}:{number}: not UTF-8 text (byte {error.start + 1} of the file); convert it, as with "
            "iconv -f latin1 -t utf-8, or save it as UTF-8"
        ) from error
    place = text.find("\0")
    require(
        place < 0,
        f"{file}: a NUL character at place {place + 1}; is it UTF-16, or no text? save it as UTF-8",
    )
    return text
