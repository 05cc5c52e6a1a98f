"""Digital twins that MICrONS released: from a folder of weights to predictions.

    params_core.pt                      every tensor whose name starts with "core.", shared by the scans
    params_{session}_{scan_idx}.pt      all other tensors of one scan: eye, behaviour, readout
    units.csv                           session, scan_idx, unit_id (gaps), readout_id (0 to U - 1)
    scans.csv                           session, scan_idx, units, data_id

A network is the core and one scan's file together (Wang et al., Nature 640, 470-477, 2025; README of the
release). The core has no mark of its release: a core of the same sizes from elsewhere is not noticed. The
folder does not state the network's settings, so you give them, and every tensor is compared with them.
Tensors say nothing about the monitor's pixels, the dropout and the unit model: these cannot be checked.

Letters: U units of a scan.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from neurokit import settings
from neurokit.digital_twin.network.base import Periphery
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.digital_twin.properties import (
    SCAN,
    SCANS_FILE,
    UNIT,
    UNITS_FILE,
    are_whole,
    read_scans,
    read_units,
    require_scan,
    rows_of,
    scan_key,
    write_table,
)
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.digital_twin.weight_files import (
    check_finite,
    check_state,
    join_core,
    read_tensors,
    split_core,
    write_tensors,
)
from neurokit.errors import CheckpointError, DataError
from neurokit.files.archives import extract
from neurokit.files.atomic import restore_folder
from neurokit.files.fetch import fetch
from neurokit.files.locks import hold_lock
from neurokit.files.registry import find
from neurokit.training.checkpoint import Checkpoint

ARCHIVE = "foundational_model_weights_and_metadata_v1.zip"
CORE_FILE = "params_core.pt"
MOST_BYTES = 10**9  # the released archive has 222 MB
GRID = "perspective.retina.grid"  # where retinal pixels look; its values follow from the settings, too
SAME_DIRECTION = 1e-4  # as between two ways of computing the grid in single precision


@dataclass(frozen=True, eq=False)
class Weights:
    """One scan's digital twin.

    Attributes:
        state: core and scan together, tensors by the release's names.
        units: session, scan_idx and unit_id of each unit, by readout_id, U rows.
        session: of the scan.
        scan_idx: of the scan.
    """

    state: dict[str, Tensor]
    units: pd.DataFrame
    session: int
    scan_idx: int


def weights_folder() -> Path:
    """The folder that released weights are downloaded to."""
    return settings.data_folder() / "microns" / "weights"


def fetch_weights(folder: str | Path | None = None) -> Path:
    """The folder of the released weights, which are downloaded, checked and unpacked on the first call.

    By default it lies in the data folder. Raises FetchError where the download fails or is not the published
    archive, CheckpointError where `folder` holds something else, and DiskError.
    """
    downloads = weights_folder().parent
    folder = Path(folder) if folder is not None else weights_folder()
    with hold_lock(folder):  # two notebooks may want the weights at once
        if not folder.exists():
            extract(fetch(ARCHIVE, downloads, most_bytes=MOST_BYTES), folder, MOST_BYTES)
    list_scans(folder)
    return folder


def list_scans(folder: str | Path) -> pd.DataFrame:
    """The scans of a weights folder: session, scan_idx, units, data_id, one at least.

    Raises CheckpointError for a folder that is missing or holds no table, DataError for a damaged or empty
    table.
    """
    path = _find_file(_check_folder(folder), SCANS_FILE)
    scans = read_scans(path)
    if scans.empty:
        raise DataError(f"{path} names no scan: {_remedy()}.")
    return scans


def load_weights(folder: str | Path, session: int, scan_idx: int) -> Weights:
    """The weights of one scan, mapped from their files.

    The files have no mark of their recording: those of two recordings with equally many units cannot be
    distinguished, and swapped names are not noticed.

    Raises CheckpointError for a folder or file that is missing, damaged, holds more than tensors, is not of
    single precision, or has other sizes than core and tables say; DataError for a damaged table or a scan
    it does not name.
    """
    folder = _check_folder(folder)
    scans = list_scans(folder)
    require_scan(folder / SCANS_FILE, scans, session, scan_idx)
    wanted = int(scans.loc[rows_of(scans, session, scan_idx), "units"].iloc[0])
    units = _read_unit_ids(_find_file(folder, UNITS_FILE), session, scan_idx, wanted)
    state = _read_state(folder, session, scan_idx)
    check_state(folder / _scan_file(session, scan_idx), state, len(units))
    return Weights(state, units, session, scan_idx)


def save_weights(
    folder: str | Path,
    state: dict[str, Tensor],
    units: pd.DataFrame,
    session: int,
    scan_idx: int,
    data_id: str = "",
) -> None:
    """Adds one scan to a weights folder, a new one if need be; the same scan is replaced.

    `units` has a unit_id for each readout, in the order of the readout; `data_id` is any text that says how
    the recording was prepared. Raises CheckpointError, with nothing written, where the folder holds
    another core, `state` does not fit `units`, is not finite or not of single precision, or scan and units
    are not named by whole numbers of 0 or above, and DiskError.
    """
    folder = Path(folder)
    path = folder / _scan_file(session, scan_idx)
    core, rest = split_core(state)
    check_state(path, state, len(units))
    check_finite(path, state, "save weights of a fit that has not diverged")
    rows = _unit_rows(path, units, session, scan_idx)
    scan = {"session": session, "scan_idx": scan_idx, "units": len(units), "data_id": data_id}
    with hold_lock(folder):
        _write_core(folder / CORE_FILE, core)
        write_tensors(path, rest)
        _append_rows(folder / UNITS_FILE, rows)
        _append_rows(folder / SCANS_FILE, pd.DataFrame([scan]))  # last: a listed scan is complete


def _check_folder(folder: str | Path) -> Path:
    folder = restore_folder(folder)
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is not a folder: {_remedy()}.")
    return folder


def _remedy() -> str:
    return f"unpack all of {ARCHIVE} into one folder ({find(ARCHIVE).page} has it) and give that"


def _find_file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        inner = [found.parent.name for found in sorted(folder.glob(f"*/{name}"))]
        remedy = f"give its subfolder {inner[0]}" if inner else _remedy()
        raise CheckpointError(f"{path} is missing: {remedy}.")
    return path


def _scan_file(session: int, scan_idx: int) -> str:
    return f"params_{session}_{scan_idx}.pt"


def _read_unit_ids(path: Path, session: int, scan_idx: int, wanted: int) -> pd.DataFrame:
    """The scan's rows of the table, by readout_id; DataError where they are not 0 to `wanted` - 1."""
    table = read_units(path, ["readout_id"])
    units = table[rows_of(table, session, scan_idx)].set_index("readout_id").sort_index()[UNIT]
    key = scan_key(session, scan_idx)
    if len(units) != wanted:
        finding = f"{path} has {len(units)} units of scan {key}, {SCANS_FILE} says {wanted}"
        raise DataError(f"{finding}: take both tables from one release.")
    if not np.array_equal(units.index, np.arange(wanted)):
        finding = f"{path} does not count the readouts of scan {key} from 0 to {wanted - 1}"
        raise DataError(f"{finding}: unpack the release again.")
    return units


