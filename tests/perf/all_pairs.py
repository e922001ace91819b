"""The largest family that the design asks for: 20 systems, all pairs, 8 measures, 250 queries."""

import itertools

import numpy as np

from bench.comparison import compare

values = np.random.default_rng(0).random((20, 8, 250))
pairs = list(itertools.combinations(range(20), 2))
found = compare(values, [f"s{s}" for s in range(20)], [f"m{m}" for m in range(8)], pairs, seed=0)
print(len(found))
