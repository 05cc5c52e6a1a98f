"""What is read of one's own recording: window, images, movies and areas, by command as in Python."""

from pathlib import Path

import numpy as np
import pytest

from neurokit import digital_twin, metrics, sensorium, v1_transformer
from neurokit.cli import main
from neurokit.errors import DataError, SettingsError
from neurokit.experiment import Experiment
from neurokit.recordings import Recording, Stimulus, Trace, write_arrays

UNITS, LATE = 8, (0.6, 0.9)  # s after an image came on when units respond


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    return capsys.readouterr().err


@pytest.fixture
def photos(tmp_path: Path) -> str:
    """Two sets of images, and traces in which units answer late to those of either."""
    random, clock, stimuli = np.random.default_rng(0), np.arange(0, 300, 0.1), []
    traces = 0.1 * random.random((len(clock), UNITS))
    for name, images, first in (("few", 12, 1.0), ("many", 30, 100.0)):
        shown = np.repeat(np.arange(images), 4)
        onsets = first + 1.5 * np.arange(len(shown))
        responses = random.gamma(2, 1, (images, UNITS))[shown]
        for onset, response in zip(onsets, responses, strict=True):
            traces[(clock >= onset + LATE[0]) & (clock < onset + LATE[1])] += response
        frames = random.integers(0, 256, (images, 9, 16), dtype=np.uint8)
        stimuli.append(Stimulus(name, "images", frames, shown, onsets))
    own = Recording("lab", "arrays", np.arange(UNITS), Trace(traces, clock), stimuli=stimuli)
    return str(write_arrays(own, tmp_path / "photos.npz"))


