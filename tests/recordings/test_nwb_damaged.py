"""NWB files that cannot be read: one sentence each that names the file, the place and what was found."""

import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurokit import recordings
from neurokit.errors import DataError
from neurokit.recordings import nwb
from tests.recordings import sessions

pytest.importorskip("pynwb")
from tests.recordings import write_nwb

DFF = "processing/ophys/DfOverF/DfOverF"
CLOCK = "processing/ophys/Fluorescence/Corrected/timestamps"
REGIONS = "processing/ophys/ImageSegmentation/PlaneSegmentation"


@pytest.fixture(scope="module")
def two_photon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nwb.write_nwb(sessions.two_photon(), tmp_path_factory.mktemp("nwb") / "mouse.nwb")


@pytest.fixture(scope="module")
def neuropixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nwb.write_nwb(sessions.neuropixels(), tmp_path_factory.mktemp("nwb") / "probe.nwb")


def move(file: h5py.File, place: str, values: np.ndarray) -> None:
    """Other values at a place, with the attributes of those before."""
    attributes = dict(file[place].attrs)
    del file[place]
    file[place] = values
    file[place].attrs.update(attributes)


def change(place: str, how):
    return lambda file: move(file, place, how(file[place][()]))


def remove(*places: str):
    def apply(file: h5py.File) -> None:
        for place in places:
            del file[place]

    return apply


def link_elsewhere(file: h5py.File) -> None:
    del file[f"{DFF}/data"]
    file[f"{DFF}/data"] = h5py.ExternalLink("/etc/passwd", "/data")


def link_to_itself(file: h5py.File) -> None:
    del file[CLOCK]
    file[CLOCK] = h5py.SoftLink(f"/{DFF}/timestamps")


def claim_too_much(file: h5py.File) -> None:
    del file[f"{DFF}/data"]
    file[DFF].create_dataset("data", (10**9, 5), "f8", chunks=(10**6, 5), compression="gzip")


def data_from_another_file(file: h5py.File) -> None:
    del file[f"{DFF}/data"]
    file[DFF].create_dataset("data", (600, 5), "f8", external=[("/etc/passwd", 0, 600 * 5 * 8)])


TWO_PHOTON = {
    "no activity": (remove("processing/ophys"), r"no traces of a plane segmentation .* and no units"),
    "another length": (change(CLOCK, lambda time: time[:-1]), r"\(600, 5\), 599 timestamps and 5 regions"),
    "another number of regions": (
        change(f"{DFF}/rois", lambda rows: rows[:4]),
        r"\(600, 5\), .* and 4 regions",
    ),
    "milliseconds": (change(CLOCK, lambda time: time * 1000), "sampled every 33 s; give times in seconds"),
    "hours": (change(CLOCK, lambda time: time / 3600), r"108,\d+ a second; give seconds"),
    "nanoseconds": (change(CLOCK, lambda time: time * 1e9), "give seconds, not milliseconds or samples"),
    "times back": (
        change(CLOCK, lambda time: np.roll(time, 3)),
        "do not ascend: 1.00006 s follows 20.9667 s",
    ),
    "no time is known": (change(CLOCK, lambda time: time * np.nan), "600 of 600 times are not finite"),
    "words for times": (change(CLOCK, lambda time: time.astype("S")), "which cannot be"),
    "doubled ids": (change(f"{REGIONS}/id", lambda ids: ids * 0 + 7), "unit 7 is there 5 times"),
    "regions that are not there": (
        change(f"{DFF}/rois", lambda rows: rows + 3),
        "names rows 3 to 7 of 5 regions",
    ),
    "an empty table of regions": (
        lambda file: (
            move(file, f"{REGIONS}/id", np.zeros(0, int)),
            move(file, f"{DFF}/rois", np.zeros(0, int)),
        ),
        "has 0 regions",
    ),
    "no region is a cell": (
        lambda file: file.__setitem__(f"{REGIONS}/iscell", np.zeros((5, 2))),
        "accepts none of 5 regions",
    ),
    "another file by a link": (link_elsewhere, "leads to another file"),
    "another file by storage": (data_from_another_file, "is not an array of this file"),
    "a link to itself": (link_to_itself, "leads back to itself"),
    "a claim of memory": (claim_too_much, "claims 40000000000 bytes"),
    "no clock at all": (remove(f"{DFF}/timestamps"), "neither timestamps nor a starting time"),
    "a conversion by zero": (
        lambda file: file[f"{DFF}/data"].attrs.update(conversion=0.0),
        "converted by 0 and 0, which cannot be",
    ),
    **{
        f"a conversion by {scale:g}": (
            lambda file, scale=scale: file[f"{DFF}/data"].attrs.update(conversion=scale),
            f"converted by {scale:g} and 0, which cannot be",
        )
        for scale in (-1.0, np.nan, np.inf)
    },
    "only bad stimuli": (
        lambda file: [
            move(file, f"stimulus/presentation/{name}_stimulus/timestamps", np.arange(3.0))
            for name in ("natural_movie_one", "natural_movie_two", "natural_scenes")
        ],
        "72 samples and 3 timestamps",
    ),
}
NEUROPIXELS = {
    "an index that is too long": (
        change("units/spike_times_index", lambda ends: ends + 1),
        "counts 3001 spikes and has 3000 spike times",
    ),
    "an index of other units": (
        change("units/spike_times_index", lambda ends: ends[:-1]),
        "has 6 ids and spikes of 5 units",
    ),
    "noise alone": (
        change("units/quality", lambda words: np.array(["noise"] * len(words), dtype=object)),
        "units of noise alone",
    ),
    "spikes in milliseconds": (change("units/spike_times", lambda time: time * 1e5), "not milliseconds"),
    "doubled units": (change("units/id", lambda ids: ids * 0), "unit 0 is there 6 times"),
    "no spike has a time": (
        change("units/spike_times", lambda time: time * np.nan),
        "no spike that can be used",
    ),
    "trials of unequal length": (
        change("intervals/trials/choice", lambda words: words[:4]),
        "unequal length",
    ),
}


