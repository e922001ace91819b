from bench.api import Evaluation as Evaluation
from bench.api import evaluate as evaluate

__version__: str
__all__ = ["Evaluation", "evaluate"]
