"""Released weights: written and read as the release lays them out; mixed or damaged folders are refused."""

import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from neurokit.digital_twin import released as microns_weights
from neurokit.digital_twin.released import (
    ARCHIVE,
    CORE_FILE,
    fetch_weights,
    list_scans,
    load_weights,
    save_weights,
)
from neurokit.errors import CheckpointError, DataError, FetchError, NeurokitError
from neurokit.files.fetch import fetch
from neurokit.files.registry import find

State = dict[str, Tensor]
STREAMS, CHANNELS, MODULATION = 2, 5, 3


def core(seed: int = 0, streams: int = STREAMS) -> State:
    generator = torch.Generator().manual_seed(seed)
    state = {"core.recurrent.proj_x.0.mask": torch.tensor([[True, False]])}
    for stream in range(streams):
        state[f"core.recurrent.out.weights.{stream}"] = torch.randn(CHANNELS, 8, 1, 1, 1, generator=generator)
        state[f"core.recurrent.proj_x.2.weights.{stream}"] = torch.randn(
            8, MODULATION, 1, 1, 1, generator=generator
        )
    return state


def scan(units: int, seed: int = 1, streams: int = STREAMS, channels: int = CHANNELS) -> State:
    generator = torch.Generator().manual_seed(seed)
    state = {
        "perspective.monitor.center": torch.randn(3, generator=generator),
        "perspective.monitor_pixel.power": torch.tensor(1.7),
        "readout.position.mu": torch.randn(units, 2, generator=generator),
        "readout.position.sigma": torch.randn(units, 2, 2, generator=generator),
    }
    for stream in range(streams):
        state[f"modulation.lstm.proj_o.biases.{stream}"] = torch.randn(1, MODULATION, generator=generator)
        state[f"readout.feature.weights.{stream}"] = torch.randn(units, 1, channels, generator=generator)
        state[f"readout.biases.{stream}"] = torch.randn(units, 1, generator=generator)
    return state


