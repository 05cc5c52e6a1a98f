"""One bad piece costs one piece: damaged Neuromatch sessions, from the file to the scores."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurokit.errors import DataError, SettingsError
from neurokit.experiment import Experiment
from neurokit.files.pickles import load_object_array
from neurokit.pupil_encoder.baselines import psth, psth_by_condition
from neurokit.pupil_encoder.config import PupilConfig
from neurokit.pupil_encoder.experiment import build, describe, respond, task, train
from neurokit.pupil_encoder.neuromatch import open_sessions, read_cutout, read_sessions
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.simulated_files import write_neuromatch
from neurokit.pupil_encoder.simulation import RegionTruth, SessionParameters, simulate_session
from neurokit.training import checkpoint
from neurokit.training.omissions import Omission
from neurokit.training.settings import FitSettings

Session = dict[str, Any]
REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=-0.2, gain=0.35, time_constant=0.05, neurons=6),
    RegionTruth(name="LGd", channel="pupil_x", lag=0.1, gain=0.3, time_constant=0.05, neurons=6),
)
CONFIG = PupilConfig(
    hidden=4,
    regions=("SCs", "LGd"),
    inputs="behaviour",
    fit=FitSettings(epochs=2, batch_size=8, learning_rate=0.01),
)
UNITS, TRIALS = 12, 20


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Session:
    session = simulate_session(SessionParameters(trials=TRIALS, regions=REGIONS))
    (file,) = write_neuromatch([session], tmp_path_factory.mktemp("session"))
    return load_object_array(file, "dat", 2**30)[0]


def save(folder: Path, session: Session) -> Path:
    dat = np.empty(1, dtype=object)
    dat[0] = session
    np.savez(folder / "part.npz", dat=dat)
    return folder


def read(folder: Path, session: Session) -> TrialRecording:
    return read_sessions(save(folder, session) / "part.npz")[0]


def damaged(sound: Session, change: Callable[[Session], None]) -> Session:
    """A copy with something changed; counts as double precision, so that they can hold NaN."""
    copy = {key: np.array(value) if isinstance(value, np.ndarray) else value for key, value in sound.items()}
    copy["spks"] = copy["spks"].astype(float)
    change(copy)
    return copy


def put(key: str, place: Any, value: Any) -> Callable[[Session], None]:
    def change(session: Session) -> None:
        session[key][place] = value

    return change


def constant_channel(key: str, value: float) -> Callable[[Session], None]:
    return put(key, slice(None), value)


def double(session: Session) -> None:
    """Trial 9 is trial 3 again."""
    for key in ("spks", "pupil", "wheel", "licks", "face"):
        session[key][:, 9] = session[key][:, 3]


def lost_late(session: Session) -> None:
    """A region that fires much, but not in the last two trials."""
    session["spks"][:6] += 1
    session["spks"][:6, 18:] = 0


def in_milliseconds(session: Session) -> None:
    session["response_time"] = session["response_time"] * 1000


CASES: dict[str, tuple[Callable[[Session], None], Omission]] = {
    "one NaN in a unit": (put("spks", (2, 7, 9), np.nan), Omission("not_finite", "units", ("2",), 12)),
    "a unit lost halfway": (
        put("spks", (5, slice(10, None)), np.inf),
        Omission("not_finite", "units", ("5",), 12),
    ),
    "a negative count": (put("spks", (3, 1, 1), -1), Omission("out_of_range", "units", ("3",), 12)),
    "half a spike": (put("spks", (3, 1, 1), 0.5), Omission("out_of_range", "units", ("3",), 12)),
    "a count that would wrap": (
        put("spks", (0, 4, 4), 65_536),
        Omission("out_of_range", "units", ("0",), 12),
    ),
    "a stuck unit": (put("spks", 11, 1), Omission("constant", "units", ("11",), 12)),
    "a trial lost in all units": (
        put("spks", (slice(None), 13), np.nan),
        Omission("not_finite", "trials", ("13",), 20),
    ),
    "a unit there twice": (
        lambda session: session["spks"].__setitem__(9, session["spks"][3]),
        Omission("doubled", "units", ("9",), 12),
    ),
    "a trial there twice": (double, Omission("doubled", "trials", ("9",), 20)),
    "an area that is not known": (put("brain_area", 4, ""), Omission("place_unknown", "units", ("4",), 12)),
    "a contrast missing": (
        put("contrast_left", 6, np.nan),
        Omission("not_finite", "trial values", ("contrast_left of trial 6",), 160),
    ),
    "an endless response time": (
        put("response_time", 6, np.inf),
        Omission("not_finite", "trial values", ("response_time of trial 6",), 160),
    ),
    "a contrast in per cent": (
        put("contrast_right", 3, 50),
        Omission("out_of_range", "trial values", ("contrast_right of trial 3",), 160),
    ),
    "a response that there is not": (
        put("response", 3, 0.5),
        Omission("out_of_range", "trial values", ("response of trial 3",), 160),
    ),
    "times in ms": (
        in_milliseconds,
        Omission("in_ms", "trial values", tuple(f"response_time of trial {n}" for n in range(TRIALS)), 160),
    ),
    "one time that cannot be": (
        put("response_time", 5, 800),
        Omission("out_of_range", "trial values", ("response_time of trial 5",), 160),
    ),
    "a recording that goes on after the last spike": (
        put("spks", (slice(None), slice(15, None)), 0),
        Omission("lost", "trials", ("15", "16", "17", "18", "19"), 20),
    ),
    "a probe that is lost in the last tenth of the trials": (
        lost_late,
        Omission("lost", "trials", ("18", "19"), 20),
    ),
    "no lick at all": (constant_channel("licks", 0), Omission("constant", "channels", ("licks",), 6)),
    "a wheel that was not read": (
        constant_channel("wheel", np.nan),
        Omission("not_finite", "channels", ("wheel",), 6),
    ),
    "an area that was not found": (
        put("pupil", 0, np.nan),
        Omission("not_finite", "channels", ("pupil_area",), 6),
    ),
    "a face that was not filmed": (
        lambda session: session.pop("face"),
        Omission("not_recorded", "channels", ("face_motion",), 6),
    ),
}


def test_nothing_of_a_sound_session_is_left_out(tmp_path: Path, sound: Session) -> None:
    recording = read(tmp_path, sound)
    assert recording.omissions == task(recording, CONFIG).omissions == ()
    assert "without" not in describe(recording) and "not measured" not in describe(recording)
    np.testing.assert_array_equal(recording.spikes, sound["spks"])
    exact = read(tmp_path, damaged(sound, lambda session: None))
    np.testing.assert_array_equal(exact.spikes, recording.spikes)
    assert exact.omissions == ()


@pytest.mark.parametrize("case", CASES)
def test_one_bad_piece_costs_one_piece(case: str, tmp_path: Path, sound: Session) -> None:
    change, expected = CASES[case]
    recording = read(tmp_path, damaged(sound, change))
    made = task(recording, CONFIG)
    assert made.omissions == (expected,)
    assert np.isfinite(made.inputs).all() and np.isfinite(made.rates).all()
    lost = {piece: len(expected.names) * (expected.pieces == piece) for piece in ("units", "trials")}
    assert recording.spikes.shape == (UNITS - lost["units"], TRIALS - lost["trials"], 250)
    if expected.pieces != "channels":
        assert f"without   {expected}" in describe(recording)


@pytest.mark.parametrize(
    "case",
    [
        "one NaN in a unit",
        "a trial there twice",
        "a contrast missing",
        "no lick at all",
        "an area that was not found",
    ],
)
def test_a_damaged_session_is_trained_on_and_scored(
    case: str, tmp_path: Path, sound: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    change, expected = CASES[case]
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    folder = tmp_path / "own"
    folder.mkdir()
    save(folder, damaged(sound, change))
    how = {"config": CONFIG, "folder": folder, "device": "cpu"}
    experiment = Experiment("pupil-encoder", **how).train(show_progress=False)
    assert experiment.omissions == (expected,)
    assert str(expected) in capsys.readouterr().out
    scores = experiment.evaluate()
    assert np.isfinite(scores[["r2_mean", "r2_psth"]]).all(axis=None)
    models = scores[scores["model"] != "ceiling"]
    assert np.isfinite(models[["low", "high", "seed_style"]]).all(axis=None)
    assert np.isfinite(experiment.predict()).all()
    saved = checkpoint.load(experiment.path)
    assert saved.facts["left_out"] == [expected.to_dict()]
    assert saved.facts["masked"] == experiment.task.masked
    written = json.loads(experiment.save_scores(scores)[1].read_text())
    assert written["left_out"] == [expected.to_dict()]
    again = Experiment("pupil-encoder", **how)  # opened on the same recording
    np.testing.assert_array_equal(again.predict(), experiment.predict())
    new = {name: np.random.default_rng(0).random((3, 250)) for name in saved.facts["channels"]}
    answers = respond(saved, {"bin_size": np.array(0.01), **new})
    assert set(answers) == {"SCs", "LGd"} and np.isfinite(answers["LGd"]).all()


def test_a_channel_can_be_left_out_by_choice(tmp_path: Path, sound: Session) -> None:
    recording = read(tmp_path, sound)
    made = task(recording, CONFIG.with_values({"without": ["licks", "wheel"]}))
    assert made.channels == ("pupil_area", "pupil_x", "pupil_y", "face_motion") and made.omissions == ()
    with pytest.raises(SettingsError, match="without names tail; channels are pupil_area, pupil_x"):
        CONFIG.with_values({"without": "tail"})
    with pytest.raises(SettingsError, match="without leaves nothing of inputs='pupil' to read"):
        task(recording, PupilConfig(without=("pupil_area", "pupil_x", "pupil_y")))


def test_what_is_left_is_what_it_was(tmp_path: Path, sound: Session) -> None:
    def change(session: Session) -> None:
        put("spks", (2, 7, 9), np.nan)(session)
        put("spks", (slice(None), 13), np.nan)(session)
        put("spks", (4, 0, 0), -3)(session)

    recording = read(tmp_path, damaged(sound, change))
    trials = np.delete(np.arange(TRIALS), 13)
    units = np.delete(np.arange(UNITS), [2, 4])
    np.testing.assert_array_equal(recording.spikes, sound["spks"][units][:, trials])
    np.testing.assert_array_equal(recording.brain_area, sound["brain_area"][units])
    np.testing.assert_allclose(recording.behaviour["wheel"], sound["wheel"][0][trials], rtol=1e-6)
    assert recording.trials.index.tolist() == trials.tolist()
    assert recording.trials["response"].tolist() == sound["response"][trials].tolist()
    found = {(each.rule, each.pieces): each.names for each in recording.omissions}
    assert found == {
        ("not_finite", "trials"): ("13",),
        ("not_finite", "units"): ("2",),
        ("out_of_range", "units"): ("4",),
    }
    chosen = recording.select(np.array([12, 13]))
    assert chosen.trials.index.tolist() == [12, 14] and chosen.omissions == recording.omissions


def test_a_region_that_falls_silent_for_good_is_left_out(tmp_path: Path, sound: Session) -> None:
    """As when a probe is lost: scored as it is, silence would be what the model explains."""
    copy = damaged(sound, put("spks", (slice(0, 6), slice(12, None)), 0))
    recording = read(tmp_path, copy)
    names = tuple(f"SCs/{unit}" for unit in range(6))
    assert recording.omissions == (Omission("lost", "units", names, UNITS),)
    np.testing.assert_array_equal(recording.spikes, sound["spks"][6:])
    assert recording.regions() == {"LGd": 6} and "no spike comes any more" in describe(recording)
    made = task(recording, CONFIG.replace(regions=("LGd",)))
    assert made.omissions == recording.omissions and len(made.trials) == TRIALS
    with pytest.raises(
        DataError, match=r"no neurons in SCs; its regions are LGd; 6 of 12 units left out .* SCs/0"
    ):
        task(recording, CONFIG)


def sparse(session: Session) -> None:
    """A spike a trial of each of six units: 48 would have come in the last eight trials, too few to judge."""
    session["spks"][:6] = 0
    for unit in range(6):
        session["spks"][unit, :12, 7 + unit] = 1


@pytest.mark.parametrize(
    "silent",
    [
        put("spks", (slice(0, 5), slice(12, None)), 0),  # one unit of the region goes on
        put("spks", (slice(0, 6), slice(4, 12)), 0),  # and comes back
        put("spks", slice(0, 6), 0),  # never a spike
        sparse,
    ],
)
def test_a_region_of_which_a_unit_goes_on_or_that_says_little_was_measured(
    tmp_path: Path, sound: Session, silent: Callable[[Session], None]
) -> None:
    recording = read(tmp_path, damaged(sound, silent))
    assert recording.omissions == () and recording.spikes.shape[:2] == (UNITS, TRIALS)


def test_a_silent_unit_was_measured(tmp_path: Path, sound: Session) -> None:
    recording = read(tmp_path, damaged(sound, put("spks", 3, 0)))
    assert recording.omissions == () and len(recording.spikes) == UNITS


def test_integers_that_would_wrap_are_left_out(tmp_path: Path, sound: Session) -> None:
    def change(session: Session) -> None:
        session["spks"] = session["spks"].astype(np.int64)
        session["spks"][1, 2, 3] = 65_536 + 7

    recording = read(tmp_path, damaged(sound, change))
    assert recording.omissions == (Omission("out_of_range", "units", ("1",), UNITS),)


@pytest.mark.parametrize("wrapped", [21, 65_530, 65_535])
def test_a_count_that_no_unit_reaches_is_left_out(tmp_path: Path, sound: Session, wrapped: int) -> None:
    """In 10 ms, 20 spikes are 2,000 a second; counts below 0 come out of unsigned numbers as 65,530."""

    def change(session: Session) -> None:
        session["spks"] = session["spks"].astype(np.uint16)
        session["spks"][1, 2, 3] = wrapped

    recording = read(tmp_path, damaged(sound, change))
    assert recording.omissions == (Omission("out_of_range", "units", ("1",), UNITS),)
    np.testing.assert_array_equal(recording.spikes, np.delete(sound["spks"], 1, axis=0))
    most = read(tmp_path, damaged(sound, put("spks", (1, 2, 3), 20)))
    assert most.omissions == () and most.spikes[1, 2, 3] == 20


def test_a_unit_that_is_there_twice_is_left_out_once(tmp_path: Path, sound: Session) -> None:
    def change(session: Session) -> None:
        session["spks"][9] = session["spks"][3]
        session["spks"][5] = session["spks"][4] = 0  # silent ones are equal, too, and were measured

    recording = read(tmp_path, damaged(sound, change))
    assert recording.omissions == (Omission("doubled", "units", ("9",), UNITS),)
    assert len(recording.spikes) == UNITS - 1 and "the same is there twice" in describe(recording)
    assert read(tmp_path, sound).omissions == ()


def test_the_share_that_was_not_measured_is_said(tmp_path: Path, sound: Session) -> None:
    def change(session: Session) -> None:
        session["wheel"][0, :5] = np.nan
        session["response_time"][2:5] = np.nan

    text = describe(read(tmp_path, damaged(sound, change)))
    assert "wheel (25.0% not measured)" in text and "licks, " in text
    assert "unknown   response_time of 3 trials" in text


def test_a_value_beyond_single_precision_counts_as_not_measured(tmp_path: Path, sound: Session) -> None:
    def change(session: Session) -> None:
        session["wheel"] = session["wheel"].astype(float)
        session["wheel"][0, 3, 100] = 1e300

    recording = read(tmp_path, damaged(sound, change))
    made = task(recording, CONFIG)
    assert np.isfinite(made.inputs).all() and not made.scored[3, 100]
    assert made.masked["wheel"] == pytest.approx(1 / (TRIALS * 250))


def test_licks_below_zero_are_not_scored(tmp_path: Path, sound: Session) -> None:
    made = task(read(tmp_path, damaged(sound, put("licks", (0, 3, 100), -2))), CONFIG)
    assert not made.scored[3, 100] and made.scored[3, 101]
    assert made.masked["licks"] == pytest.approx(1 / (TRIALS * 250))


def test_arrays_that_may_not_be_written_and_double_precision_are_taken(
    tmp_path: Path, sound: Session
) -> None:
    first = read(tmp_path, sound)
    behaviour = {name: values.astype(float) for name, values in first.behaviour.items()}
    spikes = first.spikes.astype(np.int64)
    for values in (spikes, first.brain_area, first.time, *behaviour.values()):
        values.flags.writeable = False
    again = replace(first, spikes=spikes, behaviour=behaviour)
    ours, theirs = (task(each, CONFIG) for each in (first, again))
    np.testing.assert_array_equal(ours.rates, theirs.rates)
    np.testing.assert_array_equal(ours.inputs, theirs.inputs)
    train(build(theirs, CONFIG), theirs, CONFIG, device="cpu", show_progress=False)
    with pytest.raises(DataError, match="spikes hold negative counts"):
        replace(first, spikes=-spikes)


def test_a_trial_of_unknown_kind_gets_the_common_psth(tmp_path: Path, sound: Session) -> None:
    made = task(read(tmp_path, damaged(sound, put("contrast_left", 6, np.nan))), CONFIG)
    predicted, common = psth_by_condition(made), psth(made)
    np.testing.assert_array_equal(predicted[6], common[6])
    assert (predicted != common).any()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bin_size": 0.0}, "bin_size is 0; give seconds above 0 and up to 1"),
        ({"bin_size": -0.01}, "bin_size is -0.01; give seconds"),
        ({"bin_size": np.nan}, "bin_size is nan; give seconds"),
        ({"bin_size": 10.0}, "bin_size is 10; give seconds"),
        ({"bin_size": "10 ms"}, "bin_size is <U5 of shape"),
        ({"bin_size": np.array([0.01, 0.01])}, r"bin_size is float64 of shape \(2,\); give one number"),
        ({"stim_onset": np.inf}, "stim_onset is inf s, and a trial is 2.5 s long"),
        (
            {"wheel": np.zeros((1, TRIALS, 250), complex)},
            "wheel does not hold numbers in one array; it holds com",
        ),
        ({"licks": np.full((1, TRIALS, 250), "0")}, "licks does not hold numbers in one array; it holds <U1"),
        ({"face": [[1], [1, 2]]}, "face does not hold numbers in one array"),
        ({"gocue": np.zeros(TRIALS, complex)}, "gocue holds complex128, expected one number per trial"),
        ({"stim_onset": 500.0}, "stim_onset is 500 s, and a trial is 2.5 s long; give seconds"),
        (
            {"brain_area": np.full(UNITS, np.nan)},
            "spks: all 12 units are unusable: the brain area is not known",
        ),
        (
            {"brain_area": np.full(UNITS, 1j)},
            "spks: all 12 units are unusable: the brain area is not known",
        ),
        ({"mouse_name": np.array(["Cori"])}, r"mouse_name is <U4 of shape \(1,\); give one text"),
        ({"date_exp": 20161217}, r"date_exp is int64 of shape \(\); give one text"),
    ],
)
def test_what_cannot_be_saved_is_refused(
    tmp_path: Path, sound: Session, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=rf"part\.npz, session 0: {says}") as caught:
        read(tmp_path, sound | changes)
    assert "download" not in str(caught.value) and "fetch" not in str(caught.value)


def test_an_area_that_is_no_text_is_not_known(tmp_path: Path, sound: Session) -> None:
    areas = sound["brain_area"].astype(object)
    areas[4] = 1.5
    recording = read(tmp_path, sound | {"brain_area": areas})
    assert recording.omissions == (Omission("place_unknown", "units", ("4",), 12),)


def test_a_session_without_a_name_is_listed(tmp_path: Path, sound: Session) -> None:
    file = save(tmp_path, sound | {"mouse_name": ["Cori"]}) / "part.npz"
    assert [name for name, _ in open_sessions(file)] == ["unknown"]


def test_a_cutout_of_zeros_is_not_unpacked(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", spks=np.zeros(2**29, np.uint8))
    with pytest.raises(DataError, match=r"bomb\.npz unpacks to 5368\d{5} bytes, more than 3"):
        read_cutout(tmp_path / "bomb.npz")


@pytest.mark.parametrize("factor", [1000, 0.5])
def test_a_clock_in_other_units_is_refused(tmp_path: Path, sound: Session, factor: float) -> None:
    recording = read(tmp_path, sound)
    rest = (recording.spikes, 0, recording.brain_area, recording.behaviour, recording.trials)
    with pytest.raises(DataError, match=r"`time` steps by .*, and a bin lasts 0.01 s; give both in seconds"):
        TrialRecording("own", recording.time * factor, *rest)
    with pytest.raises(DataError, match="bin_size is 10; give seconds"):
        TrialRecording("own", recording.time * 1000, *rest, bin_size=10.0)


def test_a_session_without_a_spike_in_its_training_trials_is_refused(tmp_path: Path, sound: Session) -> None:
    silent = {**sound, "spks": np.zeros_like(sound["spks"])}
    with pytest.raises(DataError, match=r"no spike of .* in the training trials: choose other regions"):
        task(read(tmp_path, silent), CONFIG)
