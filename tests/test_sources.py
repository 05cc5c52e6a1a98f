"""The Steinmetz readers: two layouts of one session, Neuromatch files and cut-outs, and the sources."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neurokit.cli import main
from neurokit.errors import DataError, SettingsError
from neurokit.files.pickles import load_object_array
from neurokit.pupil_encoder import sources as steinmetz
from neurokit.pupil_encoder.alf import read_alf
from neurokit.pupil_encoder.features import default_regions
from neurokit.pupil_encoder.neuromatch import read_cutout, read_sessions
from neurokit.pupil_encoder.recording import TRIAL_COLUMNS, TrialRecording, trial_table
from neurokit.pupil_encoder.simulated_files import write_alf, write_neuromatch, write_truth
from neurokit.pupil_encoder.simulation import RegionTruth, SessionParameters, simulate_session

REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=0.1, gain=0.3, time_constant=0.05, neurons=4),
    RegionTruth(name="CA1", channel="licks", lag=0.0, gain=0.1, time_constant=0.1, neurons=3),
)
SMALL = SessionParameters(trials=8, seed=2, regions=REGIONS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small simulated session in both layouts, with its truth beside it."""
    made = tmp_path_factory.mktemp("session")
    session = simulate_session(SMALL)
    write_neuromatch([session], made)
    write_alf(session, made)
    write_truth(session, made / "truth.npz")
    return made


@pytest.fixture(scope="module")
def neuromatch(folder: Path) -> TrialRecording:
    return read_sessions(folder / "steinmetz_part0.npz")[0]


# --- two layouts, one session


def test_neuromatch_and_alf_hold_the_same_trials(folder: Path, neuromatch: TrialRecording) -> None:
    alf = read_alf(folder / "Simulated_2026-01-01").recording()
    assert alf.name == neuromatch.name == "Simulated_2026-01-01"
    included = neuromatch.spikes.any(axis=(1, 2))  # the ALF conversion drops silent clusters
    np.testing.assert_array_equal(alf.spikes, neuromatch.spikes[included])
    np.testing.assert_array_equal(alf.brain_area, neuromatch.brain_area[included])
    np.testing.assert_allclose(alf.time, neuromatch.time)
    shared = set(alf.behaviour) & set(neuromatch.behaviour)
    assert shared == {"pupil_area", "pupil_x", "pupil_y", "face_motion", "wheel", "licks"}
    for channel in shared:
        np.testing.assert_allclose(
            alf.behaviour[channel], neuromatch.behaviour[channel], atol=1e-5, err_msg=channel
        )
    columns = [column for column in TRIAL_COLUMNS if column != "stimulus_time"]
    pd.testing.assert_frame_equal(alf.trials[columns], neuromatch.trials[columns], atol=1e-9)


def test_the_readers_never_need_the_truth(
    folder: Path,
    neuromatch: TrialRecording,
    tmp_path: Path,
) -> None:
    aside = tmp_path / "truth.npz"
    (folder / "truth.npz").rename(aside)
    try:
        [read] = read_sessions(*folder.glob("*.npz"))
        np.testing.assert_array_equal(read.spikes, neuromatch.spikes)
        assert read_alf(folder / "Simulated_2026-01-01").missing == ("wheelMoves.intervals.npy",)
    finally:
        aside.rename(folder / "truth.npz")


def test_the_neuromatch_file_tells_nothing_of_the_truth(folder: Path) -> None:
    session = load_object_array(folder / "steinmetz_part0.npz", "dat", 2**30)[0]
    words = ("truth", "rate", "drive", "gain", "lag")
    assert not {key for key in session if any(word in key for word in words)}


def test_several_sessions_come_back_in_order(tmp_path: Path) -> None:
    mice = [SessionParameters(mouse=f"M{n}", trials=6, seed=n, regions=REGIONS) for n in range(4)]
    files = write_neuromatch([simulate_session(mouse) for mouse in mice], tmp_path)
    assert [file.name for file in files] == [f"steinmetz_part{part}.npz" for part in range(3)]
    assert [session.name[:2] for session in read_sessions(*files)] == ["M0", "M1", "M2", "M3"]


# --- Neuromatch files that are not right


