"""The file of values beside a record: exact, the same bytes every time, and never another run's."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from conftest import content_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.errors import BenchError
from bench.runs.record import Record
from bench.runs.values import VALUES, load_values, packed, values_entry

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 9))


def content(values):
    systems, measures, queries = values.shape
    return {
        "systems": {f"s{n}": {} for n in range(systems)},
        "measures": [f"m{n}" for n in range(measures)],
        "queries": {"ids": [f"q{n}" for n in range(queries)]},
        "values": values_entry(values),
    }


@given(SHAPES.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=st.floats(0, 1))))
@settings(deadline=None, max_examples=50)
def test_what_is_written_is_read_to_the_last_bit(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("values")
    (folder / VALUES).write_bytes(packed(values))
    assert packed(values) == packed(values.copy(order="F"))
    read = load_values(content(values), folder / "record.json")
    assert read.tobytes() == values.tobytes()
    # by numpy alone, as anybody else would
    with np.load(folder / VALUES, allow_pickle=False) as stored:
        assert stored["values"].tobytes() == values.tobytes()


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.1, np.inf])
def test_what_is_no_value_of_a_measure_is_named(tmp_path, value):
    values = np.full((2, 2, 3), 0.5)
    values[1, 0, 2] = value
    (tmp_path / VALUES).write_bytes(packed(values))
    with pytest.raises(BenchError, match=r"s1, m0: .* for query q2 is no number between 0 and 1"):
        load_values(content(values), tmp_path / "record.json")


def test_the_values_of_another_run_are_not_taken(tmp_path):
    values = np.full((2, 2, 3), 0.5)
    (tmp_path / VALUES).write_bytes(packed(values + 1e-17))  # the same to the last bit
    load_values(content(values), tmp_path / "record.json")
    (tmp_path / VALUES).write_bytes(packed(values + 1e-15))
    with pytest.raises(BenchError, match="those of another run"):
        load_values(content(values), tmp_path / "record.json")


def test_a_record_of_the_earlier_schema_is_read_as_ever(saved, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(saved, old)
    (old / "record.json").write_text(json.dumps(content_of(saved)))
    (old / VALUES).unlink()
    then, now = Record.load(old), Record.load(saved)
    assert then.all_values.tobytes() == now.all_values.tobytes()
    assert then.measures == now.measures
