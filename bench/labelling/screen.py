"""The terminal screens of `bench judge` and `bench adjudicate`, by textual."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Input, ProgressBar, Static

from bench.errors import BenchError, shortened, visible
from bench.labelling.mark import matches
from bench.labelling.passes import Pair, Pass, ToJudge
from bench.labelling.session import Session
from bench.labelling.settling import needs_reason

_MEANING = {
    3: "main contribution answers the need",
    2: "answers a part, or as a secondary result",
    1: "related background",
    0: "everything else",
}


class PairScreen(App[BenchError]):
    """A query and its narrative above, a paper below with the query's words marked, keys 0 to 3."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #query { padding: 0 2; background: $primary-background; color: $text; height: auto; }
    #paper { padding: 1 2; height: 1fr; }
    #state { padding: 0 2; height: auto; color: $text-muted; }
    #bar { padding: 0 2; width: 100%; height: 1; }
    Bar { width: 1fr; }
    #note { display: none; }
    #note.open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("0", "grade(0)", "no"),
        Binding("1", "grade(1)", "related"),
        Binding("2", "grade(2)", "part"),
        Binding("3", "grade(3)", "answers"),
        Binding("s", "skip", "skip"),
        Binding("b", "previous", "back"),
        Binding("u", "undo", "undo"),
        Binding("n", "note", "note"),
        Binding("q", "quit", "quit"),
        Binding("escape", "cancel", "leave the line"),
    ]

    def __init__(self, to_judge: ToJudge, session: Session, *, bare: bool = False) -> None:
        super().__init__()
        self._narratives = {} if bare else to_judge.narratives
        self._to_judge = to_judge
        self._session = session
        self._number = {doc: n for n, doc in enumerate(to_judge.doc_ids)}
        self._keep: Callable[[str], None] | None = None  # what the line that is open is written for

    def compose(self) -> ComposeResult:
        """Lay out query, paper, state, note and keys."""
        yield Static(id="query")
        with VerticalScroll(id="scroll"):
            yield Static(id="paper")
        yield Static(id="state")
        yield ProgressBar(id="bar", total=max(len(self._session.pairs), 1), show_eta=False)
        yield Input(id="note", select_on_focus=False)  # or who comes back to it types over it
        yield Footer()

    def on_mount(self) -> None:
        """Show the first pair."""
        self.title = "bench"
        self.query_one("#scroll").focus()
        self._show()

    def judge(self) -> None:
        """Show the screen until it is left. Raises `BenchError` for what could not be saved."""
        if error := self.run():
            raise error

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:  # noqa: ARG002
        """While a line is open nothing but leaving works: the line belongs to the pair that is shown."""
        if action in ("grade", "skip", "previous", "undo", "note"):
            return self._keep is None
        return action != "cancel" or self._keep is not None

    def _save(self, change: Callable[[], None]) -> None:
        try:
            change()
        except BenchError as error:
            self.exit(error)
        self._show()

    def action_grade(self, grade: int) -> None:
        """Save a grade and go on."""
        self._save(lambda: self._session.grade(grade))

    def action_skip(self) -> None:
        """Go on without a grade."""
        self._session.skip()
        self._show()

    def action_previous(self) -> None:
        """Look at the pair before again."""
        self._session.back()
        self._show()

    def action_undo(self) -> None:
        """Take the last grade back."""
        self._save(self._session.undo)

    def action_note(self) -> None:
        """Open the line for a note."""
        if self._session.current is not None:
            self._ask("note on this paper, enter keeps it", self._session.note, self._annotate)

    async def action_quit(self) -> None:
        """Leave; a note that was begun is kept as it stands. A reason is none before it is entered: it
        would settle a grade."""
        if self._keep == self._annotate:
            self._annotate(self.query_one("#note", Input).value)
        self.exit()

    def action_cancel(self) -> None:
        """Close the line for a note without keeping it."""
        self._close_line()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what was written. No subclass may handle this too: textual calls each one's own."""
        if self._keep is not None:
            self._keep(event.value)

    def _annotate(self, note: str) -> None:
        self._close_line()
        self._save(lambda: self._session.annotate(note))

    def _ask(self, prompt: str, text: str, keep: Callable[[str], None]) -> None:
        self._keep = keep
        line = self.query_one("#note", Input)
        line.placeholder, line.value, line.cursor_position = prompt, text, len(text)
        line.add_class("open")
        line.focus()
        self.refresh_bindings()

    def _close_line(self) -> None:
        self._keep = None
        self.query_one("#note", Input).remove_class("open")
        self.query_one("#scroll").focus()
        self.refresh_bindings()

    def _show(self) -> None:
        pair = self._session.current
        self.query_one("#bar", ProgressBar).update(progress=self._session.done)
        # As Content: a note or a name is no markup.
        self.query_one("#state", Static).update(Content(_shown(self._state(pair))))
        if pair is None:
            self.query_one("#query", Static).update("All pairs are judged. Press q.")
            self.query_one("#paper", Static).update("")
            return
        self.query_one("#query", Static).update(self._query_text(pair[0]))
        self.query_one("#paper", Static).update(self._paper_text(pair))
        self.query_one("#scroll", VerticalScroll).scroll_home(animate=False)

    def _query_text(self, query: str) -> Content:
        text, _ = self._to_judge.queries[query]
        narrative = self._narratives.get(query, "")
        return Content.assemble((_shown(text), "bold"), "\n", _shown(narrative))

    def _paper_text(self, pair: Pair) -> Content:
        query, _ = self._to_judge.queries[pair[0]]
        number = self._number[pair[1]]
        (title,) = map(_shown, self._to_judge.corpus.texts([number], ("title",)))
        (text,) = map(_shown, self._to_judge.corpus.texts([number], ("text",)))
        return Content.assemble(_marked(title, query).stylize("bold"), "\n\n", _marked(text, query))

    def _state(self, pair: Pair | None) -> str:
        done, total = self._session.done, len(self._session.pairs)
        parts = [f"{done} of {total}"]
        if pair is not None:
            parts.insert(0, "this query {} of {}".format(*self._session.done_of(pair[0])))
            if pair in self._session.kept.grades:
                grade = self._session.kept.grades[pair]
                parts.append(f"graded {grade}: {_MEANING.get(grade, '')}")
            if self._session.note:
                parts.append(f"note: {self._session.note}")
        if self._session.seconds_left is not None and done < total:
            parts.append(f"about {_duration(self._session.seconds_left)} left")
        return " · ".join(parts)


