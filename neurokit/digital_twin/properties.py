"""Tables of the MICrONS digital twin's release: its scans, their units, and what is known of each unit.

A scan is named by `session` and `scan_idx`; `unit_id` counts its units with gaps, as the recording does;
`readout_id` counts the units of the model, from 0 without gaps. All are integers of 0 or above.

Scores, tuning, place in the cortex, readout and responses have one folder a kind; rows of every file follow
the units.csv beside it:

    performance      units.csv: cc_abs, cc_max, cc_norm on held-out video; NaN where cc_max has no value
    ori_dir_tuning   units.csv: OSI, DSI, gOSI, gDSI; pref_ori (0-180) and pref_dir (0-360), degrees: a
                     vertical bar moving right is 0, angles grow counter-clockwise
    anatomy          units.csv: unit_x (to anterior), unit_y (to medial), unit_z (to depth), micrometres by
                     their range; brain_area (V1, LM, AL, RL), field (imaging plane)
    readout          readout_locations.npy (U x 2; -1, -1 is bottom left, 1, 1 top right), readout_weights.npy
                     (U x 512, the streams' weights side by side; that order is assumed)
    responses        responses.npy (U x T), stimulus.npy (T x 144 x 256, grey values); 31 GB and 2.8 GB

Sources: the README of the released weights and demo 3 of cajal/fnn (Wang et al., Nature 640, 470-477, 2025;
Ding et al., Nature 640, 459-469, 2025).

Letters: U units, T frames, K weights of a unit's readout, H x W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Integer, Num

from neurokit.errors import DataError
from neurokit.files.atomic import atomic_write
from neurokit.files.fetch import fetch
from neurokit.files.registry import read_registry

SCAN = ["session", "scan_idx"]
UNIT = [*SCAN, "unit_id"]
SCANS_FILE, UNITS_FILE = "scans.csv", "units.csv"
LARGEST = 2**53  # a float, which a table may hold, knows all whole numbers below it
TABLES = {
    "performance": ("cc_abs", "cc_max", "cc_norm"),
    "ori_dir_tuning": ("OSI", "DSI", "gOSI", "gDSI", "pref_ori", "pref_dir"),
    "anatomy": ("unit_x", "unit_y", "unit_z"),
}
LOCATIONS = ("readout_location_x", "readout_location_y")
KINDS = (*TABLES, "readout", "responses")
METADATA = "metadata.csv"


def scan_key(session: int, scan_idx: int) -> str:
    """The name of a scan in messages, such as 4-7."""
    return f"{session}-{scan_idx}"


def read_table(path: Path, integers: Sequence[str], texts: Sequence[str] = ()) -> pd.DataFrame:
    """A csv with the columns `integers` (made int64), `texts` (left as text) and any others.

    Raises DataError where the file is missing or no table, lacks a column, or holds no whole number of 0
    or above in one of `integers`.
    """
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=True)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: take all files of the release together.") from None
    except (OSError, ValueError, pd.errors.ParserError) as error:
        finding = f"{path} is no table of comma-separated values ({str(error).splitlines()[0]})"
        raise DataError(f"{finding}: take it from the release again.") from error
    if missing := [name for name in (*integers, *texts) if name not in table]:
        finding = f"{path} has no column {', '.join(missing)}, only {', '.join(map(str, table))}"
        raise DataError(f"{finding}: take it from the release again.")
    return table.assign(**{name: _whole_numbers(path, table[name]) for name in integers})


def read_scans(path: Path) -> pd.DataFrame:
    """Scans: session, scan_idx, units and data_id (text). DataError as `read_table`, or for a doubled one."""
    return _single(path, read_table(path, [*SCAN, "units"], ["data_id"]), SCAN)


def read_units(path: Path, integers: Sequence[str] = ()) -> pd.DataFrame:
    """Units: session, scan_idx, unit_id, `integers`, others. DataError as `read_table`, or where one is
    doubled.
    """
    return _single(path, read_table(path, [*UNIT, *integers]), UNIT)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Writes a table as csv, without its index. Raises DiskError."""
    with atomic_write(path) as temporary:
        table.to_csv(temporary, index=False)


