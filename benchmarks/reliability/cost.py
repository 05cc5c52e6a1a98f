"""What all checks together cost: demo trainings with them and with each replaced by nothing, in turn.

Seconds are those of the processor, which a busy machine lengthens less than those of the clock; but the
ratio of two trainings still varies by more than the checks cost. So each check is also timed while it runs,
and its share of the same training is the figure that is judged. Epochs are few, so that the checks of reading
and saving weigh more than in a whole training.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurokit import settings
from neurokit.experiment import Experiment
from reliability.replaced import Clock, timed_checks, without_checks

EPOCHS = {"pupil-encoder": 5, "sensorium": 2, "v1-transformer": 1, "digital-twin": 3}
AIM = 2.0  # percent


def run(pairs: int, systems: Sequence[str] = (), epochs: int | None = None) -> list[dict[str, Any]]:
    """A row for each system: what checks add to a training, in percent of one without."""
    folder, before = Path(tempfile.mkdtemp(prefix="cost-")), os.environ.get("NEUROKIT_DATA")
    os.environ["NEUROKIT_DATA"] = str(folder)
    try:
        return [_row(name, pairs, epochs or EPOCHS[name], folder) for name in systems or settings.SYSTEMS]
    finally:
        os.environ.pop("NEUROKIT_DATA")
        os.environ.update({"NEUROKIT_DATA": before} if before is not None else {})
        shutil.rmtree(folder, ignore_errors=True)


def _row(system: str, pairs: int, epochs: int, folder: Path) -> dict[str, Any]:
    _train(system, epochs, folder)  # simulates, packs and imports
    checked, unchecked, inside = [], [], []
    for number in range(pairs):
        for timed in (True, False) if number % 2 else (False, True):
            clock = Clock()
            with timed_checks(clock) if timed else without_checks() as replaced:
                seconds = _train(system, epochs, folder)
            (checked if timed else unchecked).append(seconds)
            inside += [100 * clock.seconds / (seconds - clock.seconds)] if timed else []
    extra = [100 * (one / other - 1) for one, other in zip(checked, unchecked, strict=True)]
    row = {"system": system, "epochs": epochs, "pairs": pairs, "replaced": replaced}
    row |= {"seconds": round(statistics.median(unchecked), 3), "aim": AIM}
    row |= _spread("percent_paired", extra) | _spread("percent_inside", inside)
    print(*(f"{name} {value}" for name, value in row.items()), sep=", ", flush=True)
    return row


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    found = {name: statistics.median(values), f"{name}_low": min(values), f"{name}_high": max(values)}
    return {key: round(value, 2) for key, value in found.items()}


def _train(system: str, epochs: int, folder: Path) -> float:
    """The processor's seconds of a demo training, from reading the recording to the saved model."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    begin = time.process_time()
    experiment = Experiment(system, source="demo", epochs=epochs, device="cpu")
    experiment.train(show_progress=False)
    return time.process_time() - begin
