"""Conditions over the columns of a row, such as ``qed >= 0.5 and not pains``, without the powers of Python."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from moldiff.errors import UserError

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


LONGEST = 2000
"""Characters of a condition; it bounds the depth of what is read, and the numbers and texts in it."""
MOST_TERMS = 400


class Unknown(Exception):
    """A column that the condition needs is null in this row."""


class Condition:
    """A condition that is read once and asked of many rows.

    It may hold column names, numbers, text, ``and or not``, comparisons, ``in`` and ``+ - * /``; nothing else runs.
    """

    def __init__(self, text: str, columns: frozenset[str]) -> None:
        """Read a condition over the named columns.

        Raises:
            UserError: it cannot be read, is too long, or names a column that does not exist.
        """
        self.text = text.strip()
        if len(self.text) > LONGEST:
            raise UserError(f"condition `{text[:60]}...`: is longer than {LONGEST} characters; give several conditions")
        try:
            self._tree = ast.parse(self.text, mode="eval").body
            nodes = list(ast.walk(self._tree))
            if len(nodes) > MOST_TERMS:
                raise UserError(f"condition `{text[:60]}...`: has too many terms; give several conditions")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise UserError(f"condition `{text}`: cannot be read; write for example `qed >= 0.5 and sa < 4`") from None
        for node in nodes:
            if not isinstance(node, _ALLOWED):
                raise UserError(
                    f"condition `{text}`: {type(node).__name__} is not allowed; use columns, numbers, text, "
                    "comparisons, and, or, not, in, + - * /"
                )
            if isinstance(node, ast.Name) and node.id not in columns:
                raise UserError(f"condition `{text}`: no column {node.id}; there are {', '.join(sorted(columns))}")

    @property
    def columns(self) -> list[str]:
        """The columns that it looks at."""
        return sorted({node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)})

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether it holds for a row.

        Raises:
            Unknown: a column that decides is null.
            UserError: values that cannot be compared, as a number with text.
        """
        return bool(self.value(row))

    def value(self, row: Mapping[str, Any]) -> Any:
        """Its value for a row: a boolean, or the number of an expression such as ``logp - sa``.

        Raises:
            Unknown: a column that decides is null.
            UserError: values that cannot be compared, as a number with text.
        """
        try:
            return _value(self._tree, row)
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            raise UserError(f"condition `{self.text}`: {error}") from None


_ALLOWED = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Compare, ast.Name, ast.Load),
    *(ast.Constant, ast.Tuple, ast.List),
    *_BINARY,
    *_COMPARE,
)


def _value(node: ast.expr, row: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            if row[node.id] is None:
                raise Unknown(node.id)
            return row[node.id]
        case ast.Tuple() | ast.List():
            return [_value(element, row) for element in node.elts]
        case ast.UnaryOp():
            value = _value(node.operand, row)
            return not value if isinstance(node.op, ast.Not) else -value
        case ast.BinOp():
            left, right = _value(node.left, row), _value(node.right, row)
            if not isinstance(left, int | float) or not isinstance(right, int | float):
                # a list or a text times a number could take all memory
                raise TypeError(f"`{ast.unparse(node)}` is arithmetic with what is not a number")
            return _BINARY[type(node.op)](left, right)
        case ast.BoolOp():
            wanted = isinstance(node.op, ast.Or)
            return (
                any(_value(part, row) for part in node.values)
                if wanted
                else all(_value(part, row) for part in node.values)
            )
        case ast.Compare():
            left = _value(node.left, row)
            for comparison, part in zip(node.ops, node.comparators, strict=True):
                right = _value(part, row)
                if not _COMPARE[type(comparison)](left, right):
                    return False
                left = right
            return True
    raise AssertionError(f"{type(node).__name__} passed the reader")
