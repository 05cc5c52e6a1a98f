"""Tables of the MICrONS digital twin's release: its scans, their units, and what is known of each unit.

A scan is named by `session` and `scan_idx`; `unit_id` counts its units with gaps, as the recording does;
`readout_id` counts the units of the model, from 0 without gaps. All are integers of 0 or above.

Scores, tuning, place in the cortex, readout and responses have one folder each; rows of every file follow the
units.csv beside it:

    performance      units.csv: cc_abs, cc_max, cc_norm on held-out video; NaN where cc_max has no value
    ori_dir_tuning   units.csv: OSI, DSI, gOSI, gDSI; pref_ori (0-180) and pref_dir (0-360), degrees: a
                     vertical bar moving right is 0, angles grow counter-clockwise
    anatomy          units.csv: unit_x (to anterior), unit_y (to medial), unit_z (to depth), micrometres by
                     their range; brain_area (V1, LM, AL, RL), field (imaging plane)
    readout          readout_locations.npy (U x 2; -1, -1 is bottom left, 1, 1 top right), readout_weights.npy
                     (U x 512, the streams' weights side by side in an order that is assumed)
    responses        responses.npy (U x T), stimulus.npy (T x 144 x 256, grey values); 31 GB and 2.8 GB

Sources: the README of the released weights and demo 3 of cajal/fnn (Wang et al., Nature 640, 470-477, 2025;
Ding et al., Nature 640, 459-469, 2025).

Letters: U units, T frames, K weights of a unit's readout, H x W pixels.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, UInt8

from neurokit.errors import DataError
from neurokit.files.atomic import atomic_write, atomic_write_folder, restore_folder
from neurokit.files.fetch import fetch
from neurokit.files.reading import check_no_pipe
from neurokit.files.registry import read_registry

SCAN = ["session", "scan_idx"]
UNIT = [*SCAN, "unit_id"]
SCANS_FILE, UNITS_FILE = "scans.csv", "units.csv"
LARGEST = 2**53  # a table may hold floats, which are exact for whole numbers below it
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
    check_no_pipe(path)
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=True)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: take all files of the release together.") from None
    except (OSError, ValueError, pd.errors.ParserError) as error:
        finding = f"{path} is not a table of comma-separated values ({str(error).splitlines()[0]})"
        raise DataError(f"{finding}: take it from the release again.") from error
    if missing := [name for name in (*integers, *texts) if name not in table]:
        finding = f"{path} has no column {', '.join(missing)}, only {', '.join(map(str, table))}"
        raise DataError(f"{finding}: take it from the release again.")
    return table.assign(**{name: _whole_numbers(path, table[name]) for name in integers})


def read_scans(path: Path) -> pd.DataFrame:
    """Scans: session, scan_idx, units and data_id (text). DataError as `read_table`, or for a doubled one."""
    return _single(path, read_table(path, [*SCAN, "units"], ["data_id"]), SCAN)


def read_units(path: Path, integers: Sequence[str] = ()) -> pd.DataFrame:
    """Units: session, scan_idx, unit_id, `integers`. DataError as `read_table`, or for a doubled one."""
    return _single(path, read_table(path, [*UNIT, *integers]), UNIT)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Writes a table as csv, without its index. Raises DiskError."""
    with atomic_write(path) as temporary:
        table.to_csv(temporary, index=False)


def rows_of(table: pd.DataFrame, session: int, scan_idx: int) -> pd.Series:
    """Which rows of a table belong to a scan."""
    return (table["session"] == session) & (table["scan_idx"] == scan_idx)


def require_scan(path: Path, scans: pd.DataFrame, session: int, scan_idx: int) -> None:
    """Raises DataError, naming all scans, where `scans` (read from `path`) lacks this one."""
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
    column = (
        column.astype(str) if column.dtype == object else column
    )  # whole numbers of any length are objects
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return (numbers >= 0) & (numbers < LARGEST) & (numbers == np.floor(numbers))