def _read_state(folder: Path, session: int, scan_idx: int) -> dict[str, Tensor]:
    core_path, path = (_find_file(folder, name) for name in (CORE_FILE, _scan_file(session, scan_idx)))
    core, scan = read_tensors(core_path, _remedy()), read_tensors(path, _remedy())
    return join_core(core_path, core, path, scan, _remedy())


def _unit_rows(path: Path, units: pd.DataFrame, session: int, scan_idx: int) -> pd.DataFrame:
    if not are_whole(pd.Series([session, scan_idx])).all():
        finding = f"{path} would be of scan {scan_key(session, scan_idx)}"
        raise CheckpointError(f"{finding}: give session and scan_idx as whole numbers of 0 or above.")
    if not len(units) or "unit_id" not in units:
        raise CheckpointError(f"{path} needs a table of units with one unit_id each: add that column.")
    if not (valid := are_whole(units["unit_id"])).all():
        finding = f"{path} would have a unit of unit_id {units['unit_id'][~valid].iloc[0]}"
        raise CheckpointError(f"{finding}: give whole numbers of 0 or above.")
    numbers = pd.to_numeric(units["unit_id"]).to_numpy(dtype=np.int64)
    if len(np.unique(numbers)) < len(numbers):
        raise CheckpointError(f"{path} needs a table of units with one unit_id each: number them apart.")
    table = {"session": session, "scan_idx": scan_idx, "unit_id": numbers}
    return pd.DataFrame({**table, "readout_id": np.arange(len(units))})


