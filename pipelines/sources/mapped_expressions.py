"""The small language of a mapping: one expression over the columns of a file.

Read with Python's own grammar, of which a handful of forms is let through; everything else is a
mistake with a list of what there is. What an expression says becomes SQL over `c1`, `c2`, ...: the
columns it names are extracted by path and its texts are bound, so nothing of it is ever pasted.
"""

import ast
import difflib
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum

ALLOWED = (
    "a column (`name`, `outer.inner`, `column('any name')`), a 'text', a number, null, "
    "coalesce(a, b), concat(a, b), lower(a), map(a, {'x': 'y'}, otherwise), tag(a, key=b), "
    "pseudonym(a), cents(a), per_million(a), times(a, n), "
    "epoch_s(a), epoch_ms(a), utc(a), instant(a)"
)
MAX_LENGTH = 2000
_FACTOR_DIGITS = 9
_PLAIN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_ZONE = r":.*(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"

Path = tuple[str, ...]


class ExpressionError(Exception):
    """An expression that is not of the language. Says what is wrong, and what to write instead."""

    def __init__(self, message: str, fix: str = f"Write one of: {ALLOWED}.") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Kind(StrEnum):
    """What an expression yields."""

    TEXT = "text"
    INSTANT = "instant"
    TAGS = "tags"


@dataclass(frozen=True)
class Expression:
    """One expression as SQL."""

    sql: str
    text: str
    """SQL of the text behind it, to tell what is missing from what cannot be read."""
    kind: Kind = Kind.TEXT
    factor: Decimal = Decimal(1)
    """What a number is multiplied by: exactly, after it is read."""
    is_person: bool = False
    keys: tuple[str, ...] = ()
    """Of tags: their keys."""


