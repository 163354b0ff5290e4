"""Users' own primitives as source: their formulas, read as expressions."""

import operator
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from .expressions import Arithmetic, Expr
from .listing import Listing, Statement
from .names import RESERVED, Names
from .numpy import Reading, listed
from .own import OnArrays


class Formulas(Arithmetic):
    """The arithmetic of users' own formulas: element by element, and a vector is a tuple."""

    def sum(self, x: Iterable[Any]) -> Any:
        """The sum over a vector."""
        return reduce(operator.add, x)

    def max(self, x: Iterable[Any]) -> Any:
        """The maximum over a vector."""
        return reduce(self.maximum, x)


def functions_of(name: str, own: OnArrays, n: int) -> Iterator[str]:
    """A user's own primitive of n inputs as two functions over NumPy: value, and partials.

    Raises:
        ValueError: the formulas can't be read as expressions.
    """
    m = Formulas()
    m.running, m.compares = own.primitive, False
    z, *x = [m.name(text, ()) for text in ("z", *[f"x{i}" for i in range(n)])]
    value, partials = own.primitive.on(m)
    x = [tuple(x)] if own.vector else x
    try:
        result = value(*x)
        ds = partials(z, *x)
        ds = ds[0] if own.vector else ds
        names = [f"x{i}" for i in range(n)]
        yield from _function(m, name, names, result)
        yield from _function(m, f"d_{name}", ["z", *names], ds)
    except Exception as error:
        raise ValueError(
            f"the primitive {own.primitive.symbol!r} can't be printed for JAX ({error}). Write it "
            "with operators and the functions of autograd; in place of `if` on a number use "
            "autograd.where(c, a, b)"
        ) from error


def _function(m: Arithmetic, name: str, arguments: list[str], results: Any) -> list[str]:
    """A function of arrays: an expression, or a tuple of them, with all rows and columns."""
    names = Names([*RESERVED, *arguments])
    lets = [
        Statement(m.next_serial(), "let", names.new("r"), m.number(result))
        for result in (results if type(results) is tuple else (results,))
    ]
    full = [
        let.name if isinstance(let.value, Expr) else f"np.full_like({arguments[0]}, {let.name})"
        for let in lets
    ]
    listing = Listing(0, 0, {}, {}, {}, lets, m.name(arguments[0], ()), [])
    listing.name_shared(m.next_serial(), names.new, {})
    reading, given = Reading(listing), listed(arguments)
    lines = [
        f"{given} = np.broadcast_arrays({', '.join(arguments)})",
        *reading.lines(listing.forward),
        f"return {listed(full) if type(results) is tuple else full[0]}",
    ]
    return [f"def {name}({', '.join(arguments)}):", *[f"    {line}" for line in lines], "", ""]
