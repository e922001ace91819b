r"""The examples in the help of a command, by its name. A test tries each.

Words in capitals stand for what is the reader's own: RUN and OTHER are folders of runs, DIR is a BEIR
folder, FILE a run file.
"""

from __future__ import annotations

_SETTINGS = """
Settings are written in Hydra's grammar: lists as [a,b], in a sweep also choice(a,b), range(1,5) and
glob(*). Hydra's launchers, folders and logging are not used, so hydra.* settings are refused, and
${hydra:...} has no value.
"""

EXAMPLES = {
    "run": """
bench run                                           the main job: four systems, test queries
bench run 'retriever=[bm25,dense]'                  choose systems
bench run retrievers.bm25.k1=0.9 passages.sentences=5
bench run collection.split=dev 'collection.sets=[topic,question]'
bench run -m retrievers.bm25.b=0.3,0.75             one run for each value
bench run collection=beir collection.path=DIR       a BEIR folder of your own
bench run 'retriever=[runfile]' retrievers.runfile.path=FILE
bench run --config-dir conf 'retriever=[mine]' --allow my_module
bench run --config-dir conf +experiment=nightly     settings kept in conf/experiment/nightly.yaml
bench run --cfg job                                 show every setting, run nothing
eval "$(bench complete bash)"                       tab completion (zsh, fish too)
"""
    + _SETTINGS,
    "list": """
bench list retrievers                               what retriever=[...] can name
bench list collections --config-dir conf            and those of your own
bench list measures                                 what measures=[...] can name
bench list runs                                     newest first: collection, systems, means
""",
    "show": """
bench show RUN                                      its tables, and what was run
bench show RUN/record.json
""",
    "compare": """
bench compare RUN                                   its first system with each other one
bench compare RUN --all-pairs --measure nDCG@10 --measure MAP
bench compare RUN:bm25 OTHER:bm25                   one system of two runs
bench compare RUN FILE --collection DIR --out comparison.tex
bench compare FILE other.trec --qrels qrels.txt     run files of any tool
""",
    "diff": """
bench diff RUN OTHER                                which queries changed most, by system
bench diff RUN OTHER bm25 --measure MAP --top 20
bench diff RUN OTHER bm25 --query q1                both rankings of one query
bench diff RUN:bm25 OTHER:runfile                   systems of two names
""",
    "gate": """
bench gate RUN --update                             make it the first baseline
bench gate RUN --junit gate.xml --summary gate.md   hold a run against it, in CI
bench gate                                          run the baseline again, and hold that
bench gate RUN --tolerance nDCG@10=0.02 --floor bm25:nDCG@10=0.5
bench gate RUN --update --reason "WHY"              take a run that does not pass
""",
    "tune": """
bench tune retriever=bm25                           the space in conf/tune/bm25.yaml
bench tune retriever=bm25 retrievers.bm25.k1=0.6,0.9,1.2 tune.folds=10
bench tune retriever=bm25 collection=beir collection.path=DIR 'measures=[MAP]'
""",
    "import": """
bench import articles.csv queries.csv qrels.csv --out DIR
bench import articles.tsv queries.tsv qrels.tsv --out DIR --no-quotes
bench import articles.csv queries.csv qrels.csv --out DIR --text body --grade label
""",
    "judge": """
bench judge DIR --assessor anna                     every pair
bench judge DIR --assessor anna --pool RUN --depth 20
bench judge DIR --assessor ben --pool RUN --pool FILE --unjudged
""",
    "agree": """
bench agree DIR                                     each two passes of DIR/passes
bench agree DIR --pass anna --pass ben --runs RUN --runs OTHER
""",
}


def with_examples(name: str, help_text: str) -> str:
    r"""Return the help of a command with its examples below, if it has some.

    \b keeps lines as they are; a blank line ends that.
    """
    examples = EXAMPLES.get(name)
    return f"{help_text}\n\n\b{examples}" if examples else help_text