@dataclass
class Compiler:
    """Compiles the expressions of one mapping, and gathers what they need."""

    columns: dict[Path, str] = field(default_factory=dict)
    """Columns of the file by path, and the name each has in SQL."""
    bound: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    """SQL conditions under which a `map` has no entry for a value."""

    def compile(self, text: str) -> Expression:
        """Compile one expression.

        Raises:
            ExpressionError: It is not of the language.
        """
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"The expression is longer than {MAX_LENGTH} characters.")
        source = text.strip()
        # also names that Python keeps for itself, such as `in` and `from`
        if _PLAIN.fullmatch(source) and source != "null":
            return _same(self.column(tuple(source.split("."))))
        try:
            with warnings.catch_warnings():
                # an odd escape is for the check to tell, not for the terminal
                warnings.simplefilter("ignore", SyntaxWarning)
                tree = ast.parse(source, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            fix = "Inside a function, words such as in, from or class are written column('in')."
            raise ExpressionError(
                "This is not an expression.", f"{fix} There is: {ALLOWED}."
            ) from None
        return _Reading(self, source).read(tree.body)

    def column(self, path: Path) -> str:
        """The SQL name of a column of the file."""
        return self.columns.setdefault(path, f"c{len(self.columns) + 1}")

    def bind(self, text: str) -> str:
        """A placeholder for a text."""
        name = f"m{len(self.bound) + 1}"
        self.bound[name] = text
        return f"cast(${name} as varchar)"


class _Reading:
    """Reads one syntax tree."""

    def __init__(self, compiler: Compiler, source: str) -> None:
        self._compiler = compiler
        self._source = source

    def read(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id == "null"):
            return self._constant(node)
        path = _path(node)
        if path is None:
            raise ExpressionError("This form of expression does not exist here.")
        return _same(self._compiler.column(path))

    def _constant(self, node: ast.expr) -> Expression:
        value = node.value if isinstance(node, ast.Constant) else None
        if value is None:
            return _same("cast(null as varchar)")
        if isinstance(value, str):
            return _same(self._compiler.bind(value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError("A constant is a 'text' or a number.")
        # as it is written: 0.10 must not go through a float
        return _same(self._compiler.bind(ast.get_source_segment(self._source, node) or ""))

    def _call(self, node: ast.Call) -> Expression:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name, FUNCTIONS, n=1)
            hint = f"Did you mean '{close[0]}'? " if close else ""
            raise ExpressionError("There is no such function.", f"{hint}There is: {ALLOWED}.")
        if (node.keywords and name != "tag") or any(isinstance(a, ast.Starred) for a in node.args):
            raise ExpressionError(f"{name} takes plain arguments only.")
        fewest, most, function = FUNCTIONS[name]
        if not fewest <= len(node.args) + len(node.keywords) <= most:
            raise ExpressionError(f"{name} does not take this many arguments.")
        return function(self, node)

    def texts(self, nodes: Sequence[ast.expr]) -> list[Expression]:
        """Arguments that must be plain texts."""
        arguments = [self.read(node) for node in nodes]
        if any(a.kind != Kind.TEXT or a.factor != 1 or a.is_person for a in arguments):
            raise ExpressionError(
                "Units, times, tags and pseudonyms are said around everything else.",
                "Write them outermost, such as cents(coalesce(a, b)).",
            )
        return arguments

    def text(self, node: ast.expr) -> str:
        """SQL of an argument that must be a plain text."""
        return self.texts([node])[0].sql

    def coalesce(self, node: ast.Call) -> Expression:
        arguments = [self.read(argument) for argument in node.args]
        first = arguments[0]
        if any((a.kind, a.factor) != (first.kind, first.factor) for a in arguments):
            raise ExpressionError("The choices of coalesce are of different kinds or units.")
        return replace(
            first,
            sql=f"coalesce({', '.join(a.sql for a in arguments)})",
            text=f"coalesce({', '.join(a.text for a in arguments)})",
            is_person=any(a.is_person for a in arguments),
        )

    def concat(self, node: ast.Call) -> Expression:
        # null if a part is missing: half an id is none
        return _same(f"({' || '.join(a.sql for a in self.texts(node.args))})")

    def lower(self, node: ast.Call) -> Expression:
        return _same(f"lower({self.text(node.args[0])})")

    def map(self, node: ast.Call) -> Expression:
        value, table, *otherwise = node.args
        if not isinstance(table, ast.Dict) or not table.keys:
            raise ExpressionError("map needs a table.", "Write map(a, {'x': 'y', 'z': 'w'}).")
        if any(not isinstance(key, ast.Constant) for key in table.keys):
            raise ExpressionError("The keys of a map are texts.", "Write map(a, {'x': 'y'}).")
        of = self.text(value)
        keys = [self._constant(key).sql for key in table.keys if key]
        pairs = zip(keys, [self.text(v) for v in table.values], strict=True)
        whens = " ".join(f"when {key} then {sql}" for key, sql in pairs)
        if not otherwise:
            self._compiler.unmapped.append(f"coalesce({of} not in ({', '.join(keys)}), false)")
        other = self.text(otherwise[0]) if otherwise else "null"
        # what is missing is missing: it is no value that the table forgot
        return _same(
            f"case when {of} is null then null else case {of} {whens} else {other} end end"
        )

    def tag(self, node: ast.Call) -> Expression:
        named = {".".join(_named(argument)): self.text(argument) for argument in node.args}
        named |= {keyword.arg or "": self.text(keyword.value) for keyword in node.keywords}
        pairs = ", ".join(f"{self._compiler.bind(key)}, {sql}" for key, sql in named.items())
        json = f"cast(json_object({pairs}) as varchar)"
        return Expression(json, json, Kind.TAGS, keys=tuple(named))

    def column(self, node: ast.Call) -> Expression:
        return _same(self._compiler.column(_named(node)))

    def pseudonym(self, node: ast.Call) -> Expression:
        return replace(self.texts(node.args)[0], is_person=True)

    def cents(self, node: ast.Call) -> Expression:
        return self._scaled(node, Decimal("0.01"))

    def per_million(self, node: ast.Call) -> Expression:
        return self._scaled(node, Decimal("0.000001"))

    def times(self, node: ast.Call) -> Expression:
        try:
            factor = Decimal(ast.get_source_segment(self._source, node.args[1]) or "")
        except InvalidOperation:
            factor = Decimal("NaN")
        if not _is_factor(factor):
            raise ExpressionError(
                "The factor is not a number from a billionth to a billion.", "Write times(a, 1000)."
            )
        return self._scaled(node, factor)

    def _scaled(self, node: ast.Call, factor: Decimal) -> Expression:
        return replace(self.texts(node.args[:1])[0], factor=factor)

    def epoch_s(self, node: ast.Call) -> Expression:
        return self._epoch(node, 1_000_000)

    def epoch_ms(self, node: ast.Call) -> Expression:
        return self._epoch(node, 1_000)

    def _epoch(self, node: ast.Call, microseconds: int) -> Expression:
        text = self.text(node.args[0])
        exact = f"floor(try_cast({text} as decimal(28, 9)) * {microseconds})"
        return Expression(f"try(make_timestamptz(cast({exact} as bigint)))", text, Kind.INSTANT)

    def utc(self, node: ast.Call) -> Expression:
        return self._written(node, "not")

    def instant(self, node: ast.Call) -> Expression:
        return self._written(node, "")

    def _written(self, node: ast.Call, sense: str) -> Expression:
        """A written time that must (not) name its zone; the session's zone is UTC."""
        text = self.text(node.args[0])
        fits = f"{sense} regexp_matches({text}, '{_ZONE}')"
        sql = f"case when {fits} then try_cast({text} as timestamptz) end"
        return Expression(sql, text, Kind.INSTANT)


_MANY = 50
FUNCTIONS: Mapping[str, tuple[int, int, Callable[[_Reading, ast.Call], Expression]]] = {
    "coalesce": (2, _MANY, _Reading.coalesce),
    "concat": (2, _MANY, _Reading.concat),
    "lower": (1, 1, _Reading.lower),
    "map": (2, 3, _Reading.map),
    "tag": (1, _MANY, _Reading.tag),
    "column": (1, _MANY, _Reading.column),
    "pseudonym": (1, 1, _Reading.pseudonym),
    "cents": (1, 1, _Reading.cents),
    "per_million": (1, 1, _Reading.per_million),
    "times": (2, 2, _Reading.times),
    "epoch_s": (1, 1, _Reading.epoch_s),
    "epoch_ms": (1, 1, _Reading.epoch_ms),
    "utc": (1, 1, _Reading.utc),
    "instant": (1, 1, _Reading.instant),
}


def _is_factor(factor: Decimal) -> bool:
    """Whether a factor has at most nine digits on either side of the point, and is not zero."""
    if not factor.is_finite() or not factor:
        return False
    return abs(factor) < 10**_FACTOR_DIGITS and factor == round(factor, _FACTOR_DIGITS)


def _same(sql: str) -> Expression:
    return Expression(sql, sql)


def _path(node: ast.expr) -> Path | None:
    if isinstance(node, ast.Name):
        return (node.id,)
    outer = _path(node.value) if isinstance(node, ast.Attribute) else None
    return (*outer, node.attr) if isinstance(node, ast.Attribute) and outer else None


def _named(node: ast.expr) -> Path:
    """The path of a column that is written plainly or as `column('...')`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "column":
        names = [a.value for a in node.args if isinstance(a, ast.Constant)]
        texts = tuple(name for name in names if isinstance(name, str) and name)
        if len(texts) == len(node.args):
            return texts
        raise ExpressionError("A column is named by texts.", "Write column('Usage Date').")
    path = _path(node)
    if path is None:
        raise ExpressionError("Only a column gives a tag its key.", "Write tag(key=a).")
    return path
