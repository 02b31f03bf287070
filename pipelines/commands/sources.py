"""`everycent sources`: what can be read, and how to feed one kind in."""

from collections.abc import Sequence
from typing import Any

from pipelines.commands import terminal
from pipelines.commands.guard import UserError
from pipelines.commands.program import program
from pipelines.commands.terminal import safe, say
from pipelines.problems import did_you_mean
from pipelines.publishing.source_docs import (
    DELIVERY,
    ROOT,
    SECTIONS,
    file_names,
    page_of,
    prose,
)
from pipelines.sources import all_sources
from pipelines.sources.base import Source, TokenRule


def sources_command(*, as_json: bool) -> None:
    """List the kinds of feeds that can be read."""
    kinds = list(all_sources().values())
    if as_json:
        terminal.say_json([_described(source) for source in kinds])
        return
    terminal.show_table(
        "Source kinds, for `kind:` in everycent.yaml",
        ["kind", "what it is", "facts", "delivery", "money unit", "tested on", "docs page"],
        [
            [
                safe(source.name),
                safe(source.summary),
                safe(", ".join(source.facts)),
                safe(source.delivery),
                safe(source.money_unit),
                safe(source.proof),
                safe(_page(source)),
            ]
            for source in kinds
        ],
        whole=["kind", "docs page"],
    )
    say("How to export one, the settings that read it, and what its token totals mean:")
    say(f"  {safe(program())} sources KIND")


def source_command(kind: str, *, as_json: bool) -> None:
    """Say how one kind is exported, set up and read: the essentials of its page.

    Raises:
        UserError: There is no such kind.
    """
    source = all_sources().get(kind)
    if source is None:
        hint = did_you_mean(kind, all_sources()) or "List the kinds with `everycent sources`."
        raise UserError(f"There is no source of the kind {kind!r}. {hint}")
    said = prose(source)
    if as_json:
        terminal.say_json({**_described(source), "about": said.about, **_sections(source)})
        return
    say(_lines(said.about))
    say(f"\n[bold]Facts[/]: {safe(', '.join(source.facts))}, money in {safe(source.money_unit)}")
    say(f"[bold]Delivery[/]: {safe(source.delivery)}: {DELIVERY[source.delivery]}")
    say(f"[bold]Files[/]: {safe(file_names(source).replace('`', ''))}")
    say(f"[bold]Read against[/]: {safe(source.proof)} (data_samples/{safe(source.name)})")
    for name, text in said.sections.items():
        say(f"\n[bold]{safe(SECTIONS[name])}[/]")
        say(_lines(text))
    if source.token_rules:
        say()
        _show_rules(source.token_rules)
    say(f"\nDocs page: {safe(_page(source))}")


def _lines(text: str) -> str:
    """Lines of our own text, as they are."""
    return "\n".join(map(safe, text.split("\n")))


def _sections(source: Source) -> dict[str, str]:
    return {name.lower().replace(" ", "_"): text for name, text in prose(source).sections.items()}


def _described(source: Source) -> dict[str, Any]:
    names = "name summary facts delivery money_unit proof suffixes token_rules"  # no functions
    return {
        **{name: getattr(source, name) for name in names.split()},
        "docs_page": _page(source),
    }


def _page(source: Source) -> str:
    return page_of(source).relative_to(ROOT).as_posix()


def _show_rules(rules: Sequence[TokenRule]) -> None:
    terminal.show_table(
        "What token totals mean: inclusive totals hold their details (cache, reasoning)",
        ["format", "provider", "input total", "output total", "note"],
        [
            [
                safe(rule.source_format),
                safe(rule.provider),
                safe(rule.input_totals),
                safe(rule.output_totals),
                safe(rule.note),
            ]
            for rule in rules
        ],
    )
