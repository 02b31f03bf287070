"""What can be read, for people: the index of sources, and a page for each kind.

`make docs` rewrites `docs/sources.md` and `docs/sources/`; a test compares. What a page says is
from the kind's `SOURCE`, and from the docstring of its module: text, then sections of which each
starts with its name on a line of its own, is indented, and is one of `SECTIONS`.
"""

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from models.vocabulary import Delivery
from pipelines.publishing.table_docs import rewrite
from pipelines.sources import all_sources
from pipelines.sources.base import Source, TokenRule

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "docs" / "sources.md"
PAGES = ROOT / "docs" / "sources"

SECTIONS = {
    "Export": "Export it and lay it out",
    "Settings": "Settings",
    "Reads": "What is read",
    "Never read": "What is never read",
    "Traps": "Traps and limits",
}
"""Sections of a module's docstring, in their order, and their headings on the page."""

DELIVERY = {
    Delivery.SNAPSHOT: "a later delivery replaces what it covers",
    Delivery.APPEND: "every delivery adds, corrections are rows of their own",
    Delivery.EVENTS: "a record counts once, by its identity, in its newest version",
}

_HEAD = """\
# Sources

<!-- Written by `make docs`: change the source's module. -->

Every kind of feed that can be read, as `everycent sources` lists it; a kind's page says how to
export it, the settings that read it, what is read and what never is (`everycent sources KIND`).
*Proof* says honestly what a reader was tried on: real files, documented examples, or files made
in the documented shape.

"""
_TOKENS = """
## What "input tokens" means

The hardest fact in the field: whether a total includes its details differs by format, provider
and version, and nothing crashes when it is read wrong.
*inclusive*: the total contains the details (cache reads and writes in the input, reasoning in the
output). *exclusive*: the details come on top.
Evidence goes before convention, by one mechanism for all sources. Readings that a row's own
numbers disprove fall away: more cache than input, more reasoning than output, a total that is more
than the sum of the two others, a cost of its own that is the list price of another reading
(`read_by_own_cost`; a cost at other prices proves nothing). If one reading is left it counts, and
where it is not that of the table the row is flagged as `is_token_conflict`. Else the table
decides, by format, version and provider. Where it says *unknown* the row is read as the provider's
own API counts, and if that changes what the call costs the row has `token_semantics` unknown and
is counted as `unknown_semantics` in `quality_results`. Tokens that only a total proves, such as
thoughts and tool prompts of Gemini, are counted as what they are billed as
(`hidden_output_tokens`, `hidden_input_tokens`).

"""
_RULE_HEADER = ["format", "version", "provider", "input total", "output total", "note"]
_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):\n((?:[ ].*\n|\n)+)", re.MULTILINE)
_PATH = re.compile(r"'\$\.([^']+)'")


@dataclass(frozen=True)
class Prose:
    """What the docstring of a kind's module says."""

    about: str
    """What it is, as paragraphs; the first line is a title."""
    sections: Mapping[str, str]
    """Text by name, as in `SECTIONS`."""


def prose(source: Source) -> Prose:
    """The docstring of a kind's module, taken apart."""
    text = inspect.cleandoc(sys.modules[f"pipelines.sources.{source.name}"].__doc__ or "") + "\n"
    found = {name: dedent(body).strip("\n") for name, body in _SECTION.findall(text)}
    return Prose(_SECTION.sub("", text).strip(), found)


def page_of(source: Source) -> Path:
    """Where the page of a kind is, in a checkout."""
    return PAGES / f"{source.name}.md"


def file_names(source: Source) -> str:
    """The endings of the files a kind takes, in words."""
    names = [f"`*{suffix}`" for suffix in source.suffixes if suffix]
    return ", ".join([*names, "files without an ending"] if "" in source.suffixes else names)


def render_index() -> str:
    """The index as Markdown: a table of sources, then the table of token semantics."""
    sources = [source for _, source in sorted(all_sources().items())]
    return (
        _HEAD
        + _table(
            ["source", "what it is", "facts", "delivery", "money in", "proof"],
            [_described(source) for source in sources],
        )
        + _TOKENS
        + _table(_RULE_HEADER, sorted({_rule(r) for source in sources for r in source.token_rules}))
    )


def render_page(source: Source) -> str:
    """The page of a kind as Markdown."""
    found = prose(source)
    samples = f"data_samples/{source.name}"
    facts = {
        "facts": ", ".join(source.facts),
        "delivery": f"{source.delivery}: {DELIVERY[source.delivery]}",
        "money in": source.money_unit,
        "files": f"{file_names(source)}; others are reported and left alone",
        "read against": f"{source.proof}: [{samples}](../../{samples}/README.md)",
    }
    parts = [
        f"# {source.name}",
        f"<!-- Written by `make docs`: change `pipelines/sources/{source.name}.py`. -->",
        found.about,
        _table(["", ""], [(f"**{name}**", text) for name, text in facts.items()]).rstrip(),
    ]
    for name, heading in SECTIONS.items():
        if name in found.sections:
            parts += [f"## {heading}", _body(name, source, found.sections[name])]
    if source.token_rules:
        rules = _table(_RULE_HEADER, [_rule(rule) for rule in source.token_rules])
        parts += ['## What "input tokens" means', rules.rstrip()]
    parts += ["[All sources](../sources.md)"]
    return "\n\n".join(parts) + "\n"


def _body(name: str, source: Source, text: str) -> str:
    if name == "Settings":
        return f"```yaml\nsources:\n{indent(text, '  ')}\n```"
    if name == "Reads" and (paths := _paths(source)):
        listed = ", ".join(f"`{path}`" for path in paths)
        return f"{text}\n\nEvery path that the reader's SQL names: {listed}."
    return text


def _paths(source: Source) -> list[str]:
    """Paths of a record that a stream's SQL names."""
    if source.stream is None:
        return []
    return sorted({path.replace('"', "") for path in _PATH.findall(source.stream.sql)} - {"*"})


def _described(source: Source) -> tuple[str, ...]:
    facts = ", ".join(source.facts)
    return (
        f"[`{source.name}`](sources/{source.name}.md)",
        source.summary,
        facts,
        source.delivery,
        source.money_unit,
        source.proof,
    )


def _rule(rule: TokenRule) -> tuple[str, ...]:
    return (
        rule.source_format,
        rule.versions or "any",
        rule.provider,
        rule.input_totals,
        rule.output_totals,
        rule.note,
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


if __name__ == "__main__":
    INDEX.write_text(render_index(), encoding="utf-8")
    rewrite(PAGES, {page_of(source).name: render_page(source) for source in all_sources().values()})
