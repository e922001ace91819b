"""Tables become a BEIR folder that says the same, or one line says which row they can not."""

from __future__ import annotations

import csv
import io
import os
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import app
from bench.collections.beir import BeirFolder
from bench.collections.importing import Columns, read_collection
from bench.errors import BenchError
from bench.labelling.passes import ToJudge

ARTICLES = 'id,title,body,author\na1,"Parcels, back","Print the ""label"".\nGo to a shop.",x\na2,Refunds,Ten days.,y\n'
QUERIES = "qid;question;set\nq1;send back;A\nq2;refund;B\n"
QRELS = "query_id\tarticle_id\tgrade\nq1\ta1\t2\nq1\ta2\t1.0\nq2\ta2\t1\n"
FILES = {"articles.csv": ARTICLES, "queries.csv": QUERIES, "qrels.csv": QRELS}


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Write the three files, some of them changed."""
    monkeypatch.chdir(tmp_path)

    def write(**changed):
        for name, content in FILES.items():
            content = changed.get(name.split(".")[0], content)
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    write()
    return write


def imported(*options):
    app.app(args=["import", *FILES, "--out", "mine", *options], standalone_mode=False)


def loaded(folder, **settings):
    """What a run would see: id → title, text; id → text, set; grades."""
    test = BeirFolder(str(folder), **settings).load()
    every = range(len(test.collection))
    both = zip(*(test.collection.texts(every, (field,)) for field in ("title", "text")), strict=True)
    return (
        dict(zip(test.collection.ids(every), both, strict=True)),
        dict(
            zip(test.queries.ids, zip(test.queries.texts, test.queries.sets, strict=True), strict=True)
        ),
        test.qrels.grades,
    )


def test_three_tables_become_a_folder_and_the_columns_are_said(tables, tmp_path, capsys):
    imported()
    assert loaded(tmp_path / "mine", strict=True) == (
        {
            "a1": ("Parcels, back", 'Print the "label".\nGo to a shop.'),
            "a2": ("Refunds", "Ten days."),
        },
        {"q1": ("send back", "A"), "q2": ("refund", "B")},
        {"q1": {"a1": 2, "a2": 1}, "q2": {"a2": 1}},
    )
    assert capsys.readouterr().out.splitlines() == [
        "articles.csv (comma, 2 rows): id = id, title = title, text = body; not used: author",
        "queries.csv (semicolon, 2 rows): id = qid, text = question, set = set",
        "qrels.csv (tab, 3 rows): query = query_id, article = article_id, grade = grade",
        (
            "articles.csv: 1 cell holds line ends, first in the row of line 2; where a stray quotation mark "
            "made one cell of several rows, mend it or add --no-quotes"
        ),
        "2 documents, 2 queries, 3 judgements → mine",
        "run it with: bench run collection=beir collection.path=mine",
        "to choose settings with bench tune, divide the queries first: bench split mine",
    ]


def test_without_labels_there_is_a_folder_to_judge(tables, tmp_path, capsys):
    app.app(args=["import", "articles.csv", "queries.csv", "--out", "mine"], standalone_mode=False)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "corpus.jsonl",
        "queries.jsonl",
    ]
    to_judge = ToJudge.load(tmp_path / "mine")
    assert (list(to_judge.queries), len(to_judge.corpus)) == (["q1", "q2"], 2)
    assert capsys.readouterr().out.splitlines()[-1] == "judge it with: bench judge mine --assessor YOU"


def test_what_is_imported_runs(tables, tmp_path, bench):
    app.app(args=["import", *FILES, "--out", "my own"], standalone_mode=False)
    done = bench("run", "collection=beir", "collection.path='my own'", "retriever=[bm25]", "output=out")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_and_byte_order_marks_change_nothing(tables, tmp_path, encoding, newline):
    tables(articles=f"id,text{newline}a1,é{newline}a2,ü{newline},{newline}".encode(encoding))
    imported()
    assert loaded(tmp_path / "mine")[0] == {"a1": ("", "é"), "a2": ("", "ü")}


def test_columns_can_be_named(tables, tmp_path):
    tables(
        articles="Nr,kop,tekst,text\na1,K,T,no\na2,K2,T2,no\n",
        queries="vraag,key,groep\nsend back,q1,A\nrefund,q2,B\n",
        qrels="v,a,punten\nq1,a1,2\nq2,a2,1\n",
    )
    imported(
        "--id", "Nr", "--title", "kop", "--text", "tekst", "--query-id", "key", "--query", "vraag",
        "--set", "groep", "--judged-query", "v", "--judged-id", "a", "--grade", "punten",
    )  # fmt: skip
    documents, queries, grades = loaded(tmp_path / "mine")
    assert documents == {"a1": ("K", "T"), "a2": ("K2", "T2")}
    assert queries == {"q1": ("send back", "A"), "q2": ("refund", "B")}
    assert grades == {"q1": {"a1": 2}, "q2": {"a2": 1}}


@pytest.mark.parametrize("name", ["relevance", "rel", "label", "grade"])
def test_a_score_beside_a_grade_is_no_grade(tables, tmp_path, capsys, name):
    tables(qrels=f"qid,doc,score,{name}\nq1,a1,7,2\nq2,a2,9,1\n")
    imported()
    assert f"grade = {name}" in capsys.readouterr().out
    assert loaded(tmp_path / "mine")[2] == {"q1": {"a1": 2}, "q2": {"a2": 1}}


def test_pairs_without_a_grade_count_as_1_and_it_is_said(tables, tmp_path, capsys):
    tables(qrels="qid,doc\nq1,a1\n")
    imported()
    assert loaded(tmp_path / "mine")[2] == {"q1": {"a1": 1}}
    said = capsys.readouterr().out
    assert "qrels.csv has no grades: each pair counts as 1" in said
    assert "1 of 2 queries have no judgement" in said


def test_rows_inside_a_stray_pair_of_quotation_marks_are_said(tables, capsys):
    """They are one cell by the rules of CSV, in a column that nobody reads too."""
    tables(
        articles='id\ttitle\ttext\na1\tA\tx\na2\tB\t"Only the start\na3\tC\tthe end"\na4\tD\t"two\r\nlines"\n',
        qrels='qid,doc,grade,note\nq1,a1,1,"see\nq1,a2,2,now"\nq2,a1,1,\n',
    )
    imported()
    said = capsys.readouterr().out.splitlines()
    assert said[3].startswith("articles.csv: 2 cells hold line ends, first in the row of line 3;")
    assert said[4].startswith("qrels.csv: 1 cell holds line ends, first in the row of line 2;")
    assert said[5].startswith("3 documents, 2 queries, 2 judgements")


def test_quotation_marks_may_mean_nothing(tables, tmp_path):
    tables(articles='id\ttext\na1\t"So" he said\na2\t"\n')
    with pytest.raises(BenchError, match=r"articles.csv:2: .*--no-quotes"):
        imported()
    imported("--no-quotes")
    assert loaded(tmp_path / "mine")[0] == {"a1": ("", '"So" he said'), "a2": ("", '"')}


def test_a_text_longer_than_a_csv_cell_may_be_by_default(tables, tmp_path):
    long = "word " * 60_000
    tables(articles=f"id,text\na1,{long}\na2,x\n")
    imported()
    assert loaded(tmp_path / "mine")[0]["a1"] == ("", long.strip())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"articles": "id,text\na1,x\na1,y\n"}, "articles.csv:3: id 'a1' stands twice"),
        ({"articles": 'id,text\na1,"x\ny"\na 1,y\n'}, "articles.csv:4: id 'a 1' is a comment sign, or holds white space"),
        ({"articles": "id,text\n#,x\n"}, "articles.csv:2: id '#' is a comment sign"),
        ({"articles": "id,text\na\x1b[31m,x\n"}, "articles.csv:2: id 'a\\x1b[31m' is"),
        ({"articles": "id,text\n,x\n"}, "articles.csv:2: the id is empty"),
        ({"articles": "id,text\na1,x,y\n"}, "articles.csv:2: 3 cells, but 2 columns"),
        ({"articles": "nr,text\na1,x\n"}, "no column that is plainly the id of an article; its columns are nr, text; name one with --id"),
        ({"articles": "id,author\na1,x\n"}, "plainly the text of an article"),
        ({"articles": "id,text,text\na1,x,y\n"}, "column 'text' stands twice"),
        ({"articles": "id,text\n"}, "has no rows below"),
        ({"articles": ""}, "has no rows below"),
        ({"articles": "id,text\na1,caf\xe9\n".encode("latin-1")}, "articles.csv:2: not UTF-8 text"),
        ({"articles": "id,text\na1,x\n".encode("utf-16")}, "not UTF-8 text"),
        ({"articles": "id,text\na1,x\0\n"}, "a NUL character"),
        ({"articles": 'id,text\na1,"x\n'}, "articles.csv:2: unexpected end of data"),
        ({"queries": "id,query\nq1,\nq2,x\n"}, "queries.csv:2: query 'q1' has no text"),
        ({"queries": "id,query\nq1,x\nq1,x\n"}, "queries.csv:3: id 'q1' stands twice"),
        ({"queries": "id,query,set\nq1,x,all\nq2,x,a\n"}, "queries.csv:2: the set 'all'"),
        ({"queries": "id,set\nq1,x\nq2,x\n"}, "plainly the text of a query"),
        ({"qrels": "qid,doc,grade\nq1,a1,1\nq9,a1,1\n"}, "qrels.csv:3: unknown query 'q9'; add it there"),
        ({"qrels": "qid,doc,grade\nq1,zzzz,1\n"}, "qrels.csv:2: unknown article 'zzzz'; add it there"),
        ({"qrels": "qid,doc,grade\nq1,a1,1\nq1,a1,2\n"}, "qrels.csv:3: the pair q1, a1 stands twice"),
        ({"qrels": "qid,doc,grade\nq1,a1,1.5\n"}, "qrels.csv:2: grade '1.5' is no integer"),
        ({"qrels": "qid,doc,grade\nq1,a1,1_0\n"}, "qrels.csv:2: grade '1_0' is no integer"),
        ({"qrels": "qid,doc,grade\nq1,a1,\uff12\n"}, "qrels.csv:2: grade '\uff12' is no integer"),
        ({"qrels": "qid,doc,grade\nq1,a1,\n"}, "qrels.csv:2: grade '' is no integer"),
        ({"qrels": "qid,doc,stars\nq1,a1,5\n"}, "plainly the grade of a judgement; its columns are qid, doc, stars"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_file_and_row(tables, tmp_path, refusal, changed, said):
    tables(**changed)
    assert said in refusal("import", *FILES, "--out", "mine")
    assert not (tmp_path / "mine").exists()


def test_options_files_and_folders_that_are_not_there(tables, tmp_path, refusal):
    assert "no column 'titel' for the title (--title); did you mean 'title'?" in refusal(
        "import", *FILES, "--out", "mine", "--title", "titel"
    )
    assert "cannot read none.csv: No such file" in refusal(
        "import", "none.csv", "queries.csv", "qrels.csv", "--out", "mine"
    )
    os.mkfifo("pipe")
    assert "is a folder or a device" in refusal(
        "import", "pipe", "queries.csv", "qrels.csv", "--out", "m"
    )
    assert "is a folder or a device" in refusal(
        "import", ".", "queries.csv", "qrels.csv", "--out", "mine"
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept.txt").write_text("kept")
    assert "mine is there already" in refusal("import", *FILES, "--out", "mine")
    assert "articles.csv is there already" in refusal("import", *FILES, "--out", "articles.csv")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["kept.txt"]


IDS = st.lists(st.text(string.ascii_letters + "0123456789-#é", min_size=1, max_size=4).filter(lambda name: name != "#"), min_size=1, max_size=5, unique=True)  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.data(), IDS, IDS, st.sampled_from(",;\t|"), st.booleans())
def test_whatever_a_spreadsheet_writes_is_read_back(
    tmp_path_factory, data, docs, queries, delimiter, every
):
    """The oracle is the csv module's own writer."""
    documents = {d: (data.draw(TEXTS), data.draw(TEXTS)) for d in docs}
    asked = {q: data.draw(TEXTS.filter(str.strip)) for q in queries}
    pairs = data.draw(st.sets(st.tuples(st.sampled_from(queries), st.sampled_from(docs)), min_size=1))
    grades = {pair: data.draw(st.integers(0, 3)) for pair in sorted(pairs)}
    folder = tmp_path_factory.mktemp("csv")
    rows = {
        "articles": [("id", "title", "text"), *((d, *texts) for d, texts in documents.items())],
        "queries": [("id", "text"), *asked.items()],
        "qrels": [("qid", "doc", "grade"), *((*pair, grade) for pair, grade in grades.items())],
    }
    for name, lines in rows.items():
        text = io.StringIO(newline="")
        quoting = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(lines)
        (folder / name).write_bytes(text.getvalue().encode())
    read_collection(*(folder / name for name in rows), Columns()).write(folder / "out")
    found, found_queries, found_grades = loaded(folder / "out")
    assert found == {d: (t.strip(), x.strip()) for d, (t, x) in documents.items()}
    assert {q: text for q, (text, _) in found_queries.items()} == {
        q: asked[q].strip() for q, _ in grades
    }
    assert {(q, d): g for q, judged in found_grades.items() for d, g in judged.items()} == grades


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_points_to_is_made(tables, tmp_path, there):
    (tmp_path / "mine").symlink_to("real")
    if there:
        (tmp_path / "real").mkdir()
    imported()
    assert (tmp_path / "mine").is_symlink()
    assert len(BeirFolder(str(tmp_path / "real")).load().queries) == 2