def session_of(**changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    session = {
        "spks": random.poisson(0.2, (3, 4, 50)).astype(np.int8),
        "brain_area": np.array(["A", "A", "B"]),
        "pupil": random.normal(size=(3, 4, 50)),
        "wheel": random.normal(size=(1, 4, 50)),
        "response_time": random.random((4, 1)),
        "contrast_left": random.random(4),
        "mouse_name": "Toy",
        "date_exp": "2017-01-01",
    } | changes
    return {key: value for key, value in session.items() if value is not None}


def save_part(path: Path, *sessions: Any) -> Path:
    dat = np.empty(len(sessions), dtype=object)
    dat[:] = sessions
    np.savez(path, dat=dat)
    return path


NO_NEURONS = {"spks": np.ones((0, 4, 50), np.int8), "brain_area": np.zeros(0, str)}
NO_TRIALS = {
    "spks": np.ones((3, 0, 50), np.int8),
    "pupil": np.ones((3, 0, 50)),
    "wheel": np.ones((1, 0, 50)),
    "response_time": np.ones((0, 1)),
    "contrast_left": np.ones(0),
}


def test_the_toy_session_itself_is_fine(tmp_path: Path) -> None:
    [read] = read_sessions(save_part(tmp_path / "part.npz", session_of()))
    assert read.name == "Toy_2017-01-01"
    assert set(read.behaviour) == {"pupil_area", "pupil_x", "pupil_y", "wheel"}
    np.testing.assert_array_equal(read.spikes, session_of()["spks"])
    np.testing.assert_allclose(read.time, np.arange(50) * 0.01 + 0.005 - 0.5)
    complete = session_of(spks=session_of()["spks"].astype(float))
    [again] = read_sessions(save_part(tmp_path / "p2.npz", complete))
    np.testing.assert_array_equal(again.spikes, read.spikes)


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"spks": None}, "'spks' is missing"),
        ({"brain_area": None}, "'brain_area' is missing"),
        ({"spks": np.ones((3, 200), np.int8)}, r"spks has shape \(3, 200\)"),
        ({"spks": np.full((3, 4, 50), np.nan)}, "spks must be whole numbers"),
        ({"spks": np.full((3, 4, 50), 0.5)}, "spks must be whole numbers"),
        ({"spks": np.full((3, 4, 50), "1")}, "spks must be whole numbers of zero or more, found <U1"),
        ({"spks": np.ones((3, 4, 50))}, "spks: all 3 units are unusable: values never change"),
        (NO_NEURONS, "every axis needs entries"),
        (NO_TRIALS, "every axis needs entries"),
        ({"brain_area": np.array(["A"])}, r"brain_area has shape \(1,\), expected \(3,\)"),
        ({"pupil": np.ones((2, 4, 50))}, r"pupil has shape \(2, 4, 50\), expected \(3, 4, 50\)"),
        ({"pupil": "none"}, "pupil does not hold numbers"),
        ({"wheel": np.ones((1, 5, 50))}, r"wheel has shape \(1, 5, 50\), expected \(1, 4, 50\)"),
        ({"contrast_left": np.ones(7)}, "contrast_left has 7 entries for 4 trials"),
        ({"response_time": np.array(["soon"] * 4)}, "response_time holds"),
    ],
)
def test_a_session_that_is_not_right_is_named_with_its_file(
    tmp_path: Path, changes: dict, finding: str
) -> None:
    path = save_part(tmp_path / "part1.npz", session_of(), session_of(**changes))
    with pytest.raises(DataError, match=rf"part1\.npz, session 1.*{finding}"):
        read_sessions(path)


def test_a_session_that_is_no_dictionary_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"part\.npz, session 0: found list"):
        read_sessions(save_part(tmp_path / "part.npz", [1, 2]))


@pytest.mark.parametrize("part", [0, 100, 0.5, 0.999])
def test_a_truncated_npz_is_named(tmp_path: Path, part: float) -> None:
    path = save_part(tmp_path / "part.npz", session_of())
    content = path.read_bytes()
    path.write_bytes(content[: part if part >= 1 or part == 0 else int(part * len(content))])
    with pytest.raises(DataError, match=r"part\.npz"):
        read_sessions(path)


def test_a_missing_npz_or_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.npz is missing"):
        read_sessions(tmp_path / "absent.npz")
    np.savez(tmp_path / "other.npz", something=np.ones(3))
    with pytest.raises(DataError, match=r"other\.npz has no array 'dat'"):
        read_sessions(tmp_path / "other.npz")