def rows_of(table: pd.DataFrame, session: int, scan_idx: int) -> pd.Series:
    """Which rows of a table belong to a scan."""
    return (table["session"] == session) & (table["scan_idx"] == scan_idx)


def require_scan(path: Path, scans: pd.DataFrame, session: int, scan_idx: int) -> None:
    """Raises DataError, with the scans there are, where `scans` (read from `path`) has not this one."""
    if not rows_of(scans, session, scan_idx).any():
        there = ", ".join(scan_key(*row) for row in scans[SCAN].drop_duplicates().itertuples(index=False))
        finding = f"{path} has no scan {scan_key(session, scan_idx)}"
        remedy = f"choose one of {there}" if there else "it names none at all, so choose another folder"
        raise DataError(f"{finding}: {remedy}.")


def _single(path: Path, table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    doubled = table.duplicated(names)
    if doubled.any():
        row = ", ".join(f"{name} {table.loc[doubled, name].iloc[0]}" for name in names)
        raise DataError(f"{path} names {row} twice: take it from the release again.")
    return table


def are_whole(column: pd.Series) -> Bool[np.ndarray, "K"]:
    """Which values are whole numbers of 0 or above, or text of one; too large ones are not."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return (numbers >= 0) & (numbers < LARGEST) & (numbers == np.floor(numbers))


def _whole_numbers(path: Path, column: pd.Series) -> np.ndarray:
    odd = ~are_whole(column)
    if odd.any():
        found = f"'{column[odd].iloc[0]}' in row {int(odd.argmax())} of {column.name}"
        raise DataError(f"{path} has {found}, no whole number: take it from the release again.")
    return pd.to_numeric(column).to_numpy(dtype=np.int64)


@dataclass(frozen=True, eq=False)
class TwinResponses:
    """What the twin's units did while it saw one long video, mapped from the files.

    Attributes:
        units: session, scan_idx and unit_id of each row, U rows.
        responses: U x T; the release states no unit (a rate in multiples of the unit's mean, as in training).
        stimulus: grey values, T x H x W.
        sampling_frequency: frames a second.
    """

    units: pd.DataFrame
    responses: Float[np.ndarray, "U T"]
    stimulus: Integer[np.ndarray, "T H W"]
    sampling_frequency: float


def fetch_properties(folder: str | Path, kinds: Sequence[str] = KINDS[:-1]) -> Path:
    """`folder` with the files of `kinds` in it, downloaded where they are not; by default not the responses.

    Raises DataError for an unknown kind, FetchError and DiskError.
    """
    folder = Path(folder)
    for kind in map(_known, kinds):
        for entry in read_registry().values():
            if entry.recording == "microns_twin" and entry.name.startswith(f"{kind}."):
                fetch(replace(entry, name=entry.name.removeprefix(f"{kind}.")), folder / kind)
    return folder


def load_properties(folder: str | Path, *kinds: str) -> pd.DataFrame:
    """The properties of each unit, indexed by session, scan_idx and unit_id, U rows.

    `kinds` are of performance, ori_dir_tuning, anatomy and readout (its locations only), and all four where
    none is given; their columns stand side by side. Raises DataError for another kind, a file that is
    missing, damaged or without a promised column, and kinds whose units are not the same.
    """
    chosen = list(kinds) or [*TABLES, "readout"]
    tables = {kind: _table(Path(folder), kind) for kind in chosen}
    first = tables[chosen[0]]
    for kind, table in tables.items():
        different = first.index.symmetric_difference(table.index)
        if len(different):
            name = "session {}, scan_idx {}, unit_id {}".format(*different[0])
            where = f"{Path(folder) / kind / UNITS_FILE} and that of {chosen[0]}"
            raise DataError(f"{where} differ in {name}: take both from one release.")
    return pd.concat([table.reindex(first.index) for table in tables.values()], axis=1)


def load_readout_weights(folder: str | Path) -> tuple[pd.DataFrame, Float[np.ndarray, "U K"]]:
    """Session, scan_idx and unit_id, and the mapped weights of each unit. Raises DataError."""
    folder = Path(folder) / "readout"
    units = read_units(_there(folder / UNITS_FILE))[UNIT]
    return units, _mapped(folder / "readout_weights.npy", "f", 2, len(units))


def load_responses(folder: str | Path) -> TwinResponses:
    """The twin's responses to its long video, none of it in memory until asked for. Raises DataError."""
    folder = Path(folder) / "responses"
    units = read_units(_there(folder / UNITS_FILE))[UNIT]
    responses = _mapped(folder / "responses.npy", "f", 2, len(units))
    stimulus = _mapped(folder / "stimulus.npy", "ui", 3, responses.shape[1])
    return TwinResponses(units, responses, stimulus, _frequency(folder / METADATA))


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise DataError(f"{kind!r} is no kind of property: choose of {', '.join(KINDS)}.")
    return kind


def _there(path: Path) -> Path:
    if not path.is_file():
        remedy = "fetch_properties(folder, kinds) has it, and `folder` is the one above the kinds"
        raise DataError(f"{path} is missing: {remedy}.")
    return path


def _table(folder: Path, kind: str) -> pd.DataFrame:
    if _known(kind) == "responses":
        raise DataError("'responses' is no table: open it with load_responses.")
    path = _there(folder / kind / UNITS_FILE)
    if kind == "readout":
        units = read_units(path)[UNIT]
        locations = _mapped(path.with_name("readout_locations.npy"), "f", 2, len(units), width=2)
        if not np.isfinite(locations).all():
            raise DataError(f"{path.with_name('readout_locations.npy')} is not finite: fetch it again.")
        return pd.DataFrame(locations, pd.MultiIndex.from_frame(units), LOCATIONS)
    table = read_units(path, ["field"] if kind == "anatomy" else [])
    _check_numbers(path, table, TABLES[kind])
    texts = ["brain_area", "field"] if kind == "anatomy" else []
    if kind == "anatomy" and "brain_area" not in table:
        raise DataError(f"{path} has no column brain_area: take it from the release again.")
    return table.set_index(UNIT)[[*TABLES[kind], *texts]]


def _check_numbers(path: Path, table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raises DataError where a column is missing, no number, or infinite; NaN is a missing value."""
    for name in names:
        if name not in table:
            raise DataError(f"{path} has no column {name}: take it from the release again.")
        if table[name].dtype.kind not in "fiu" or np.isinf(table[name]).any():
            raise DataError(
                f"{path} has values in {name} that are no finite numbers: take it from the release again."
            )


def _mapped(path: Path, kinds: str, axes: int, rows: int, width: int | None = None) -> Num[np.ndarray, "..."]:
    """An npy file mapped into memory; DataError where it has another type, shape or number of rows."""
    try:
        array = np.load(_there(path), mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is cut short or no npy file ({reason}): fetch it again.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
        raise DataError(f"{path} does not hold the numbers it should: fetch it again.")
    wanted = (rows, width or "any", "any")[:axes]
    if array.ndim != axes or len(array) != rows or (width is not None and array.shape[1] != width):
        finding = f"{path} has the shape {array.shape} instead of ({', '.join(map(str, wanted))})"
        raise DataError(f"{finding}: take all files of the folder from one release.")
    return array


def _frequency(path: Path) -> float:
    table = read_table(_there(path), SCAN)
    found = table["sampling_frequency"].unique() if "sampling_frequency" in table else []
    if len(found) != 1 or not float(found[0]) > 0:
        raise DataError(f"{path} does not tell one sampling_frequency (Hz) for all scans: fetch it again.")
    return float(found[0])
