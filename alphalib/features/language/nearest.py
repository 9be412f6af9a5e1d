"""Which known factors an expression resembles, by the shape of its tree.

Two factors are as alike as their largest common subtree is large beside them: the originality measure of AlphaAgent
(Tang et al. 2025, arXiv:2502.16789), as a share of both. Numbers do not count: a mean over 5 sessions has the shape of
one over 20. How alike their values are is in `evidence.factor_known`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from alphalib.features.language.tree import Node


@dataclass(frozen=True, slots=True)
class Near:
    """A known factor beside the one in question.

    Parameters
    ----------
    name : str
        Of the known factor.
    similarity : float
        Twice the nodes of the largest common subtree over the nodes of both; 1 for the same shape. [fraction]
    common : str
        That subtree as it stands in the factor in question.
    theirs : str
        The same in the known one: the two differ by their numbers, if at all.
    duplicate : bool
        Whether the two are one and the same factor.
    """

    name: str
    similarity: float
    common: str
    theirs: str
    duplicate: bool


def nearest(node: Node, known: Mapping[str, Node], *, count: int = 3) -> list[Near]:
    """The known factors that a factor resembles most.

    Parameters
    ----------
    node : Node
        The factor in question.
    known : mapping of str to Node
        Known factors by name.
    count : int
        At most so many.

    Returns
    -------
    list of Near
        The same factor first, then by similarity, then those with the same numbers, then by name.
    """
    ours = _shapes(node)
    found = [_beside(node, ours, name, other) for name, other in known.items()]
    found.sort(key=lambda near: (not near.duplicate, -near.similarity, near.common != near.theirs, near.name))
    return found[:count]


def _beside(node: Node, ours: Mapping[bytes, Node], name: str, other: Node) -> Near:
    theirs = _shapes(other)
    shared = [(ours[shape], theirs[shape]) for shape in ours.keys() & theirs.keys()]
    if not shared:
        return Near(name, 0.0, "", "", duplicate=False)
    common, same = max(shared, key=lambda pair: (pair[0].size, pair[0] == pair[1], pair[0].text))
    return Near(name, 2.0 * common.size / (node.size + other.size), common.text, same.text, node.hash == other.hash)


def _shapes(node: Node) -> dict[bytes, Node]:
    """Every subtree by its shape; of several with one shape, the first in the order of their texts."""
    found: dict[bytes, Node] = {}

    def shape(part: Node) -> bytes:
        if part.operator is None:
            label = "#" if part.is_number else part.text
            inner = []
        else:
            label = part.operator.name
            inner = [shape(argument) for argument in part.arguments]
            if part.operator.commutative:
                inner.sort()  # arguments are in the order of their texts, in which numbers count
        key = hashlib.blake2b(b"\0".join([label.encode(), *inner]), digest_size=12).digest()
        if key not in found or part.text < found[key].text:
            found[key] = part
        return key

    shape(node)
    return found