def test_the_window_is_chosen_by_command_as_in_python(
    photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--folder", photos, "--window", "0.6", "0.9"]
    text = said(capsys, "sensorium", "data", *given)
    assert "from 0.6 to 0.9 s after an image came on" in text
    assert text.splitlines()[-1] == f"next: neurokit sensorium train {' '.join(given)} --size small"
    assert "from 0.05 to 0.55 s after" in said(capsys, "sensorium", "data", "--folder", photos)
    found = Experiment("sensorium", folder=photos, values={"window": [0.6, 0.9]}).recording
    usual = Experiment("sensorium", folder=photos).recording
    planted, none = (_explainable(next(iter(each.values()))) for each in (found, usual))
    assert planted > 0.9 and none < 0.1


def _explainable(scan: sensorium.Scan) -> float:
    """Of the variance of single responses, the share that comes back with an image, median of units."""
    values = scan.responses.astype(float)
    return float(np.median(metrics.feve(values, values, scan.image_ids).fraction_explainable))


def test_the_set_of_images_is_chosen_and_listed(photos: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed = said(capsys, "sensorium", "data", "--list", "--folder", photos)
    assert "few (in 48 trials), many (in 120 trials)" in listed
    assert "images of many are taken, not those of few" in said(
        capsys, "sensorium", "data", "--folder", photos
    )
    few = said(capsys, "sensorium", "data", "--folder", photos, "--stimulus", "few")
    assert "images of few are taken, not those of many" in few
    assert "choose one of few, many" in refused(
        capsys, "sensorium", "data", "--folder", photos, "--stimulus", "none"
    )


def test_train_evaluate_and_tune_take_them(photos: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--folder", photos, "--window", "0.6", "0.9", "--stimulus", "few", "--size", "small"]
    given += ["--epochs", "1", "--device", "cpu"]
    trained = said(capsys, "sensorium", "train", *given)
    assert "images of few" in trained and "--window 0.6 0.9 --stimulus few" in trained.splitlines()[-1]
    evaluated = said(capsys, "sensorium", "evaluate", *given)
    assert "training one" not in evaluated
    other = ["few" if each == "few" else each for each in given]
    other[other.index("0.6")] = "0.5"
    assert "training one" in said(capsys, "sensorium", "evaluate", *other)  # another window, another model
    set_by = ["--set", "window=[0.6,0.9]", "--set", "stimulus=few"]
    same = ["--folder", photos, *set_by, "--size", "small", "--epochs", "1", "--device", "cpu"]
    assert "training one" not in said(capsys, "sensorium", "evaluate", *same)
    assert "images of few" in said(capsys, "sensorium", "tune", *given, "--trials", "1")


@pytest.mark.parametrize("values", [{"window": [0.9, 0.6]}, {"window": [0.1]}, {"window": [-1, 1]}])
def test_a_window_that_is_none_is_refused_in_a_sentence(photos: str, values: dict) -> None:
    with pytest.raises(SettingsError, match="window is"):
        _ = Experiment("sensorium", folder=photos, values=values).recording


def test_scans_of_the_competition_have_nothing_to_choose() -> None:
    config = sensorium.MODELS["cnn"].small.replace(stimulus="photos")
    with pytest.raises(SettingsError, match="stimulus choose of a recording of your own"):
        sensorium.load(source="demo", config=config)


@pytest.fixture
def clips(tmp_path: Path) -> str:
    """Two movies, and units of two areas."""
    random, clock, stimuli = np.random.default_rng(0), np.arange(0, 120, 1 / 15), []
    for number, name in enumerate(("clouds", "park")):
        starts = 2 + 55 * number + 17 * np.arange(3)[:, None] + np.arange(450) / 30
        frames = random.integers(0, 256, (450, 12, 16), dtype=np.uint8)
        stimuli.append(Stimulus(name, "movie", frames, np.tile(np.arange(450), 3), starts.ravel()))
    traces, area = random.random((len(clock), UNITS)), np.repeat(["V1", "LM"], [5, 3])
    own = Recording("lab", "arrays", np.arange(UNITS), Trace(traces, clock), area=area, stimuli=stimuli)
    return str(write_arrays(own, tmp_path / "clips.npz"))


@pytest.mark.parametrize("system", ["v1-transformer", "digital-twin"])
def test_movies_and_areas_are_chosen_and_listed(
    system: str, clips: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = said(capsys, system, "data", "--list", "--folder", clips)
    assert "LM, V1" in listed and "clouds (shown 3 times), park (shown 3 times)" in listed
    given = ["--folder", clips, "--movies", "park", "--areas", "LM"]
    text = said(capsys, system, "data", *given)
    assert "3 units" in text or "3 cells" in text
    assert "--movies park --areas LM" in text.splitlines()[-1]
    assert "its areas are LM, V1" in refused(capsys, system, "data", "--folder", clips, "--areas", "V9")
    assert "no movie rain" in refused(capsys, system, "data", "--folder", clips, "--movies", "rain")


def test_a_twin_of_some_areas_is_another_one(clips: str) -> None:
    values = {"areas": "V1", "network.monitor": [12, 16]}
    some = Experiment("digital-twin", folder=clips, size="small", values=values).recording
    both = Experiment(
        "digital-twin", folder=clips, size="small", values={"network.monitor": [12, 16]}
    ).recording
    assert (some.training_data.units, both.training_data.units) == (5, 8) and some.folder != both.folder
    chosen = digital_twin.MODELS["twin"].small.replace(areas=("V1",))
    with pytest.raises(SettingsError, match="areas cannot be chosen of trials"):
        digital_twin.load(folder=some.folder, config=chosen)


def test_a_session_that_was_read_with_other_areas_is_not_taken_for_these(clips: str) -> None:
    config = v1_transformer.MODELS["transformer"].small
    session = v1_transformer.load(folder=clips, config=config.replace(areas=("LM",)))
    assert len(v1_transformer.task(session, config.replace(areas=("LM",))).cell_ids) == 3
    with pytest.raises(DataError, match="was read with units of LM, and areas names V1"):
        v1_transformer.task(session, config.replace(areas=("V1",)))