def _whole_numbers(path: Path, column: pd.Series) -> np.ndarray:
    odd = ~are_whole(column)
    if odd.any():
        found = f"'{column[odd].iloc[0]}' in row {int(odd.argmax())} of {column.name}"
        raise DataError(f"{path} has {found}, not a whole number: take it from the release again.")
    return pd.to_numeric(column).to_numpy(dtype=np.int64)


def fetch_properties(folder: str | Path, kinds: Sequence[str] = KINDS[:-1]) -> Path:
    """`folder` with the files of `kinds` in it, downloaded where they are not; by default not the responses.

    Raises DataError for an unknown kind, FetchError and DiskError.
    """
    folder = Path(folder)
    for kind in map(_check_kind, kinds):
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


def write_properties(
    folder: str | Path,
    properties: pd.DataFrame,
    weights: Float[np.ndarray, "U K"],
    responses: Float[np.ndarray, "U T"],
    stimulus: UInt8[np.ndarray, "T H W"],
    *,
    sampling_frequency: float = 30.0,
) -> Path:
    """Writes the folders of a twin's properties; whatever stood in `folder` is replaced. Raises DiskError.

    `properties` is indexed by session, scan_idx and unit_id, and has the columns of all tables and the two
    of the readout's location, as `load_properties` returns them.
    """
    units = properties.index.to_frame(index=False)[UNIT]
    arrays = {
        "readout": {"readout_weights": weights, "readout_locations": properties[[*LOCATIONS]].to_numpy()},
        "responses": {"responses": responses, "stimulus": stimulus},
    }
    with atomic_write_folder(folder) as temporary:
        for kind, names in TABLES.items():
            columns = [*names, "brain_area", "field"] if kind == "anatomy" else [*names]
            values = properties[columns].reset_index(drop=True)
            _write_kind(temporary / kind, pd.concat([units, values], axis=1), {})
        for kind, found in arrays.items():
            _write_kind(temporary / kind, units, found, sampling_frequency)
    return Path(folder)


def _write_kind(
    folder: Path, units: pd.DataFrame, arrays: dict[str, np.ndarray], frequency: float | None = None
) -> None:
    folder.mkdir()
    write_table(folder / UNITS_FILE, units)
    scans = units[SCAN].drop_duplicates()
    write_table(folder / METADATA, scans if frequency is None else scans.assign(sampling_frequency=frequency))
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def _check_kind(kind: str) -> str:
    if kind not in KINDS:
        raise DataError(f"{kind!r} is not a kind of property: choose of {', '.join(KINDS)}.")
    return kind


def _require(path: Path) -> Path:
    if not restore_folder(path).is_file():
        remedy = "fetch_properties(folder, kinds) has it, and `folder` is the one above the kinds"
        raise DataError(f"{path} is missing: {remedy}.")
    return path


def _table(folder: Path, kind: str) -> pd.DataFrame:
    if _check_kind(kind) == "responses":
        raise DataError("'responses' is not a table: map its arrays with numpy.load(path, mmap_mode='r').")
    path = _require(folder / kind / UNITS_FILE)
    if kind == "readout":
        return _locations(path.with_name("readout_locations.npy"), read_units(path)[UNIT])
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
                f"{path} has values in {name} that are not finite numbers: take it from the release again."
            )


def _locations(path: Path, units: pd.DataFrame) -> pd.DataFrame:
    """Where each unit reads the map; DataError for a file of another type, shape or number of rows."""
    try:
        array = np.load(_require(path), mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is cut short or not an npy file ({reason}): fetch it again.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise DataError(f"{path} does not hold the numbers it should: fetch it again.")
    if array.shape != (len(units), 2):
        finding = f"{path} has the shape {array.shape} instead of {(len(units), 2)}"
        raise DataError(f"{finding}: take all files of the folder from one release.")
    if not np.isfinite(array).all():
        raise DataError(f"{path} is not finite: fetch it again.")
    return pd.DataFrame(array, pd.MultiIndex.from_frame(units), LOCATIONS)
