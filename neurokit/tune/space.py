"""What is searched: hyperopt's spaces, read as plain Python values.

A space is a dict of hyperopt expressions (`hp.choice`, `hp.loguniform`, ...). hyperopt itself works
in coordinates (a label and a number, where a choice is an index); the objective sees the point they
stand for.
"""

import hashlib
from typing import Any

from hyperopt import Domain, pyll, space_eval
from hyperopt.exceptions import DuplicateLabel

from neurokit.config import plain
from neurokit.errors import FitError


def domain_of(space: dict[str, Any]) -> Domain:
    """hyperopt's view of a space; FitError where nothing in it varies or a label stands twice."""
    try:
        domain = Domain(lambda point: point, space)
    except DuplicateLabel as error:
        raise FitError(
            f"The search space uses the label {error} twice: give each hp expression its own."
        ) from error
    if not domain.params:
        finding = "The search space has no hp expression in it"
        raise FitError(f"{finding}: add one, such as hp.uniform('x', 0, 1).")
    return domain


def point(space: dict[str, Any], coordinates: dict[str, int | float]) -> dict[str, Any]:
    """The parameters at hyperopt's coordinates: int, float, str ..., no index or numpy scalar."""
    return plain(space_eval(space, coordinates))


def fingerprint(space: dict[str, Any]) -> str:
    """Sixteen hex digits that change with any label, range or choice of the space."""
    return hashlib.sha256(str(pyll.as_apply(space)).encode()).hexdigest()[:16]