# --- the cut-out layout


def cutout(path: Path, **changes: Any) -> Path:
    random = np.random.default_rng(1)
    arrays = {
        "spks": random.poisson(0.2, (3, 4, 40)).astype(np.uint8),
        "spk_time_from_stim": np.float32(np.arange(40) * 0.01 + 0.005),
        "behav_time_from_stim": np.float32(np.arange(250) * 0.01 - 0.495),
        "brain_area": np.array(["A", "A", "B"]),
        "pupil_area": random.normal(size=(4, 250)),
        "wheel_moving": random.random((4, 250)) < 0.2,
        "response": np.array([1, 0, -1, 1]),
        "included": np.array([True, True, False, True]),
        "mouse_name": "Toy",
        "date_exp": "2017-01-01",
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_a_cutout_puts_its_spikes_on_the_behaviours_clock(tmp_path: Path) -> None:
    read = read_cutout(cutout(tmp_path / "cut.npz"))
    assert read.spike_bins == slice(50, 90) and read.clock_uncertainty == 0.2
    assert set(read.behaviour) == {"pupil_area", "wheel_moving"}
    included = read_cutout(cutout(tmp_path / "cut.npz"), included_only=True)
    np.testing.assert_array_equal(included.spikes, read.spikes[:, [0, 1, 3]])
    assert included.trials["response"].tolist() == [1, 0, 1]


def test_a_cutout_leaves_out_what_cannot_be_used(tmp_path: Path) -> None:
    spikes = np.random.default_rng(1).poisson(0.2, (3, 4, 40)).astype(float)
    spikes[0, 1, 7], spikes[:, 3] = np.nan, -1
    read = read_cutout(cutout(tmp_path / "cut.npz", spks=spikes), included_only=True)
    assert [str(each) for each in read.omissions] == [
        "1 of 4 trials left out (values that cannot be): 3",
        "1 of 3 units left out (values are missing, NaN or infinite): 0",
    ]
    np.testing.assert_array_equal(read.spikes, spikes[1:, :2])
    assert read.trials.index.tolist() == [0, 1]  # the third is not included
    with pytest.raises(DataError, match=r"included has shape \(2,\), expected \(4,\)"):
        read_cutout(cutout(tmp_path / "cut.npz", included=np.ones(2)), included_only=True)


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"spks": None}, "'spks' is missing"),
        ({"spk_time_from_stim": None}, "'spk_time_from_stim' is missing"),
        ({"spks": np.ones((3, 40), np.uint8)}, r"spks has shape \(3, 40\)"),
        ({"spks": np.full((3, 4, 40), np.nan)}, "spks must be whole numbers from 0 to 20"),
        ({"spks": np.ones((3, 4, 30), np.uint8)}, "each of the 30 spike bins"),
        ({"spk_time_from_stim": np.arange(40) * 0.02}, "different grids"),
        ({"spk_time_from_stim": np.full(40, np.nan)}, "different grids"),
        ({"spk_time_from_stim": np.arange(40) * 0.01 + 1.9}, "different grids"),
        (
            {"behav_time_from_stim": np.zeros(0), "pupil_area": None, "wheel_moving": None},
            "behav_time_from_stim",
        ),
        ({"pupil_area": np.ones((4, 200))}, r"pupil_area has shape \(4, 200\)"),
        ({"pupil_area": np.array([["a"] * 250] * 4)}, "pupil_area does not hold numbers"),
        ({"brain_area": np.array(["A"])}, "brain_area has shape"),
        ({"response": np.ones(9)}, "response has 9 entries for 4 trials"),
        (
            {
                "spk_time_from_stim": np.arange(40) * 10.0 + 5,
                "behav_time_from_stim": np.arange(250) * 10.0 - 495,
            },
            "`time` steps by 10, and a bin lasts 0.01 s; give both in seconds",
        ),
    ],
)
def test_a_cutout_that_is_not_right_is_named(tmp_path: Path, changes: dict, finding: str) -> None:
    with pytest.raises(DataError, match=rf"cut\.npz.*{finding}"):
        read_cutout(cutout(tmp_path / "cut.npz", **changes))


