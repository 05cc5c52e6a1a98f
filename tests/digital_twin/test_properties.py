"""Tables of the twin: joined by unit whatever their order, mapped where large, refused where mixed."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurokit.digital_twin import properties as microns_properties
from neurokit.digital_twin.properties import (
    KINDS,
    LOCATIONS,
    TABLES,
    UNIT,
    are_whole,
    fetch_properties,
    load_properties,
    write_properties,
)
from neurokit.errors import DataError
from neurokit.files.registry import Entry

IDS = [(4, 7, 1), (4, 7, 3), (5, 6, 1), (5, 6, 2), (5, 6, 9)]
FRAMES, HEIGHT, WIDTH, WEIGHTS = 12, 4, 6, 8


def properties() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = [name for columns in TABLES.values() for name in columns] + list(LOCATIONS)
    table = pd.DataFrame(rng.uniform(0, 1, (5, len(names))), columns=names)
    table.loc[2, ["cc_max", "cc_norm"]] = np.nan
    table["brain_area"], table["field"] = ["V1", "LM", "V1", "RL", "AL"], [1, 1, 2, 3, 3]
    return table.set_index(pd.MultiIndex.from_tuples(IDS, names=UNIT))


def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return (
        rng.normal(size=(5, WEIGHTS)).astype(np.float32),
        rng.gamma(1, size=(5, FRAMES)).astype(np.float32),
        rng.integers(0, 256, (FRAMES, HEIGHT, WIDTH), dtype=np.uint8),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_properties(tmp_path / "properties", properties(), *arrays(), sampling_frequency=30.0)


def test_all_tables_stand_side_by_side(folder: Path) -> None:
    found, wanted = load_properties(folder), properties()
    assert list(found.index) == IDS and list(found.index.names) == UNIT
    assert set(found) == set(wanted)
    pd.testing.assert_frame_equal(found[list(wanted)], wanted, check_exact=False, rtol=1e-12)


@pytest.mark.parametrize("kind", TABLES)
def test_one_table_has_its_own_columns(folder: Path, kind: str) -> None:
    extra = ["brain_area", "field"] if kind == "anatomy" else []
    assert list(load_properties(folder, kind)) == [*TABLES[kind], *extra]


def test_the_files_are_the_described_ones(folder: Path) -> None:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    tables = {f"{kind}/{name}" for kind in KINDS for name in ("units.csv", "metadata.csv")}
    assert found == tables | {
        "readout/readout_weights.npy",
        "readout/readout_locations.npy",
        "responses/responses.npy",
        "responses/stimulus.npy",
    }
    assert (
        (folder / "performance/units.csv")
        .read_text()
        .startswith("session,scan_idx,unit_id,cc_abs,cc_max,cc_norm\n4,7,1,")
    )


def test_rows_are_joined_by_unit_not_by_place(folder: Path) -> None:
    path = folder / "performance" / "units.csv"
    pd.read_csv(path).iloc[::-1].to_csv(path, index=False)
    found = load_properties(folder, "anatomy", "performance")
    assert list(found.index) == IDS
    np.testing.assert_allclose(found["cc_abs"], properties()["cc_abs"])


# --- what cannot be read


def csv(kind: str, change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "units.csv") -> Callable:
    def edit(folder: Path) -> None:
        path = folder / kind / name
        change(pd.read_csv(path)).to_csv(path, index=False)

    return edit


def npy(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable:
    def edit(folder: Path) -> None:
        np.save(folder / name, change(np.load(folder / name)))

    return edit


def cut(name: str) -> Callable:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-20])


LOCATION = "readout/readout_locations.npy"
BAD = {
    "no folder": (
        lambda f: [p.unlink() for p in (f / "anatomy").iterdir()],
        r"anatomy/units\.csv is missing",
    ),
    "a unit less": (
        csv("anatomy", lambda table: table[:-1]),
        r"anatomy/units\.csv and that of performance differ in session 5, scan_idx 6, unit_id 9",
    ),
    "another unit": (
        csv("ori_dir_tuning", lambda table: table.assign(unit_id=[1, 3, 1, 2, 8])),
        "differ in session 5, scan_idx 6, unit_id [89]",
    ),
    "a unit twice": (csv("performance", lambda t: t.assign(unit_id=[1, 1, 1, 2, 9])), "unit_id 1 twice"),
    "no column": (csv("performance", lambda t: t.drop(columns="cc_abs")), "has no column cc_abs"),
    "no area": (csv("anatomy", lambda t: t.drop(columns="brain_area")), "has no column brain_area"),
    "no field": (csv("anatomy", lambda t: t.drop(columns="field")), "has no column field"),
    "no session": (csv("performance", lambda t: t.drop(columns="session")), "has no column session"),
    "words": (csv("performance", lambda t: t.assign(cc_abs="high")), "values in cc_abs that are not finite"),
    "endless": (
        csv("performance", lambda t: t.assign(cc_abs=math.inf)),
        "values in cc_abs that are not finite",
    ),
    "fewer locations": (npy(LOCATION, lambda v: v[:4]), r"the shape \(4, 2\) instead of \(5, 2\)"),
    "wide locations": (npy(LOCATION, lambda v: np.ones((5, 3))), r"\(5, 3\) instead of \(5, 2\)"),
    "endless locations": (npy(LOCATION, lambda v: v * np.inf), r"readout_locations\.npy is not finite"),
    "pickled locations": (
        lambda f: np.save(f / LOCATION, np.array([None], object), allow_pickle=True),
        r"readout_locations\.npy is cut short or not an npy file",
    ),
    "cut locations": (cut(LOCATION), r"readout_locations\.npy is cut short"),
    "empty locations": (lambda f: (f / LOCATION).write_bytes(b""), r"readout_locations\.npy is cut short"),
    "whole locations": (npy(LOCATION, lambda v: v.astype(int)), "does not hold the numbers it should"),
}


@pytest.mark.parametrize(("damage", "message"), BAD.values(), ids=BAD)
def test_tables_that_cannot_be_read_are_one_sentence(
    damage: Callable[[Path], object], message: str, folder: Path
) -> None:
    load_properties(folder)
    damage(folder)
    with pytest.raises(DataError, match=message) as raised:
        load_properties(folder)
    assert "\n" not in str(raised.value) and str(raised.value).endswith(".")


def test_unknown_kinds(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"'tuning' is not a kind of property: choose of performance, ori_dir"
    ):
        load_properties(folder, "tuning")
    with pytest.raises(DataError, match="'responses' is not a table: map its arrays with numpy"):
        load_properties(folder, "responses")


# --- fetching


def test_each_file_is_fetched_under_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def fetched(entry: Entry, folder: Path) -> Path:
        asked.append((folder.name, entry.name, "/".join(entry.urls[0].split("/")[-2:])))
        return folder / entry.name

    monkeypatch.setattr(microns_properties, "fetch", fetched)
    assert fetch_properties(tmp_path) == tmp_path
    assert all(url == f"{kind}/{name}" for kind, name, url in asked)
    names = {f"{kind}/{name}" for kind, name, _ in asked}
    assert {"readout/readout_weights.npy", "anatomy/units.csv", "performance/metadata.csv"} < names
    assert not any(name.startswith("responses") for name in names)
    asked.clear()
    fetch_properties(tmp_path, ["responses"])
    assert {name for _, name, _ in asked} == {"responses.npy", "stimulus.npy", "units.csv", "metadata.csv"}
    with pytest.raises(DataError, match="'rf' is not a kind of property"):
        fetch_properties(tmp_path, ["rf"])


def test_a_number_of_hundreds_of_digits_is_no_unit() -> None:
    assert list(are_whole(pd.Series([1, int("9" * 400)], dtype=object))) == [True, False]
