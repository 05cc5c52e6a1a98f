"""One session, whatever the source: simulated, small and real, the real download, or files of one's own.

`load()` gives the same dataclass for all, so nothing after it knows where the files come from.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from neurokit import cutouts, settings
from neurokit.arguments import explain_failure
from neurokit.errors import DataError, SettingsError
from neurokit.files.cache import Read, read_or_write, simulated_folder
from neurokit.files.fetch import fetch
from neurokit.pupil_encoder.folders import Held, open_folder, pick, read_folder, unknown_session
from neurokit.pupil_encoder.neuromatch import open_sessions, read_counts, read_cutout
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.simulated_files import TRUTH, Truth, read_truth, write_neuromatch, write_truth
from neurokit.pupil_encoder.simulation import SessionParameters, simulate_session

PARTS = ("steinmetz_part0.npz", "steinmetz_part1.npz", "steinmetz_part2.npz")
SEED_SESSION = "Lederberg_2017-12-06"  # the one PupilEncoder was built on, session 12 of 39
SESSIONS = tuple(  # the 39 of the download, in the order of its files
    f"{mouse}_{date}"
    for mouse, dates in {
        "Cori": "2016-12-14 2016-12-17 2016-12-18",
        "Forssmann": "2017-11-01 2017-11-02 2017-11-04 2017-11-05",
        "Hench": "2017-06-15 2017-06-16 2017-06-17 2017-06-18",
        "Lederberg": "2017-12-05 2017-12-06 2017-12-07 2017-12-08 2017-12-09 2017-12-10 2017-12-11",
        "Moniz": "2017-05-15 2017-05-16 2017-05-18",
        "Muller": "2017-01-07 2017-01-08 2017-01-09",
        "Radnitz": "2017-01-08 2017-01-09 2017-01-10 2017-01-11 2017-01-12",
        "Richards": "2017-10-29 2017-10-30 2017-10-31 2017-11-01 2017-11-02",
        "Tatum": "2017-12-06 2017-12-07 2017-12-08 2017-12-09",
        "Theiler": "2017-10-11",
    }.items()
    for date in dates.split()
)
CUTOUTS = {"behaviour": read_cutout, "counts": read_counts}  # layout: its reader
MAKERS = (simulate_session, write_neuromatch, write_truth)


@explain_failure
def load(
    *,
    source: settings.Source | None = None,
    folder: str | Path | None = None,
    session: Sequence[str] | str = (),
    seed: int = 0,
    config: object = None,
) -> TrialRecording:
    """One session of a source (default: that of NEUROKIT_SOURCE), or of a `folder` or file of one's own.

    demo simulates session `seed` once and keeps its files; cutout reads a small real session, by default all
    trials of Cori_2016-12-17, the one that has behaviour; full downloads the Neuromatch files and takes
    `session`, one of SESSIONS. A folder holds files of any kind that `folders.open_folder` knows. Raises
    SettingsError for an unknown source or several sessions and DataError for an unknown session, both before
    anything is downloaded, and DataError for a missing or damaged file.
    """
    source, name = settings.check_source(source), _single_name(session)
    if folder is not None:
        return _read_folder(Path(folder), name)
    if source == "demo":
        return _read_simulated(seed, lambda folder: _read_folder(folder, name))
    if source == "cutout":
        return pick(_open_cutouts(), name)
    if name not in (None, *SESSIONS):
        raise unknown_session(name, SESSIONS)
    downloads = settings.data_folder() / "steinmetz2019"
    files = [fetch(part, downloads) for part in PARTS]
    return pick((session for file in files for session in open_sessions(file)), name or SEED_SESSION)


@explain_failure
def sessions(source: settings.Source, seed: int = 0, *, folder: str | Path | None = None) -> pd.DataFrame:
    """A row a session of a source or `folder`: session, neurons, trials, regions, behaviour.

    Of the full source it is the session alone; a session that cannot be read has the reason in its row.
    """
    if folder is not None:
        return _list_sessions(open_folder(Path(folder)))
    if source == "full":
        return pd.DataFrame({"session": SESSIONS})
    if source == "cutout":
        return _list_sessions(_open_cutouts())
    recording = load(source=source, seed=seed)
    return _list_sessions([(recording.name, lambda: recording)])


def _list_sessions(held: Held) -> pd.DataFrame:
    return pd.DataFrame([{"session": name, **_contents(read)} for name, read in held])


def _contents(read: Callable[[], TrialRecording]) -> dict[str, object]:
    try:
        recording = read()
    except DataError as error:
        return {"neurons": 0, "trials": 0, "regions": str(error), "behaviour": "none"}
    neurons, trials, _ = recording.spikes.shape
    regions = ", ".join(recording.regions()) or "none"
    behaviour = ", ".join(recording.behaviour) or "none"
    return {"neurons": neurons, "trials": trials, "regions": regions, "behaviour": behaviour}


def _open_cutouts() -> Held:
    """The small real sessions, the one with behaviour first."""
    held = [each for each in cutouts.cutouts().values() if each.layout in CUTOUTS]
    return [(each.session, partial(_read_cutout, each)) for each in held]


def _read_cutout(cutout: cutouts.Cutout) -> TrialRecording:
    return CUTOUTS[cutout.layout](cutouts.path_of(cutout.name))


def simulated_truth(seed: int = 0) -> Truth:
    """What was planted in the simulated session, for tests and for pictures beside a model's."""
    return _read_simulated(seed, lambda folder: read_truth(folder / TRUTH))


def _read_simulated(seed: int, read: Callable[[Path], Read]) -> Read:
    """What `read` makes of the demo's files; missing or damaged ones are written first."""
    parameters = SessionParameters(seed=seed)

    def write(folder: Path) -> None:
        session = simulate_session(parameters)
        write_neuromatch([session], folder)
        write_truth(session, folder / TRUTH)

    folder = simulated_folder("steinmetz", parameters.to_dict(), MAKERS)
    return read_or_write(folder, TRUTH, write, read)


def _read_folder(folder: Path, name: str | None) -> TrialRecording:
    """A session of a folder, with the truth beside a simulated one."""
    found, truth = read_folder(folder, name), folder / TRUTH
    return replace(found, truth=truth) if truth.is_file() else found


def _single_name(session: Sequence[str] | str) -> str | None:
    names = [session] if isinstance(session, str) else list(session)
    if len(names) > 1:
        raise SettingsError(f"A PupilEncoder reads one session, and {len(names)} are named; name one.")
    return names[0] if names else None