def test_counts_without_behaviour_begin_at_the_stimulus(tmp_path: Path) -> None:
    spikes = np.random.default_rng(1).poisson(0.2, (3, 4, 40)).astype(np.uint8)
    onsets = np.array([1.0, 5, 9, 13])
    arrays = {
        "spks": spikes,
        "bin_times": onsets[:, None] + (np.arange(40) + 0.5) * 0.01,
        "brain_area": np.array(["A", "A", "B"]),
        "contrast_left": np.ones(4),
        "mouse_name": "Toy",
        "date_exp": "2017-01-01",
    }
    np.savez(tmp_path / "toy.npz", **arrays)
    read = steinmetz.load(folder=tmp_path)
    assert read.name == "Toy_2017-01-01" and read.behaviour == {} and read.spike_bins == slice(0, 40)
    np.testing.assert_array_equal(read.spikes, spikes)
    np.testing.assert_allclose(read.trials["stimulus_time"], onsets, atol=1e-9)
    np.testing.assert_allclose(read.time, (np.arange(40) + 0.5) * 0.01)
    np.savez(tmp_path / "toy.npz", **arrays | {"bin_times": onsets})
    with pytest.raises(DataError, match=r"toy\.npz: bin_times has shape \(4,\), and spks are of 4 trials"):
        steinmetz.load(folder=tmp_path)


# --- the dataclass, and the sources


def test_select_keeps_trials_together(neuromatch: TrialRecording) -> None:
    chosen = np.array([5, 2])
    part = neuromatch.select(chosen)
    np.testing.assert_array_equal(part.spikes, neuromatch.spikes[:, chosen])
    np.testing.assert_array_equal(part.behaviour["licks"], neuromatch.behaviour["licks"][chosen])
    contrast = neuromatch.trials["contrast_left"]
    assert part.trials["contrast_left"].tolist() == contrast[chosen].tolist()


def test_regions_are_counted_largest_first_without_root(neuromatch: TrialRecording) -> None:
    assert list(neuromatch.regions().items()) == [("SCs", 4), ("CA1", 3)]
    assert neuromatch.regions(minimum_neurons=4) == {"SCs": 4}
    with pytest.raises(DataError, match="no region has 20 neurons"):
        default_regions(neuromatch)


def test_spikes_outside_the_clock_are_refused(neuromatch: TrialRecording) -> None:
    with pytest.raises(DataError, match="the two clocks must overlap"):
        TrialRecording(
            "m", neuromatch.time, neuromatch.spikes, 1, neuromatch.brain_area, {}, neuromatch.trials
        )


def test_absent_columns_of_the_trial_table_are_nan() -> None:
    table = trial_table(3, response=np.array([1, 0, -1]), go_cue=None)
    assert list(table.columns) == list(TRIAL_COLUMNS) and table["response"].tolist() == [1, 0, -1]
    assert table.drop(columns="response").isna().all(axis=None)


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The demo's sessions in small, and the folder in which they are saved."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    monkeypatch.setattr(steinmetz, "SessionParameters", lambda seed: SMALL.replace(seed=seed))
    return tmp_path / "simulated"


def test_a_session_that_is_not_there_is_named(small_demo: Path) -> None:
    assert steinmetz.load(source="demo").name == "Simulated_2026-01-01"
    with pytest.raises(DataError, match=r"'Nobody_1999-01-01'.*Simulated_2026-01-01"):
        steinmetz.load(session="Nobody_1999-01-01", source="demo")


def test_the_cutouts_are_read_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come with the package, and a stranger's name is not answered with one of these mice."""
    monkeypatch.delenv("NEUROKIT_REAL_DATA", raising=False)
    listed = steinmetz.sessions("cutout")
    assert listed.session.tolist() == [
        "Cori_2016-12-17",
        "Lederberg_2017-12-06",
        "Lederberg_2017-12-09",
        "Hench_2017-06-18",
    ]
    assert listed.behaviour.tolist()[1:] == ["none"] * 3 and "pupil_area" in listed.behaviour[0]
    for name in ((), *listed.session):
        read = steinmetz.load(session=name, source="cutout")
        assert read.name == (name or "Cori_2016-12-17") and not read.omissions
    with pytest.raises(DataError, match=r"'Cori_2016-12-14'; this source has Cori_2016-12-17, Lederberg"):
        steinmetz.load(session="Cori_2016-12-14", source="cutout")


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ((), "Demo", "no source 'Demo'; use one of demo, cutout, full"),
        ((), "", "no source ''; use one of demo, cutout, full"),
        ("Lederberg", "full", r"'Lederberg'; this source has Cori_2016-12-14, .*, Theiler_2017-10-11\."),
        ("", "full", "No session is named ''"),
    ],
)
def test_nothing_is_fetched_for_a_name_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, name: str | tuple, source: str, says: str
) -> None:
    monkeypatch.setattr(steinmetz, "fetch", lambda *_: pytest.fail("it would download"))
    unchecked = getattr(steinmetz.load, "__wrapped__", steinmetz.load)  # the import hook
    with pytest.raises((DataError, SettingsError), match=says):
        unchecked(session=name, source=source)