def check(source: Path, path: Path, damage, words: str) -> None:
    shutil.copy(source, path)
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(DataError, match=words) as caught:
        recordings.read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TWO_PHOTON)
def test_bad_two_photon_files_are_named_in_a_sentence(name, two_photon, tmp_path):
    check(two_photon, tmp_path / "bad.nwb", *TWO_PHOTON[name])


@pytest.mark.parametrize("name", NEUROPIXELS)
def test_bad_neuropixels_files_are_named_in_a_sentence(name, neuropixels, tmp_path):
    check(neuropixels, tmp_path / "bad.nwb", *NEUROPIXELS[name])


def test_files_that_are_no_nwb_2_are_told_apart(two_photon, tmp_path):
    original = two_photon.read_bytes()
    cut, text, other, old, three = (
        tmp_path / f"{name}.nwb" for name in ("cut", "text", "other", "old", "three")
    )
    cut.write_bytes(original[: len(original) // 2])
    text.write_text("not HDF5")
    with h5py.File(other, "w") as file:
        file["data"] = np.arange(3)
    with h5py.File(old, "w") as file:
        file["nwb_version"] = "NWB-1.0.6"
    allen = tmp_path / "allen.nwb"
    with h5py.File(allen, "w") as file:
        file.create_group("processing/brain_observatory_pipeline/DfOverF")
    with h5py.File(three, "w") as file:
        file.attrs["nwb_version"] = "3.0.0"
    for path, words in {
        cut: "cut short, damaged or not an HDF5 file",
        text: "cut short, damaged or not an HDF5 file",
        other: "an HDF5 file that names no version of NWB",
        old: "is an NWB 1 file, .*`neurokit v1-transformer` reads",
        allen: "is an NWB 1 file, .*`neurokit v1-transformer` reads",
        three: "is of NWB 3.0.0, and NWB 2 is read",
        tmp_path / "none.nwb": "is missing",
    }.items():
        with pytest.raises(DataError, match=words):
            recordings.read(path)


def test_an_empty_table_of_presentations_or_trials_is_left_out_and_said(neuropixels, tmp_path):
    path = Path(shutil.copy(neuropixels, tmp_path / "empty.nwb"))
    with h5py.File(path, "r+") as file:
        for place in ("intervals/trials", "intervals/natural_scenes_presentations"):
            for name in list(file[place]):
                move(file, f"{place}/{name}", file[f"{place}/{name}"][:0])
    found = recordings.read(path)
    assert found.events is None and [each.name for each in found.stimuli] == ["natural_movie_three"]
    assert any("natural_scenes_presentations has no presentation" in note for note in found.notes)
    assert any("trials has no trial" in note for note in found.notes)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["two_photon", "neuropixels"])
def test_whatever_stands_anywhere_gives_a_recording_or_a_sentence(source, request, tmp_path):
    """Each array in turn: gone, empty, one value, words, numbers, another shape, a group, a link."""
    original = request.getfixturevalue(source)
    places: list[str] = []
    with h5py.File(original) as file:
        file.visititems(lambda name, item: places.append(name) if isinstance(item, h5py.Dataset) else None)
    others = [None, np.zeros(0), 3.5, np.array([b"a", b"b"]), np.arange(-4, 9), np.full((2, 3, 4), np.nan)]
    others += ["group", h5py.ExternalLink("/etc/passwd", "/")]
    places = [place for place in places if not re.search("specifications|image[1-9]|general/subject", place)]
    refused = 0
    for number, place in enumerate(places):
        for other in others[number % 3 :: 3]:
            path = Path(shutil.copy(original, tmp_path / "odd.nwb"))
            with h5py.File(path, "r+") as file:
                attributes = dict(file[place].attrs)
                del file[place]
                if isinstance(other, str):
                    file.create_group(place)
                elif other is not None:
                    file[place] = other
                    if isinstance(file.get(place, getlink=True), h5py.HardLink):
                        file[place].attrs.update(attributes)
            try:
                nwb.read(path)
            except DataError as error:
                refused += 1
                assert re.search(r"\S", str(error)) and "\n" not in str(error)
                assert not re.search(r"Error:", str(error)), (place, other, str(error))
    assert refused > 10
