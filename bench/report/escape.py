"""Names as they are meant: a character that a terminal, Markdown or LaTeX would obey is escaped.

Names of systems, query sets and documents may hold any character.
"""

from __future__ import annotations

import re
import unicodedata

from bench.errors import visible

_MARKDOWN = {c: "\\" + c for c in "\\`*_~|"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# GitHub begins a formula at a dollar sign, even behind a backslash.
_MARKDOWN["$"] = "&#36;"


def markdown_text(text: str) -> str:
    """Return the text for a place inside a line of GitHub-flavoured Markdown, such as a table's cell."""
    escaped = "".join(_MARKDOWN.get(c, c) for c in visible(text).strip())
    return re.sub(r"\](?=[(\[:])", r"\\]", escaped)  # as a link would go on


def markdown_line(text: str) -> str:
    """Return the text for a line of its own, where it could also begin a heading, a list or a rule."""
    return re.sub(r"^(\d*)([#+\-=.)])", r"\1\\\2", markdown_text(text))


_LATEX = {c: "\\" + c for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
}
_LATEX_MATHS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma",
    "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi",
    "Ω": "Omega", "≥": "geq", "≤": "leq", "≈": "approx", "≠": "neq", "±": "pm", "×": "times",
    "·": "cdot", "∞": "infty", "→": "rightarrow", "←": "leftarrow",
}  # fmt: skip
_LATEX |= {character: rf"$\{name}$" for character, name in _LATEX_MATHS.items()}
_LATEX |= (
    {"°": r"$^\circ$"} | {raised: f"$^{{{n}}}$" for n, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {"−": "$-$"}
)
# grave, acute, circumflex, tilde, macron, breve, dot, diaeresis, ring, double acute, caron, cedilla
_ACCENTS = dict(
    zip(
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327",
        tuple("`'^~=u.\"rHvc"),
        strict=True,
    )
)


def latex_text(text: str) -> str:
    r"""Return the text in ASCII for LaTeX. What plain LaTeX has no macro for is named by its code point.

    >>> latex_text("Zoë & κ ≥ 0.9 🙂")
    'Zo\\"{e} \\& $\\kappa$ $\\geq$ 0.9 [U+1F642]'
    """
    # "--" would become a dash, and two apostrophes a quotation mark
    parts = re.split(r"(?<=[-'])(?=[-'])", visible(text))
    return "{}".join("".join(map(_latex_character, part)) for part in parts)


def _latex_character(character: str) -> str:
    if character in _LATEX or character.isascii():
        return _LATEX.get(character, character)
    decomposed = unicodedata.normalize("NFD", character)
    if len(decomposed) == 2 and decomposed[0].isascii() and decomposed[1] in _ACCENTS:
        return rf"\{_ACCENTS[decomposed[1]]}{{{decomposed[0]}}}"
    return f"[U+{ord(character):04X}]"