def test_ids_are_those_that_the_judgements_name(tables, tmp_path, capsys):
    tables(
        articles="id,article_id,text\na2,a1,One\na1,a2,Two\n",
        queries="id,query_id,question\nq2,q1,first\nq1,q2,second\n",
        qrels="query_id,article_id,grade\nq1,a1,2\nq2,a2,1\n",
    )
    imported()
    documents, queries, grades = loaded(tmp_path / "mine")
    assert documents == {"a1": ("", "One"), "a2": ("", "Two")}
    assert {query: text for query, (text, _) in queries.items()} == {"q1": "first", "q2": "second"}
    assert grades == {"q1": {"a1": 2}, "q2": {"a2": 1}}
    said = capsys.readouterr().out
    assert "id = article_id, the name that qrels.csv has for it, text = text; not used: id" in said
    assert "id = query_id, the name that qrels.csv has for it, text = question; not used: id" in said


def test_an_option_wins_over_the_judgements(tables, tmp_path):
    tables(
        articles="id,article_id,text\na2,x1,One\na1,x2,Two\n",
        queries="id,query_id,question\nq2,x1,first\nq1,x2,second\n",
    )
    imported("--id", "id", "--query-id", "id")
    assert loaded(tmp_path / "mine")[0] == {"a2": ("", "One"), "a1": ("", "Two")}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"articles": "id,docno,text\na1,a2,x\na2,a1,y\n"}, r"id of an article: id, docno; name one with --id"),
        (
            {
                "queries": "id,qid,question\nq1,q2,x\nq2,q1,y\n",
                "qrels": "topic,article_id,grade\nq1,a1,1\n",
            },
            r"id of a query: id, qid; name one with --query-id",
        ),
    ],
)  # fmt: skip
def test_two_columns_that_may_be_the_id_are_refused(tables, changed, said):
    tables(**changed)
    with pytest.raises(BenchError, match=said):
        imported()


def test_a_text_by_the_name_of_a_judged_column_is_no_id(tables, tmp_path):
    tables(
        articles="id,document\na1,One\na2,Two\n",
        queries="id,query\nq1,first\nq2,second\n",
        qrels="query,document,grade\nq1,a1,2\nq2,a2,1\n",
    )
    imported()
    assert loaded(tmp_path / "mine")[0] == {"a1": ("", "One"), "a2": ("", "Two")}