def _write_core(path: Path, core: dict[str, Tensor]) -> None:
    if not path.exists():
        write_tensors(path, core)
        return
    stored = read_tensors(path, "choose another folder")
    same = stored.keys() == core.keys() and all(_is_equal(stored[name], core[name]) for name in stored)
    if not same:
        raise CheckpointError(f"{path} is another core than the one to save: choose another folder.")


def _is_equal(stored: Tensor, new: Tensor) -> bool:
    return stored.dtype == new.dtype and torch.equal(stored, new.detach().cpu())


def _append_rows(path: Path, rows: pd.DataFrame) -> None:
    """Appends `rows` of one scan to those of the others."""
    if path.exists():
        stored = read_scans(path) if path.name == SCANS_FILE else read_units(path, ["readout_id"])
        session, scan_idx = (int(rows[name].iloc[0]) for name in SCAN)
        rows = pd.concat([stored[~rows_of(stored, session, scan_idx)], rows], ignore_index=True)
    write_table(path, rows)


def load_released(
    folder: str | Path,
    session: int,
    scan_idx: int,
    *,
    settings: FoundationSettings = FoundationSettings(),  # noqa: B008  frozen
    device: str = "auto",
    periphery: Periphery = "dark",
) -> DigitalTwin:
    """The twin of one scan; its `units` are session, scan_idx and unit_id of each, by readout_id.

    The default settings are those of the release. Raises what `load_weights` does, CheckpointError for
    weights of a network of other settings, and SettingsError for a device that is not there.
    """
    weights = load_weights(folder, session, scan_idx)
    network = build_network(len(weights.units), settings)
    _check_network(folder, weights, network)
    network.load_state_dict(weights.state)
    return DigitalTwin(network.eval(), weights.units, device=device, periphery=periphery)


def open_released(folder: str | Path, session: str | None = None) -> Checkpoint:
    """The network of one scan, named as in its file ('8_5'; default: the first), as a checkpoint on the CPU.

    Raises what `load_released` does, and DataError for a scan that the folder does not have.
    """
    scans = {f"{row.session}_{row.scan_idx}": row for row in list_scans(folder).itertuples()}
    name = next(iter(scans)) if session is None else session
    if name not in scans:
        raise DataError(f"{folder} has no scan {name!r}; choose one of {', '.join(scans)}.")
    twin = load_released(folder, int(scans[name].session), int(scans[name].scan_idx), device="cpu")
    units = {} if twin.units is None else twin.units.to_dict("list")
    facts = {"system": "digital-twin", "session": name, "units": units}
    return Checkpoint(Path(folder) / f"params_{name}.pt", twin.network, facts, {})


def _check_network(folder: str | Path, weights: Weights, network: FoundationNetwork) -> None:
    """The same names, sizes and kinds of number, and a retina that spans as many degrees."""
    expected = network.state_dict()
    for name in expected | weights.state:
        found, wanted = (
            f"of {tuple(state[name].shape)}" if name in state else "none"
            for state in (weights.state, expected)
        )
        if found != wanted:
            finding = f"{folder} has {name} {found}, and a network of these settings {wanted}"
            raise CheckpointError(f"{finding}: give the settings that it was trained with.")
        if weights.state[name].dtype != expected[name].dtype:
            finding = f"{folder} has {name} as {weights.state[name].dtype}, not {expected[name].dtype}"
            raise CheckpointError(f"{finding}: save the weights that were trained, without converting them.")
    if not torch.allclose(weights.state[GRID], expected[GRID], atol=SAME_DIRECTION):
        degrees = network.settings.retina_degrees
        finding = f"{folder} has a retina that does not span {degrees} degrees to each side"
        raise CheckpointError(f"{finding}: give the retina_degrees that it was trained with.")