def table(units: int) -> pd.DataFrame:
    return pd.DataFrame({"unit_id": [1 + 2 * unit for unit in range(units)]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scans, of 4 and 6 units, with one core."""
    folder = tmp_path / "weights"
    save_weights(folder, core() | scan(4), table(4), 4, 7, data_id="00e1")
    save_weights(folder, core() | scan(6, seed=2), table(6), 5, 6)
    return folder


def rewritten(folder: Path, name: str, change: Callable[[State], object]) -> None:
    state = torch.load(folder / name, weights_only=True)
    change(state)
    torch.save(state, folder / name)


def test_a_scan_comes_back_as_it_was_saved(folder: Path) -> None:
    for key, wanted in (((4, 7), scan(4)), ((5, 6), scan(6, seed=2))):
        found = load_weights(folder, *key)
        assert found.state.keys() == (core() | wanted).keys()
        assert all(torch.equal(found.state[name], tensor) for name, tensor in (core() | wanted).items())
        assert (found.session, found.scan_idx) == key
        assert found.units.index.name == "readout_id"
        assert list(found.units["unit_id"]) == [1 + 2 * unit for unit in range(len(found.units))]
        assert set(found.units["session"]) == {key[0]}


def test_the_files_are_those_of_the_release(folder: Path) -> None:
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert names == {"params_core.pt", "params_4_7.pt", "params_5_6.pt", "units.csv", "scans.csv"}
    assert torch.load(folder / CORE_FILE, weights_only=True).keys() == core().keys()
    assert torch.load(folder / "params_5_6.pt", weights_only=True).keys() == scan(6).keys()
    assert (folder / "units.csv").read_text().splitlines()[:3] == [
        "session,scan_idx,unit_id,readout_id",
        "4,7,1,0",
        "4,7,3,1",
    ]
    assert (folder / "scans.csv").read_text() == "session,scan_idx,units,data_id\n4,7,4,00e1\n5,6,6,\n"


def test_a_name_with_zeros_and_an_e_stays_text(folder: Path) -> None:
    assert list_scans(folder)["data_id"].iloc[0] == "00e1"
    save_weights(folder, core() | scan(6), table(6), 5, 6)
    assert "4,7,4,00e1" in (folder / "scans.csv").read_text()


def test_a_scan_saved_again_is_replaced_and_the_others_stay(folder: Path) -> None:
    before = (folder / "params_5_6.pt").read_bytes()
    save_weights(folder, core() | scan(3, seed=9), table(3), 4, 7)
    found = load_weights(folder, 4, 7)
    assert len(found.units) == 3
    assert torch.equal(found.state["readout.position.mu"], scan(3, seed=9)["readout.position.mu"])
    assert (folder / "params_5_6.pt").read_bytes() == before
    assert len(load_weights(folder, 5, 6).units) == 6


def test_units_come_in_the_order_of_the_readout(folder: Path) -> None:
    rows = pd.read_csv(folder / "units.csv")
    rows.sample(frac=1, random_state=3).to_csv(folder / "units.csv", index=False)
    assert list(load_weights(folder, 5, 6).units["unit_id"]) == [1, 3, 5, 7, 9, 11]


def test_weights_loaded_outlive_their_file(folder: Path) -> None:
    """They are mapped, and a scan saved anew must not change a network that is in use."""
    found = load_weights(folder, 4, 7)
    save_weights(folder, core() | scan(4, seed=9), table(4), 4, 7)
    assert torch.equal(found.state["readout.position.mu"], scan(4)["readout.position.mu"])


def test_a_view_saves_only_what_it_shows(tmp_path: Path) -> None:
    large = torch.zeros(100_000, 2)
    state = core() | scan(4) | {"readout.position.mu": large[:4]}
    save_weights(tmp_path / "w", state, table(4), 4, 7)
    assert (tmp_path / "w" / "params_4_7.pt").stat().st_size < 50_000


def test_another_core_is_not_mixed_in(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError, match=r"params_core\.pt is another core than the one to save"):
        save_weights(folder, core(seed=5) | scan(4), table(4), 6, 2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_core_of_another_precision_is_another_core(folder: Path) -> None:
    state = torch.load(folder / CORE_FILE, weights_only=True)
    torch.save({name: tensor.double() for name, tensor in state.items()}, folder / CORE_FILE)
    with pytest.raises(CheckpointError, match="another core than the one to save"):
        save_weights(folder, core() | scan(4), table(4), 6, 2)


def test_units_without_a_number_each_are_refused(tmp_path: Path) -> None:
    for units in (pd.DataFrame({"unit": [1, 2, 3, 4]}), pd.DataFrame({"unit_id": [1, 2, 2, 3]})):
        with pytest.raises(CheckpointError, match="needs a table of units with one unit_id each"):
            save_weights(tmp_path / "w", core() | scan(4), units, 4, 7)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("units", "key", "message"),
    [
        ([1, 2, 3, float("nan")], (4, 7), "unit of unit_id nan: give whole numbers"),
        (["1", "2", "3", "four"], (4, 7), "unit of unit_id four: give whole numbers"),
        ([1.0, 2.0, 3.0, 3.5], (4, 7), r"unit of unit_id .*3\.5"),
        ([1, 2, 3, -4], (4, 7), "unit of unit_id .*-4"),
        ([1.0, 2.0, 3.0, 1e19], (4, 7), "unit of unit_id .*1e.19"),
        (["1", 1, 2, 3], (4, 7), "number them apart"),
        ([1, 2, 3, 4], (-4, 7), "of scan -4-7: give session and scan_idx as whole numbers"),
        ([1, 2, 3, 4], (4, -7), "of scan 4--7: give"),
    ],
)
def test_names_that_could_not_be_read_again_are_refused(
    folder: Path, units: list, key: tuple[int, int], message: str
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError, match=message) as raised:
        save_weights(folder, core() | scan(4), pd.DataFrame({"unit_id": units}), *key)
    assert "\n" not in str(raised.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_whole_numbers_of_any_kind_name_units(folder: Path) -> None:
    for units in ([9.0, 8.0, 7.0, 6.0], ["9", "8", "7", "6"], pd.array([9, 8, 7, 6], dtype="Int64")):
        save_weights(folder, core() | scan(4), pd.DataFrame({"unit_id": units}), 8, 1)
        assert load_weights(folder, 8, 1).units["unit_id"].tolist() == [9, 8, 7, 6]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64, torch.int32])
@pytest.mark.parametrize("name", ["core.recurrent.out.weights.0", "readout.position.mu"])
def test_only_single_precision_is_kept_and_read(folder: Path, name: str, kind: torch.dtype) -> None:
    state = core() | scan(4)
    state[name] = state[name].to(kind)
    with pytest.raises(CheckpointError, match=rf"{name} as {kind}, and a twin needs torch\.float32"):
        save_weights(folder, state, table(4), 8, 1)
    assert not (folder / "params_8_1.pt").exists()
    load_weights(folder, 4, 7)
    file = CORE_FILE if name.startswith("core") else "params_4_7.pt"
    rewritten(folder, file, lambda kept: kept.update({name: state[name]}))
    with pytest.raises(CheckpointError, match=rf"{name} as {kind}, and a twin"):
        load_weights(folder, 4, 7)


def test_a_table_without_scans_is_one_sentence(folder: Path) -> None:
    (folder / "scans.csv").write_text("session,scan_idx,units,data_id\n")
    for read in (list_scans, lambda path: load_weights(path, 4, 7)):
        with pytest.raises(DataError, match=r"scans\.csv names no scan: unpack all of"):
            read(folder)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (core() | scan(5), r"params_4_7\.pt has readout\.position\.mu \(5, 2\).*need \(4, 2\)"),
        (core() | scan(4, channels=6), r"readout\.feature\.weights\.0 \(4, 1, 6\).*\(4, 1, 5\)"),
        (core() | scan(4, streams=1), r"readout\.feature\.weights\.1 missing"),
        (core() | scan(4, streams=3), "has more streams than the 2 of its core"),
        (scan(4), r"its core has no core\.recurrent\.out\.weights"),
        (core(), r"readout\.position\.mu missing"),
        (core() | scan(4) | {"extra": torch.tensor(torch.nan)}, "values in extra that are not finite: save"),
    ],
    ids=["units", "channels", "streams", "more streams", "no core", "no scan", "NaN"],
)
def test_a_state_that_does_not_fit_is_not_saved(state: State, message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=message):
        save_weights(tmp_path / "w", state, table(4), 4, 7)
    assert not (tmp_path / "w").exists()


# --- a folder that cannot be read


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def copied(source: str, target: str) -> Callable[[Path], object]:
    return lambda folder: shutil.copy(folder / source, folder / target)


def edited(name: str, old: str, new: str) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edit


def tensors(name: str, change: Callable[[State], object]) -> Callable[[Path], object]:
    return lambda folder: rewritten(folder, name, change)


def truncated(name: str, share: float) -> Callable[[Path], object]:
    def cut(folder: Path) -> None:
        raw = (folder / name).read_bytes()
        (folder / name).write_bytes(raw[: int(share * len(raw))])

    return cut


class Harmful:
    """A pickle that would make a file."""

    def __reduce__(self) -> tuple:
        return open, ("harm", "w")


def harmful(folder: Path) -> None:
    torch.save({"core.x": Harmful()}, folder / CORE_FILE)


def harmful_old(folder: Path) -> None:
    (folder / CORE_FILE).write_bytes(pickle.dumps(Harmful()))


MU = "readout.position.mu"
OUT = "core.recurrent.out.weights.0"
BAD = {
    "no scans": (without("scans.csv"), r"scans\.csv is missing: unpack all of .*github\.com/cajal/fnn"),
    "no units": (without("units.csv"), r"units\.csv is missing: unpack all of"),
    "no core": (without(CORE_FILE), r"params_core\.pt is missing: unpack all of"),
    "no scan file": (without("params_4_7.pt"), r"params_4_7\.pt is missing: unpack all of"),
    "another scan's file": (
        copied("params_5_6.pt", "params_4_7.pt"),
        r"params_4_7\.pt has readout\.position\.mu \(6, 2\)",
    ),
    "core for scan": (copied(CORE_FILE, "params_4_7.pt"), r"both hold core\.recurrent"),
    "scan for core": (
        copied("params_4_7.pt", CORE_FILE),
        r"params_core\.pt and .*params_4_7\.pt both hold modulation",
    ),
    "other core keys in the scan": (
        tensors("params_4_7.pt", lambda state: state.update({"core.new": torch.zeros(1)})),
        r"params_4_7\.pt holds core\.new \(1 of 11 tensors\)",
    ),
    "other keys in the core": (
        tensors(CORE_FILE, lambda state: state.update(extra=torch.zeros(1))),
        r"params_core\.pt holds extra",
    ),
    "core of another size": (
        tensors(CORE_FILE, lambda state: state.update({OUT: torch.zeros(7, 8, 1, 1, 1)})),
        r"readout\.feature\.weights\.0 \(4, 1, 5\), .* need \(4, 1, 7\)",
    ),
    "core of fewer streams": (
        tensors(CORE_FILE, lambda state: state.pop("core.recurrent.out.weights.1")),
        "more streams than the 1",
    ),
    "core without its output": (
        tensors(CORE_FILE, lambda state: [state.pop(f"core.recurrent.out.weights.{s}") for s in (0, 1)]),
        "its core has no",
    ),
    "core with a scalar output": (
        tensors(CORE_FILE, lambda state: state.update({OUT: torch.tensor(1.0)})),
        "its core has no",
    ),
    "other behaviour": (
        tensors("params_4_7.pt", lambda s: s.update({"modulation.lstm.proj_o.biases.0": torch.zeros(1, 4)})),
        r"proj_o\.biases\.0 \(1, 4\)",
    ),
    "NaN": (
        tensors("params_4_7.pt", lambda state: state[MU][0].fill_(torch.nan)),
        r"params_4_7\.pt has values in readout\.position\.mu that are not finite",
    ),
    "NaN in the core": (
        tensors(CORE_FILE, lambda state: state[OUT][0].fill_(torch.inf)),
        r"params_core\.pt has values in core\.recurrent\.out\.weights\.0 that are not finite",
    ),
    "a claim": (
        tensors("params_4_7.pt", lambda state: state.update({MU: torch.zeros(1).expand(4, 2)})),
        r"params_4_7\.pt is not a table of named tensors",
    ),
    "a number": (
        tensors("params_4_7.pt", lambda state: state.update({MU: 3})),
        r"params_4_7\.pt is not a table of named tensors",
    ),
    "a list": (lambda f: torch.save([1], f / "params_4_7.pt"), r"params_4_7\.pt is not a table of named"),
    "an empty table": (lambda f: torch.save({}, f / "params_4_7.pt"), r"params_4_7\.pt is not a table"),
    "cut": (truncated("params_4_7.pt", 0.9), r"params_4_7\.pt is damaged"),
    "cut early": (truncated("params_4_7.pt", 0.1), r"params_4_7\.pt is damaged"),
    "empty": (truncated("params_4_7.pt", 0), r"params_4_7\.pt is damaged"),
    "code": (harmful, r"params_core\.pt is damaged or holds more than tensors"),
    "code, old format": (harmful_old, r"params_core\.pt is damaged or holds more than tensors"),
    "units too few": (edited("units.csv", "4,7,7,3\n", ""), "has 3 units of scan 4-7, .* says 4"),
    "units elsewhere": (edited("scans.csv", "4,7,4", "4,7,5"), "has 4 units of scan 4-7, .* says 5"),
    "readouts to 4": (edited("units.csv", "4,7,1,0\n", "4,7,1,4\n"), "from 0 to 3"),
    "a doubled readout": (edited("units.csv", "4,7,1,0\n", "4,7,1,1\n"), "from 0 to 3"),
    "a doubled unit": (
        edited("units.csv", "4,7,1,0\n", "4,7,3,0\n"),
        "session 4, scan_idx 7, unit_id 3 twice",
    ),
    "a doubled scan": (edited("scans.csv", "5,6,6", "4,7,6"), "session 4, scan_idx 7 twice"),
    "a column": (edited("units.csv", "readout_id", "readout"), r"units\.csv has no column readout_id"),
    "a word": (edited("units.csv", "4,7,1,0\n", "4,7,one,0\n"), r"'one' in row 0 of unit_id"),
    "a fraction": (edited("units.csv", "4,7,1,0\n", "4,7,1.5,0\n"), r"'1\.5' in row 0 of unit_id"),
    "a hole": (edited("units.csv", "4,7,1,0\n", "4,7,,0\n"), "'nan' in row 0 of unit_id"),
    "no text": (lambda f: (f / "scans.csv").write_bytes(bytes(range(256))), r"scans\.csv is not a table"),
    "an empty csv": (lambda f: (f / "scans.csv").write_text(""), r"scans\.csv is not a table"),
}


@pytest.mark.parametrize(("damage", "message"), BAD.values(), ids=BAD)
def test_a_folder_that_cannot_be_read_is_one_sentence(
    damage: Callable[[Path], object],
    message: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    load_weights(folder, 4, 7)
    damage(folder)
    with pytest.raises(NeurokitError, match=message) as raised:
        load_weights(folder, 4, 7)
    assert isinstance(raised.value, CheckpointError | DataError)
    assert "\n" not in str(raised.value) and str(raised.value).endswith(".")
    assert not (tmp_path / "harm").exists()


def test_the_control_of_the_harmful_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened without care, it would make the file."""
    monkeypatch.chdir(tmp_path)
    harmful(tmp_path)
    torch.load(tmp_path / CORE_FILE, weights_only=False)
    assert (tmp_path / "harm").exists()


def test_a_scan_that_is_not_there_names_those_that_are(folder: Path) -> None:
    with pytest.raises(DataError, match=r"scans\.csv has no scan 4-8: choose one of 4-7, 5-6\."):
        load_weights(folder, 4, 8)


def test_a_folder_one_level_too_high_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="give its subfolder weights"):
        load_weights(tmp_path, 4, 7)
    with pytest.raises(CheckpointError, match=r"nowhere is not a folder: unpack all of"):
        list_scans(tmp_path / "nowhere")


def test_the_old_format_of_torch_is_read_too(folder: Path) -> None:
    state = torch.load(folder / CORE_FILE, weights_only=True)
    torch.save(state, folder / CORE_FILE, _use_new_zipfile_serialization=False)
    found = load_weights(folder, 4, 7)
    assert torch.equal(found.state["core.recurrent.out.weights.0"], core()["core.recurrent.out.weights.0"])


# --- the archive


@pytest.fixture
def archive(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """An archive of the two scans in place of a download; what was asked for."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    made = tmp_path / "archive.zip"
    with zipfile.ZipFile(made, "w") as stream:
        for path in folder.glob("[!.]*"):
            stream.write(path, path.name)
    asked: list[tuple[str, Path]] = []

    def fetched(name: str, into: Path, **options: int) -> Path:
        asked.append((name, into))
        return made

    monkeypatch.setattr(microns_weights, "fetch", fetched)
    return asked


def test_the_archive_is_unpacked_once(archive: list[tuple[str, Path]], tmp_path: Path) -> None:
    for _ in range(2):
        found = fetch_weights()
    assert archive == [(ARCHIVE, tmp_path / "data" / "microns")]
    assert len(load_weights(found, 5, 6).units) == 6


def test_another_archive_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was put there by hand; nothing can be downloaded."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    known = replace(find(ARCHIVE), urls=())
    monkeypatch.setattr(microns_weights, "fetch", lambda name, into, **options: fetch(known, into, **options))
    (tmp_path / "data" / "microns").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "data" / "microns" / ARCHIVE, "w") as stream:
        stream.writestr("scans.csv", "another release")
    with pytest.raises(FetchError, match="has no direct address: download it by hand"):
        fetch_weights(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_of_something_else_is_left_alone(archive: list[tuple[str, Path]], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"scans\.csv is missing: unpack all of"):
        fetch_weights(tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"
    assert archive == []


def test_the_archive_is_registered_with_an_address() -> None:
    entry = find(ARCHIVE)
    assert [url.rsplit("/", 1)[1] for url in entry.urls] == [ARCHIVE]