class AdjudicationScreen(PairScreen):
    """One disagreement at a time, with both grades and notes; far ones are settled with a reason."""

    def __init__(self, to_judge: ToJudge, session: Session, first: Pass, second: Pass) -> None:
        super().__init__(to_judge, session)
        self._passes = first, second

    def action_grade(self, grade: int) -> None:
        """Save a grade; where the passes differ by two or more, ask for the reason first."""
        pair = self._session.current
        if pair is None:
            return
        first, second = (judged.grades[pair] for judged in self._passes)
        if needs_reason(first, second) and not self._session.note:
            prompt = f"why {grade}? one line, enter keeps it"
            self._ask(prompt, "", lambda reason: self._settle(grade, reason))
        else:
            super().action_grade(grade)

    def _settle(self, grade: int, reason: str) -> None:
        """Keep the reason, and the grade that waited for it."""
        if not reason.strip():
            self.notify("A reason is needed here; escape leaves the pair as it is.", severity="warning")
            return
        self._annotate(reason)
        super().action_grade(grade)

    def _state(self, pair: Pair | None) -> str:
        parts = [super()._state(pair)]
        if pair is not None:
            for judged in self._passes:
                said = f": {judged.notes[pair]}" if pair in judged.notes else ""
                parts.append(f"{shortened(judged.name)} {judged.grades[pair]}{said}")
        return " · ".join(parts)


def _shown(text: str) -> str:
    """The text in its lines; a terminal would obey other characters that can not be seen."""
    lines = text.expandtabs(4).splitlines()
    return "\n".join(visible("".join(" " if c.isspace() else c for c in line)) for line in lines)


def _marked(text: str, query: str) -> Content:
    content = Content(text)
    for start, end in matches(text, query):
        content = content.stylize("reverse", start, end)
    return content


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(minutes, 1)} min"
