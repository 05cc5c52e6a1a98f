"""Tables of the MICrONS digital twin's release: its scans, and the units of each scan.

A scan is named by `session` and `scan_idx`; `unit_id` counts its units with gaps, as the recording does;
`readout_id` counts the units of the model, from 0 without gaps. All are whole numbers of 0 or above.

Source: the README of the released weights (Wang et al., Nature 640, 470-477, 2025).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool

from neurokit.errors import DataError
from neurokit.files import written

SCAN = ["session", "scan_idx"]
UNIT = [*SCAN, "unit_id"]
SCANS_FILE, UNITS_FILE = "scans.csv", "units.csv"
LARGEST = 2**53  # a float, which a table may hold, knows all whole numbers below it


def scan_key(session: int, scan_idx: int) -> str:
    """The name of a scan in messages, such as 4-7."""
    return f"{session}-{scan_idx}"


def read_table(path: Path, whole: Sequence[str], texts: Sequence[str] = ()) -> pd.DataFrame:
    """A csv with the columns `whole` (made int64), `texts` (kept as text) and any others.

    Raises DataError where the file is missing or no table, lacks a column, or holds no whole number of 0
    or above in one of `whole`.
    """
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=True)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: take all files of the release together.") from None
    except (OSError, ValueError, pd.errors.ParserError) as error:
        finding = f"{path} is no table of comma-separated values ({str(error).splitlines()[0]})"
        raise DataError(f"{finding}: take it from the release again.") from error
    if missing := [name for name in (*whole, *texts) if name not in table]:
        finding = f"{path} has no column {', '.join(missing)}, only {', '.join(map(str, table))}"
        raise DataError(f"{finding}: take it from the release again.")
    return table.assign(**{name: _whole_numbers(path, table[name]) for name in whole})


def read_scans(path: Path) -> pd.DataFrame:
    """Scans: session, scan_idx, units and data_id (text). DataError as `read_table`, or for a doubled one."""
    return _single(path, read_table(path, [*SCAN, "units"], ["data_id"]), SCAN)


def read_units(path: Path, whole: Sequence[str] = ()) -> pd.DataFrame:
    """Units: session, scan_idx, unit_id, `whole`, others. DataError as `read_table`, or for a doubled one."""
    return _single(path, read_table(path, [*UNIT, *whole]), UNIT)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Writes a table as csv, without its index. Raises DiskError."""
    with written(path) as temporary:
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
