"""The page that says what can be read, and what "input tokens" means in each format."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.sources import all_sources
from pipelines.sources.base import Source

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sources.md"
_HEAD = """\
# Sources

<!-- Written by `make docs`: change the source's module. -->

Every kind of feed that can be read, as `everycent sources` lists it.
*Proof* says honestly what a reader was tried on: real files, documented examples, or files made
in the documented shape.

"""
_TOKENS = """
## What "input tokens" means

The hardest fact in the field: whether a total includes its details differs by format, provider
and version, and nothing crashes when it is read wrong.
*inclusive*: the total contains the details (cache reads and writes in the input, reasoning in the
output). *exclusive*: the details come on top.
A row that contradicts its format is read by its own numbers where they prove the contrary, and
flagged as `is_token_conflict`.

"""


def render() -> str:
    """The page as Markdown: a table of sources, then the table of token semantics."""
    sources = [source for _, source in sorted(all_sources().items())]
    rules = sorted(
        {
            (rule.source_format, rule.provider, rule.input_totals, rule.output_totals, rule.note)
            for source in sources
            for rule in source.token_rules
        }
    )
    return (
        _HEAD
        + _table(
            ["source", "what it is", "facts", "delivery", "money in", "proof"],
            [_described(source) for source in sources],
        )
        + _TOKENS
        + _table(["format", "provider", "input total", "output total", "note"], rules)
    )


def _described(source: Source) -> tuple[str, ...]:
    facts = ", ".join(source.facts)
    return (
        f"`{source.name}`",
        source.summary,
        facts,
        source.delivery,
        source.money_unit,
        source.proof,
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
