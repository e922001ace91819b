"""The ir_metadata annotation of a run (Breuer, Keller & Schaer 2022), from what its record says.

The component `actor` is left out: a record names nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.evidence.comparison import ALPHA


def annotation(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotation of a whole run: platform, implementation, method, data, research goal."""
    platform, config = content["platform"], content["config"]
    weights = {
        f"{facts.get(key.replace('weights_sha256', 'model'), name)}": facts[key]
        for name, system in content["systems"].items()
        for facts in (system["facts"],)
        for key in facts
        if key.endswith("weights_sha256")
    }
    return {
        "platform": {
            "hardware": {
                "cpu": {
                    "model": platform["processor"],
                    "architecture": platform["machine"],
                    "number of cores": platform["cores"],
                }
            },
            "operating system": {"kernel": platform["system"]},
            "software": {
                "libraries": {
                    "python": [f"Python {platform['python']}"]
                    + [f"{name} {number}" for name, number in content["versions"].items() if number]
                },
                "retrieval toolkit": [f"bench {content['bench']}"],
            },
        },
        "implementation": {
            "executable": {"cmd": "bench run"},
            "source": {
                "lang": ["python"],
                "commit": content["git"]["commit"],
                "clean": content["git"]["clean"],
            },
        },
        "method": {
            "automatic": True,
            "score ties": "document id, descending",
            "retrieval": [
                {"name": name, "method": settings["_target_"], "params": _params(settings)}
                for name, settings in config["retrievers"].items()
            ],
        },
        "data": {
            "test collection": {
                "name": content["collection"]["name"],
                "corpus sha256": content["collection"]["fingerprint"],
                "qrels sha256": content["labels"]["fingerprint"],
                "topics sha256": content["queries"]["fingerprint"],
            },
            "other": [{"name": model, "sha256": sha256} for model, sha256 in weights.items()],
        },
        "research goal": {
            "evaluation": {
                "reported measures": list(content["measures"]),
                "significance test": [
                    {"name": "paired randomisation test", "correction method": "max-T", "alpha": ALPHA}
                ],
            }
        },
    }


def header(content: Mapping[str, Any], system: str) -> Iterator[str]:
    """Yield the annotation of one system as comment lines for the head of its run file."""
    import yaml

    whole = content["ir_metadata"]
    method = whole["method"]
    own = [one for one in method["retrieval"] if one["name"] == system]
    narrowed = {"tag": system, **whole, "method": {**method, "retrieval": own}}
    text = yaml.safe_dump(narrowed, sort_keys=False, allow_unicode=True, width=1000)
    yield "# ir_metadata.start\n"
    yield from (f"# {line}\n" for line in text.splitlines())
    yield "# ir_metadata.end\n"


def _params(settings: Any) -> Any:
    """The settings of a retriever without what names its class at the top."""
    return {key: value for key, value in settings.items() if key != "_target_"}
