"""The largest family that the design asks for: 20 systems, all pairs, 8 measures, 250 queries."""

import itertools

import numpy as np

from bench.evidence.comparison import compare

values = np.random.default_rng(0).random((20, 8, 250))
pairs = list(itertools.combinations(range(20), 2))
sets = [str(query % 7) for query in range(250)]
found = compare(values, [f"s{s}" for s in range(20)], [f"m{m}" for m in range(8)], pairs, sets, seed=0)
print(found.hypotheses)