def test_all_sessions_of_the_download_are_reached_by_a_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(set(steinmetz.SESSIONS)) == 39
    assert steinmetz.SESSIONS[12] == steinmetz.SEED_SESSION  # the original counts it as session 12, from 0
    for part, held in zip(steinmetz.PARTS, np.array_split(np.array(steinmetz.SESSIONS), 3), strict=True):
        names = [str(name).split("_") for name in held]
        save_part(tmp_path / part, *(session_of(mouse_name=mouse, date_exp=date) for mouse, date in names))
    fetched: list[str] = []
    monkeypatch.setattr(steinmetz, "fetch", lambda part, folder: fetched.append(part) or tmp_path / part)
    for name in steinmetz.SESSIONS:
        assert main(["pupil-encoder", "data", "--source", "full", "--session", name]) == 0
        assert capsys.readouterr().out.startswith(f"{name}\n")
    assert set(fetched) == set(steinmetz.PARTS)
    assert steinmetz.load(source="full").name == steinmetz.SEED_SESSION


def test_a_bad_session_costs_no_other(tmp_path: Path) -> None:
    bad = session_of(bin_size=0.0, mouse_name="Bad")
    save_part(tmp_path / "part0.npz", session_of(), bad, [1, 2])
    assert steinmetz.load(folder=tmp_path).name == "Toy_2017-01-01"
    assert steinmetz.load(folder=tmp_path, session="Toy_2017-01-01").name == "Toy_2017-01-01"
    with pytest.raises(DataError, match=r"part0\.npz, session 1: bin_size is 0; give seconds"):
        steinmetz.load(folder=tmp_path, session="Bad_2017-01-01")


def test_a_name_that_two_sessions_have_is_refused(tmp_path: Path) -> None:
    for part in range(2):
        save_part(tmp_path / f"part{part}.npz", session_of())
    with pytest.raises(DataError, match="holds 2 sessions of the name 'Toy_2017-01-01'; leave one"):
        steinmetz.load(folder=tmp_path, session="Toy_2017-01-01")


def steinmetz_session(parameters: SessionParameters, folder: Path) -> TrialRecording:
    """A simulated session as it is read."""
    (made,) = read_sessions(*write_neuromatch([simulate_session(parameters)], folder))
    return made


def test_the_demo_session_is_simulated_once(small_demo: Path) -> None:
    steinmetz.load(source="demo")
    (made,) = small_demo.glob("steinmetz-*")
    before = {file.name: os.stat(file).st_mtime_ns for file in made.iterdir()}
    assert set(before) == {"steinmetz_part0.npz", "truth.npz"}
    assert steinmetz.simulated_truth().parameters["seed"] == 0
    assert {file.name: os.stat(file).st_mtime_ns for file in made.iterdir()} == before
    steinmetz.load(source="demo", seed=3)
    assert len([*small_demo.glob("steinmetz-*")]) == 2


@pytest.mark.parametrize("name", ["steinmetz_part0.npz", "truth.npz"])
@pytest.mark.parametrize("damage", ["cut short", "removed"])
def test_a_damaged_demo_is_simulated_anew(small_demo: Path, name: str, damage: str) -> None:
    expected = steinmetz.load(source="demo").spikes
    (file,) = small_demo.glob(f"steinmetz-*/{name}")
    file.write_bytes(file.read_bytes()[:100]) if damage == "cut short" else file.unlink()
    assert (steinmetz.load(source="demo").spikes == expected).all()
    assert steinmetz.simulated_truth().expected_rates.shape[0] == len(expected[0])
    assert file.stat().st_size > 100
