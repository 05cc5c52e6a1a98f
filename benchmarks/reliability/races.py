"""Processes that work on the same files at the same time: does any fail, or find or leave something mixed?

Four processes begin together, round after round. A round is bad where a process raises, hangs or finds
something that nobody wrote, or where the files at the end are not those of a process alone, byte for byte.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from neurokit.files.atomic import atomic_write_folder, restore_folder
from neurokit.files.locks import hold_lock
from neurokit.pupil_encoder.model import PupilEncoder
from neurokit.training import checkpoint
from reliability import trying
from reliability.server import serving
from reliability.trying import Place, Work
from reliability.works import SIZES, Named, list_works, make_inputs, save_model, warm_up

PROCESSES, TIMES = 4, 10  # times that each process does what takes milliseconds
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CELLS = {"01_data_download.ipynb": 26, "03_training.ipynb": 37}  # the last cell of a short run
SHARED = (
    "training, pupil-encoder",
    "training, sensorium",
    "training, v1-transformer",
    "training, digital-twin",
    "search",
    "packing",
    "submission, tables",
    "submission, ensemble",
    "ensemble",
    "download",
    "simulation, kept",
)


@dataclass(frozen=True)
class Race:
    """Works that begin together in one private folder; alone, each of `ends` leaves a right end."""

    name: str
    works: tuple[Work, ...]
    ends: tuple[Work, ...]


@dataclass
class Count:
    """What became of the rounds of one race, and the words of bad ones."""

    race: str
    processes: int
    rounds: int = 0
    bad: int = 0
    words: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """For a result file."""
        return {name: getattr(self, name) for name in ("race", "processes", "rounds", "bad")}


def list_races(works: Sequence[Named]) -> list[Race]:
    """A race of four for each file that processes may share, and pairs of two different works."""
    named = {each.name: each.work for each in works}
    races = [Race(f"{name}, four at once", (named[name],) * PROCESSES, (named[name],)) for name in SHARED]
    seeds = range(PROCESSES)
    races.append(
        Race(
            "checkpoint, four save and open",
            tuple(partial(_save_and_open, seed=seed) for seed in seeds),
            tuple(partial(save_model, seed=seed) for seed in seeds),
        )
    )
    races.append(
        Race(
            "folder, three replace and one reads",
            (_read_folder, *(partial(_write_folder, word=word) for word in seeds[1:])),
            tuple(partial(_write_folder, word=word) for word in seeds[1:]),
        )
    )
    training, evaluation = named["training, pupil-encoder"], named["training, evaluation"]
    races.append(Race("two trainings of one experiment", (training, training), (training,)))
    races.append(Race("a training and an evaluation", (training, evaluation), (evaluation,)))
    return races


def _save_and_open(folder: Path, seed: int) -> None:
    """What is opened must be what one of the processes saved, whole."""
    for _ in range(TIMES):
        save_model(folder, seed)
        opened = checkpoint.load(folder / "models" / "model", PupilEncoder)
        torch.manual_seed(opened.facts["seed"])
        wanted = PupilEncoder(**SIZES).state_dict()
        assert all(torch.equal(wanted[name], value) for name, value in opened.model.state_dict().items())


def _write_folder(folder: Path, word: int) -> None:
    for _ in range(TIMES):
        with atomic_write_folder(folder / "recording") as new:
            for number in range(10):
                (new / f"{number}.bin").write_bytes(bytes([word]) * 5000)


def _read_folder(folder: Path) -> None:
    """All files of the folder must be of one writer, while it holds the folder's lock."""
    path = folder / "recording"
    for _ in range(5 * TIMES):
        with hold_lock(path):
            if restore_folder(path).exists():
                assert len({file.read_bytes() for file in path.iterdir()}) == 1
                assert len(list(path.iterdir())) == 10


def run_notebook(folder: Path, name: str, short: bool = False) -> None:
    """The code of a notebook, but for set-up and installations; `short` ends it after the first training."""
    import matplotlib

    matplotlib.use("Agg")
    cells = json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))["cells"]
    scope: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells[: CELLS[name] if short else None]:
        code = "".join(cell["source"])
        if cell["cell_type"] == "code" and "%pip" not in code:
            exec(compile(code, name, "exec"), scope)


def run(rounds: int, notebook_rounds: int = 1, short: bool = False, only: Sequence[str] = ()) -> list[Count]:
    """The counts of each race, and of the two notebooks, which run `notebook_rounds` times."""
    root = Path(tempfile.mkdtemp(prefix="races-"))
    place = Place(root)
    try:
        make_inputs(root / "inputs")
        with serving() as address:
            works = list_works(root / "inputs", address)
            warm_up(works, place)
            races = [
                race for race in list_races(works) if not only or any(word in race.name for word in only)
            ]
            counts = [_race(race, place, rounds) for race in races]
        if not only or "notebooks" in only:
            counts.append(_race_notebooks(place, notebook_rounds, short))
        return counts
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _race(race: Race, place: Place, rounds: int) -> Count:
    ends, count = [], Count(race.name, len(race.works))
    for work in race.ends:
        place.clear(place.root / "nothing")
        ended = trying.run(work, place)
        if ended.status != 0:
            raise RuntimeError(ended.said)
        ends.append(trying.tree(place.folder))
    for _ in range(rounds):
        place.clear(place.root / "nothing")
        found = trying.run_together(race.works, place)
        _judge(count, found, trying.tree(place.folder) in ends)
    return _told(count)


def _race_notebooks(place: Place, rounds: int, short: bool) -> Count:
    """Both in one data folder that was empty, so that both simulate what they read."""
    works = [partial(run_notebook, name=name, short=short) for name in CELLS]
    count = Count(f"two notebooks{', their beginnings' if short else ''}", len(works))
    for _ in range(rounds):
        place.clear(place.root / "nothing")
        _judge(count, trying.run_together(works, place, longest=1200.0), True)
    return _told(count)


def _judge(count: Count, found: Sequence[trying.Ended], right: bool) -> None:
    count.rounds += 1
    failed = [each.said.strip()[-1500:] for each in found if each.status != 0 or "Traceback" in each.said]
    count.bad += bool(failed) or not right
    count.words += failed or ([] if right else [f"{count.race}: the files are those of no process alone"])


def _told(count: Count) -> Count:
    print(f"{count.race}: {count.bad} bad of {count.rounds} rounds", *count.words, sep="\n  ", flush=True)
    return count
