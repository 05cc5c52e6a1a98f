"""Search spaces of hyperopt, and the next points to try.

A space is a dict of hyperopt expressions (`hp.choice`, `hp.loguniform`, ...). hyperopt itself works in
coordinates (a label and a number, an index for a choice); the objective gets the point that they stand for.

For each proposal hyperopt's trial documents are rebuilt from our records. The order of proposals is that of
`hyperopt.fmin` with `max_queue_len` equal to the size of a batch: those of the same batch see each other as
pending, which TPE counts as bad, so that they spread out.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from hyperopt import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK, Domain, Trials, pyll, rand, space_eval, tpe
from hyperopt.base import spec_from_misc
from hyperopt.exceptions import DuplicateLabel

from neurokit.config import plain
from neurokit.errors import FitError
from neurokit.tune.trials import Trial

Algorithm = Literal["tpe", "random"]


def domain_of(space: dict[str, Any]) -> Domain:
    """hyperopt's view of a space; FitError where nothing in it varies or a label occurs twice."""
    try:
        domain = Domain(lambda point: point, space)
    except DuplicateLabel as error:
        raise FitError(
            f"The search space uses the label {error} twice: give each hp expression its own."
        ) from error
    if not domain.params:
        finding = "The search space has no hp expression"
        raise FitError(f"{finding}: add one, such as hp.uniform('x', 0, 1).")
    return domain


def point(space: dict[str, Any], coordinates: dict[str, int | float]) -> dict[str, Any]:
    """The parameters at hyperopt's coordinates, as plain Python values without indices."""
    return plain(space_eval(space, coordinates))


def fingerprint(space: dict[str, Any]) -> str:
    """Sixteen hex digits that change with any label, range or choice of the space."""
    return hashlib.sha256(str(pyll.as_apply(space)).encode()).hexdigest()[:16]


def suggester(algorithm: Algorithm, start_up_trials: int) -> Callable[..., list[dict[str, Any]]]:
    """hyperopt's `suggest` of TPE (random for its first `start_up_trials`), or of random search."""
    if algorithm == "random":
        return rand.suggest
    return partial(tpe.suggest, n_startup_jobs=start_up_trials)


def propose(
    suggest: Callable[..., list[dict[str, Any]]],
    domain: Domain,
    finished: Sequence[Trial],
    count: int,
    generator: np.random.Generator,
) -> list[dict[str, int | float]]:
    """Coordinates of the next `count` trials; each call of `suggest` draws a seed."""
    known = documents(domain, finished)
    found: list[dict[str, int | float]] = []
    while len(found) < count:
        numbers = list(range(len(finished) + len(found), len(finished) + count))
        new = suggest(numbers, domain, known, int(generator.integers(2**31 - 1)))
        known.insert_trial_docs(new)
        known.refresh()
        found += [plain(spec_from_misc(document["misc"])) for document in new]
    return found


def documents(domain: Domain, finished: Sequence[Trial]) -> Trials:
    """Our records as documents of hyperopt; a failed one has no loss, which TPE takes as infinite."""
    known = Trials()
    for trial in finished:
        known.insert_trial_docs([_document(known, domain, trial)])
    known.refresh()
    return known


def _document(known: Trials, domain: Domain, trial: Trial) -> dict[str, Any]:
    at = trial.coordinates
    misc = {
        "tid": trial.number,
        "cmd": domain.cmd,
        "workdir": domain.workdir,
        "idxs": {label: [trial.number] if label in at else [] for label in domain.params},
        "vals": {label: [at[label]] if label in at else [] for label in domain.params},
    }
    failed = trial.loss is None
    result = {"status": STATUS_FAIL} if failed else {"status": STATUS_OK, "loss": trial.loss}
    [document] = known.new_trial_docs([trial.number], [None], [result], [misc])
    return document | {"state": JOB_STATE_DONE}
