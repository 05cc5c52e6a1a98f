"""ALF folders: one counted by hand, cameras that start late and stop early, and files that are missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurokit.errors import DataError
from neurokit.pupil_encoder import from_recording
from neurokit.pupil_encoder.alf import read_alf
from neurokit.pupil_encoder.cleaning import clean_pupil
from neurokit.pupil_encoder.simulated_files import write_alf
from neurokit.pupil_encoder.simulation import RegionTruth, SessionParameters, simulate_session
from neurokit.recordings import read

REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=0.1, gain=0.3, time_constant=0.05, neurons=4),
    RegionTruth(name="CA1", channel="licks", lag=0.0, gain=0.1, time_constant=0.1, neurons=3),
)


# --- a folder counted by hand

ONSETS = np.array([2.0, 6.0])


def by_hand(path: Path, **changes: np.ndarray | None) -> Path:
    """Two trials, stimulus at 2 s and 6 s (bins start at 1.5 s and 5.5 s); None: no such file."""
    path.mkdir(parents=True)
    frames = np.arange(101.0)  # 10 frames a second, counted in their own value
    trains = {  # cluster: spike times
        0: [1.4999, 1.5, 1.5099, 1.5101, 3.9999, 4.0001, 5.5051],
        1: [2.0001],
        2: [2.0001],
        3: [4.7],
        4: [5.5051, 5.5052],
        5: [7.9951],
    }
    spikes = np.array([(cluster, time) for cluster, times in trains.items() for time in times])
    spikes = spikes[np.argsort(spikes[:, 1], kind="stable")]
    wheel = np.concatenate([np.zeros(201), np.arange(1, 801) * 2.0])  # still up to 2 s
    arrays = {
        "trials.visualStim_times": ONSETS[:, None],
        "trials.response_times": ONSETS[:, None] + [[0.7], [0.9]],
        "trials.response_choice": np.array([[1.0], [-1.0]]),
        "spikes.times": spikes[:, 1:],
        "spikes.clusters": spikes[:, :1].astype(np.uint32),
        "clusters._phy_annotation": np.array([2.0, 1.0, 3.0, 2.0, 2.0, 2.0])[:, None],
        "clusters.peakChannel": np.array([1.0, 1.0, 2.0, 3.0, 3.0, 4.0])[:, None],
        "eye.area": frames[:, None],
        "eye.xyPos": np.stack([frames + 1000, frames + 2000], axis=1),
        "eye.blink": (frames == 20)[:, None],
        "eye.timestamps": np.array([[0.0, 0.0], [100.0, 10.0]]),
        "face.motionEnergy": frames[:, None] * 3,
        "face.timestamps": np.array([[0.0, 0.02], [50.0, 5.02], [100.0, 15.02]]),  # slower from 50
        "wheel.position": wheel[:, None],
        "wheel.timestamps": np.array([[0.0, 0.0], [1000.0, 10.0]]),
        "wheelMoves.intervals": np.array([[1.0, 1.52], [5.6, 5.7]]),
        "licks.times": np.array([2.001, 2.009, 2.011, 4.5])[:, None],
    } | changes
    for name, values in arrays.items():
        if values is not None:
            np.save(path / f"{name}.npy", values)
    rows = [
        "ccf_ap\tccf_dv\tccf_lr\tallen_ontology",
        *(f"0\t0\t0\t{area}" for area in ("VISp", "CA1", "LGd")),
    ]
    (path / "channels.brainLocation.tsv").write_text("\n".join(rows) + "\n")
    return path


def test_spikes_fall_into_the_bins_that_a_hand_counts(tmp_path: Path) -> None:
    read = read_alf(by_hand(tmp_path / "m"))
    # included: 0 (good), 2 (unsorted), 4 (good); 1 is multi-unit, 3 is silent in the trials, 5 has no
    # channel
    assert read.brain_area.tolist() == ["VISp", "CA1", "LGd"]  # channels 1, 2, 3 counted from 1
    expected = np.zeros((3, 2, 250), dtype=int)
    expected[0, 0, [0, 1, 249]] = 2, 1, 1
    expected[0, 1, 0] = 1
    expected[1, 0, 50] = 1
    expected[2, 1, 0] = 2
    np.testing.assert_array_equal(read.spikes, expected)


def test_cameras_show_the_frame_at_or_before_the_bin_centre(tmp_path: Path) -> None:
    read = read_alf(by_hand(tmp_path / "m"))
    area, x, y = (read.behaviour[name] for name in ("pupil_area", "pupil_x", "pupil_y"))
    # centres of trial 0: 1.505, 1.515 ... so frame 15 until 1.595 and frame 16 from 1.605
    assert area[0, [0, 9, 10, 49, 50, 249]].tolist() == [15, 15, 16, 19, 20, 39]
    assert area[1, [0, 249]].tolist() == [55, 79]
    np.testing.assert_array_equal(x, area + 1000)
    np.testing.assert_array_equal(y, area + 2000)
    assert np.flatnonzero(read.behaviour["blink"][0]).tolist() == list(range(50, 60))
    # (1.505 - 0.02) s of 10 Hz; then 50 + (5.505 - 5.02) s of 5 Hz
    face = read.behaviour["face_motion"] / 3
    assert face[0, [0, 1, 2, 11]].tolist() == [14, 14, 15, 15]
    assert face[1, [0, 249]].tolist() == [52, 64]


def test_the_wheel_is_the_difference_between_bin_edges(tmp_path: Path) -> None:
    wheel = read_alf(by_hand(tmp_path / "m")).behaviour["wheel"]
    np.testing.assert_allclose(wheel[0, :50], 0, atol=1e-5)
    np.testing.assert_allclose(wheel[0, 50:], 2, atol=1e-4)
    np.testing.assert_allclose(wheel[1], 2, atol=1e-4)


def test_wheel_moves_and_licks(tmp_path: Path) -> None:
    read = read_alf(by_hand(tmp_path / "m"))
    moving = read.behaviour["wheel_moving"]
    assert np.flatnonzero(moving[0]).tolist() == [0, 1]
    assert np.flatnonzero(moving[1]).tolist() == list(range(10, 20))
    licks = read.behaviour["licks"]
    assert (licks[0, 50], licks[0, 51], licks.sum()) == (2, 1, 3)


def test_licks_need_not_be_sorted(tmp_path: Path) -> None:
    licks = read_alf(
        by_hand(tmp_path / "m", **{"licks.times": np.array([2.001, 2.009, 4.5, 2.011])})
    ).behaviour["licks"]
    assert (licks[0, 50], licks[0, 51], licks.sum()) == (2, 1, 3)


def test_times_count_from_the_stimulus(tmp_path: Path) -> None:
    trials = read_alf(by_hand(tmp_path / "m")).trials
    np.testing.assert_allclose(trials["response_time"], [0.7, 0.9])
    assert trials["stimulus_time"].tolist() == [2, 6] and trials["response"].tolist() == [1, -1]
    assert trials["go_cue"].isna().all()


# --- a camera that starts late and stops early

# 10 frames a second: frame 10 at 1.8 s, frame 50 at 5.8 s
PART = np.array([[10.0, 1.8], [50.0, 5.8]])


def test_bins_without_a_camera_are_nan_beyond_one_frame(tmp_path: Path) -> None:
    read = read_alf(by_hand(tmp_path / "m", **{"eye.timestamps": PART, "face.timestamps": PART}))
    centres = read.time + ONSETS[:, None]
    seen = (centres > 1.7) & (centres < 5.9)  # one frame before the first row to one after the last
    assert (~seen).sum() == 20 + 210
    for channel in ("pupil_area", "pupil_x", "pupil_y", "blink", "face_motion"):
        np.testing.assert_array_equal(np.isfinite(read.behaviour[channel]), seen, channel)
    area = read.behaviour["pupil_area"]
    assert area[0, [20, 29, 30, 40]].tolist() == [10, 10, 10, 11]  # 1.705 s to 1.905 s
    assert area[1, [0, 29, 30, 39]].tolist() == [47, 49, 50, 50]  # 5.505 s to 5.895 s


def test_a_frame_is_as_long_as_the_clock_says_at_that_end(tmp_path: Path) -> None:
    clock = np.array([[0.0, 1.8], [10.0, 2.8], [30.0, 3.2]])  # 10, then 50 frames a second
    read = read_alf(by_hand(tmp_path / "m", **{"eye.timestamps": clock}))
    seen = np.flatnonzero(np.isfinite(read.behaviour["pupil_area"][0]))
    assert (seen[0], seen[-1], len(seen)) == (20, 171, 152)  # 1.705 s to 3.215 s


def test_a_clock_that_outlasts_its_frames_gives_nan(tmp_path: Path) -> None:
    complete = read_alf(by_hand(tmp_path / "m")).behaviour["pupil_area"]
    torn = read_alf(by_hand(tmp_path / "n", **{"eye.area": np.arange(30.0)})).behaviour["pupil_area"]
    np.testing.assert_array_equal(np.isnan(torn), complete >= 30)  # frame n holds the value n
    assert 0 < np.isnan(torn).sum() < torn.size


def test_one_row_is_a_clock_of_no_length(tmp_path: Path) -> None:
    read = read_alf(by_hand(tmp_path / "m", **{"eye.timestamps": np.array([[5.0, 2.005]])}))
    assert np.flatnonzero(np.isfinite(read.behaviour["pupil_area"])).tolist() == [50]


def test_cleaning_masks_the_bins_without_a_camera(tmp_path: Path) -> None:
    session = simulate_session(SessionParameters(trials=8, seed=2, regions=REGIONS))
    folder = write_alf(session, tmp_path)
    last = session.events.stimulus[-1]
    clock = np.load(folder / "eye.timestamps.npy")
    frame = np.interp(last, clock[:, 1], clock[:, 0])
    np.save(folder / "eye.timestamps.npy", np.array([clock[0], [frame, last]]))
    recording = read_alf(folder).recording()
    training = np.arange(8) < 6
    area = recording.behaviour["pupil_area"].astype(float)
    clean = clean_pupil(area, training, name="pupil_area", positive=True)
    after = recording.time > 0.015  # the frame of the last row still counts
    assert not clean.trusted[-1, after].any()
    assert clean.trusted[-1, recording.time < -0.3].any() and np.isfinite(clean.values).all()


# --- what is missing


@pytest.mark.parametrize(
    "name",
    ["spikes.times", "spikes.clusters", "clusters.peakChannel", "channels.brainLocation.tsv"],
)
def test_without_spikes_the_rest_is_read_and_the_recording_names_the_file(
    tmp_path: Path,
    name: str,
) -> None:
    path = by_hand(tmp_path / "m")
    file = name if name.endswith(".tsv") else f"{name}.npy"
    (path / file).unlink()
    read = read_alf(path)
    assert read.spikes is None and "pupil_area" in read.behaviour
    assert file in read.missing
    with pytest.raises(DataError, match=rf"m: no spikes, these files are missing: .*{file}"):
        read.recording()


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("eye.timestamps", {"pupil_area", "pupil_x", "pupil_y", "blink"}),
        ("eye.xyPos", {"pupil_x", "pupil_y"}),
        ("wheel.position", {"wheel"}),
        ("licks.times", {"licks"}),
    ],
)
def test_a_missing_file_costs_its_own_channels_only(
    tmp_path: Path,
    name: str,
    channels: set[str],
) -> None:
    complete = read_alf(by_hand(tmp_path / "a"))
    part = read_alf(by_hand(tmp_path / "b", **{name: None}))
    assert set(complete.behaviour) - set(part.behaviour) == channels
    assert set(part.missing) - set(complete.missing) == {f"{name}.npy"}
    assert set(part.recording().behaviour) == set(part.behaviour)


def test_another_eye_clock_can_be_named(tmp_path: Path) -> None:
    clock = np.array([[0.0, 1.0], [100.0, 11.0]])  # a second later
    path = by_hand(tmp_path / "m", **{"eye.timestamps.ESTIMATED": clock})
    assert read_alf(path, eye_clock="eye.timestamps.ESTIMATED").behaviour["pupil_area"][0, 0] == 5


def test_without_stimulus_times_there_are_no_trials(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"m/trials\.visualStim_times\.npy is missing"):
        read_alf(by_hand(tmp_path / "m", **{"trials.visualStim_times": None}))
    with pytest.raises(DataError, match="nowhere is not a folder"):
        read_alf(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "values", "named"),
    [
        ("trials.visualStim_times", np.array([np.nan, np.inf]), "visualStim_times.*expected a time for each"),
        ("trials.visualStim_times", np.zeros(0), "visualStim_times"),
        ("trials.response_times", np.ones(5), "response_time has 5 entries for 2"),
        ("eye.timestamps", np.array([0.0, 1.0]), r"eye\.timestamps\.npy"),
        ("eye.timestamps", np.array([[0.0, 5.0], [100.0, 1.0]]), r"eye\.timestamps\.npy"),
        ("eye.timestamps", np.full((2, 2), np.nan), r"eye\.timestamps\.npy: all 2 clock rows are unusable"),
        ("eye.area", np.zeros(0), r"eye\.area\.npy is empty"),
        ("eye.xyPos", np.zeros((101, 3)), r"eye\.xyPos\.npy: .*found shape \(101, 3\)"),
        ("wheel.position", np.zeros(0), r"wheel\.position\.npy is empty"),
        ("spikes.times", np.array([1.0, 2.0]), r"spikes\.clusters\.npy"),
        ("spikes.clusters", np.full(13, 6, np.uint32), r"spikes\.clusters\.npy"),
        ("clusters.peakChannel", np.ones(4), r"clusters\.\*"),
    ],
)
def test_alf_arrays_that_do_not_fit_are_named(
    tmp_path: Path, name: str, values: np.ndarray, named: str
) -> None:
    with pytest.raises(DataError, match=f"{tmp_path}.*{named}"):
        read_alf(by_hand(tmp_path / "m", **{name: values}))


def test_a_damaged_alf_file_is_named(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "m")
    complete = (path / "eye.area.npy").read_bytes()
    for damage in (complete[: len(complete) // 2], b"", b"not an array"):
        (path / "eye.area.npy").write_bytes(damage)
        with pytest.raises(DataError, match=r"m/eye\.area\.npy cannot be read"):
            read_alf(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"ccf_ap\tccf_dv\n1\t2\t3\t4\n"])
def test_a_damaged_channel_table_is_named(tmp_path: Path, content: bytes) -> None:
    path = by_hand(tmp_path / "m")
    (path / "channels.brainLocation.tsv").write_bytes(content)
    with pytest.raises(DataError, match=r"m: channels\.brainLocation\.tsv needs a column"):
        read_alf(path)


def test_clusters_that_are_all_noise_are_no_recording(tmp_path: Path) -> None:
    read = read_alf(by_hand(tmp_path / "m", **{"clusters._phy_annotation": np.zeros(6)}))
    with pytest.raises(DataError, match=r"m: spikes have shape \(0, 2, 250\)"):
        read.recording()


# --- by the reader that all systems share


def test_the_shared_reader_makes_the_same_recording(tmp_path: Path) -> None:
    mouse = SessionParameters(mouse="Own", date="2026-02-01", trials=20, seed=6, regions=REGIONS)
    folder = write_alf(simulate_session(mouse), tmp_path)
    own, native = from_recording(read(folder)), read_alf(folder).recording()
    assert own.omissions == native.omissions and own.bin_size == native.bin_size
    np.testing.assert_array_equal(own.spikes, native.spikes)
    np.testing.assert_array_equal(own.brain_area, native.brain_area)
    np.testing.assert_allclose(own.time, native.time, atol=1e-12)
    pd.testing.assert_frame_equal(own.trials, native.trials, atol=1e-9, check_index_type=False)
    assert set(own.behaviour) == set(native.behaviour)
    for channel, values in own.behaviour.items():
        np.testing.assert_allclose(values, native.behaviour[channel], atol=1e-6, err_msg=channel)
