"""What a search found."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from neurokit.errors import FitError
from neurokit.tune.trial import Trial


class Study:
    """The trials of a search, as tables and as the best point; FitError where all failed."""

    def __init__(self, records: Sequence[Trial]) -> None:
        """`records` in the order of proposal."""
        self.records = tuple(records)
        complete = [trial for trial in self.records if trial.status == "complete"]
        if not complete:
            raise FitError(
                f"All {len(self.records)} trials of the search failed "
                f"(the first with {self._first_message()!r}): "
                "mend the objective or the space and start anew."
            )
        self._best = min(complete, key=lambda trial: trial.loss)

    @property
    def best(self) -> dict[str, Any]:
        """The parameters of the completed trial with the lowest loss (the first of equals)."""
        return self._best.parameters

    @property
    def best_loss(self) -> float:
        """The lowest loss of a completed trial."""
        return self._best.loss

    @property
    def trials(self) -> pd.DataFrame:
        """A row a trial: number, status, loss, epochs (the last), seconds, message, parameters.

        A nested parameter has a dotted name (`cell.kind`); one that a trial does not have is NaN.
        """
        head = [
            {
                "number": trial.number,
                "status": trial.status,
                "loss": trial.loss,
                "epochs": trial.curve[-1][0] if trial.curve else 0,
                "seconds": trial.seconds,
                "message": trial.message,
            }
            for trial in self.records
        ]
        parameters = pd.json_normalize([trial.parameters for trial in self.records])
        return pd.concat([pd.DataFrame(head).astype({"loss": float}), parameters], axis=1)

    @property
    def curves(self) -> pd.DataFrame:
        """A row a report: number (of the trial), epoch, loss."""
        rows = [(trial.number, *report) for trial in self.records for report in trial.curve]
        return pd.DataFrame(rows, columns=["number", "epoch", "loss"])

    def _first_message(self) -> str:
        return self.records[0].message if self.records else "no trial"
