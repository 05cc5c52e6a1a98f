"""The ceiling of one's own recording, beside the scores: what was planted reaches it; nothing is made up."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neurokit.pupil_encoder.experiment
from neurokit import pupil_encoder, sensorium, v1_transformer
from neurokit.cli import main
from neurokit.experiment import Experiment
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.scores import ceiling_table as ceilings
from neurokit.pupil_encoder.scores import explain_ceiling as explain_rates
from neurokit.pupil_encoder.simulated_files import best_r2, write_alf
from neurokit.pupil_encoder.simulation import SessionParameters, simulate_session
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.scores import ceiling_table
from neurokit.sensorium.scores import explain_ceiling as explain_images
from neurokit.sensorium.scores import score_table as image_scores
from neurokit.v1_transformer.features import MovieTask
from neurokit.v1_transformer.scores import repeat_ceiling
from neurokit.v1_transformer.scores import score_table as movie_scores
from tests.labs import write_labs

UNITS = 60
SESSION = SessionParameters()


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))


# --- images


def scan(noise: float, repeats: list[int]) -> tuple[dict[str, MouseTrials], dict[str, np.ndarray]]:
    """A task whose test images were shown so often, and what a model that knows them says of these trials."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20 + len(repeats), 9, 16))
    shown = np.concatenate([np.arange(20), np.repeat(20 + np.arange(len(repeats)), repeats)])
    drive = random.normal(size=(len(images), UNITS))[shown]
    responses = 20 + drive + noise * random.normal(size=drive.shape)
    tiers = np.where(shown >= 20, "test", np.where(shown < 15, "train", "validation"))
    found = sensorium.from_arrays(images, responses, image_ids=shown, tiers=tiers)
    task = sensorium.task(found, sensorium.MODELS["cnn"].small)
    known = {key: drive[mouse.trials("test").numpy()] for key, mouse in task.items()}
    return dict(task), known


@pytest.mark.parametrize("noise", [0.5, 2.0])
@pytest.mark.parametrize("repeats", [[8] * 60, [8] * 30 + [2] * 30 + [1] * 30])
def test_a_model_that_knows_what_images_do_reaches_their_ceiling(noise: float, repeats: list[int]) -> None:
    task, known = scan(noise, repeats)
    reached = image_scores(task, known).set_index("mouse").loc["all"]
    best = ceiling_table(task, "image").set_index("mouse").loc["all"]
    assert best["neurons"] == UNITS
    for score in ("single_trial", "to_average"):
        assert best[score] == pytest.approx(reached[score], abs=0.04), score
    assert best["single_trial"] == pytest.approx(1 / np.sqrt(1 + noise**2), abs=0.06)


def test_without_repeated_test_images_it_is_said_that_there_is_no_ceiling() -> None:
    config = sensorium.MODELS["cnn"].small
    for repeats in ([1] * 30, [5, *[1] * 29]):
        task, _ = scan(0.5, repeats)
        assert ceiling_table(task, "image").empty
        assert explain_images(task, config).startswith("no ceiling: two test images or more")
    task, _ = scan(0.5, [2] * 30)
    assert explain_images(task, config).startswith("ceiling: from this recording")


# --- a movie


def movie(noise: float) -> tuple[MovieTask, np.ndarray]:
    """A task of three repeats, and what a model that knows what was planted says of its test frames."""
    random = np.random.default_rng(0)
    frames, repeats = random.integers(0, 256, (900, 20, 40), dtype=np.uint8), 3
    starts = 1 + 32 * np.arange(repeats)[:, None] + np.arange(900) / 30
    time = np.arange(0, 100, 1 / 30)
    drive = np.zeros((len(time), UNITS))
    sample = np.round(starts * 30).astype(int)
    drive[sample] = random.normal(size=(900, UNITS))
    given = {
        "traces": drive + noise * random.normal(size=drive.shape),
        "trace_times": time,
        "frame_times": starts,
    }
    task, known = (
        v1_transformer.task(
            v1_transformer.from_arrays(frames, **given | new), v1_transformer.MODELS["transformer"].small
        )
        for new in ({}, {"traces": drive})
    )
    return task, known.responses[:, known.split.test]


@pytest.mark.parametrize("noise", [0.5, 1.5])
def test_a_model_that_knows_what_a_movie_does_reaches_its_ceiling(noise: float) -> None:
    task, known = movie(noise)
    cells = task.reliable()
    [reached] = movie_scores(task, {"known": known}, cells=cells).to_dict("records")
    [best] = repeat_ceiling(task).to_dict("records")
    assert best["cells"] == reached["cells"] > UNITS / 2
    for score in ("single_trial", "cc_abs"):
        assert best[score] == pytest.approx(reached[score], abs=0.06), score
    assert best["single_trial"] == pytest.approx(1 / np.sqrt(1 + noise**2), abs=0.07)


# --- rates


def rates(folder: Path, latent: float) -> tuple[TrialRecording, np.ndarray]:
    """A session whose regions share nothing but behaviour and a fluctuation, and its best R²."""
    regions = tuple(each.replace(latent=latent) for each in SESSION.regions[:2])
    session = simulate_session(SESSION.replace(regions=regions, trials=150, seed=4))
    return pupil_encoder.load(folder=write_alf(session, folder)), best_r2(session)


def test_halves_of_the_units_tell_what_was_planted(tmp_path: Path) -> None:
    config = pupil_encoder.MODELS["rnn"].small.replace(split="blocked")
    own, known = rates(tmp_path / "alone", latent=0)
    assert own.truth is None
    found = ceilings(pupil_encoder.task(own, config), config)
    np.testing.assert_allclose(found["r2_mean"], known, atol=0.06)
    assert (found["r2_psth"] <= found["r2_mean"] + 0.02).all()
    own, known = rates(tmp_path / "shared", latent=0.22)
    shared = ceilings(pupil_encoder.task(own, config), config)
    assert (shared["r2_mean"] > known + 0.05).all()  # nobody can tell it from what behaviour explains


def test_units_that_share_nothing_leave_nothing_beside_the_psth(tmp_path: Path) -> None:
    """The control: the trials of each unit in an order of its own."""
    config = pupil_encoder.MODELS["rnn"].small
    own, _ = rates(tmp_path / "alone", latent=0.22)
    random = np.random.default_rng(0)
    mixed = np.stack([random.permutation(each) for each in own.spikes])
    found = ceilings(pupil_encoder.task(replace(own, spikes=mixed), config), config)
    assert (np.abs(found["r2_psth"]) < 0.12).all()


def test_a_region_of_too_few_units_has_no_ceiling_and_it_is_said(tmp_path: Path) -> None:
    config = pupil_encoder.MODELS["rnn"].small.replace(regions=("SCs", "SCm"))
    own, _ = rates(tmp_path / "alone", latent=0.22)
    few = np.flatnonzero(own.brain_area == "SCs")[3:]
    area = own.brain_area.astype("U9")
    area[few] = "other"
    task = pupil_encoder.task(replace(own, brain_area=area), config)
    assert ceilings(task, config)["region"].tolist() == ["SCm"]
    said = explain_rates(task, config)
    assert said.startswith("ceiling: from this recording") and "no ceiling in SCs: it takes 4" in said
    none = pupil_encoder.task(replace(own, brain_area=area), config.replace(regions=("SCs",)))
    assert ceilings(none, config).empty and explain_rates(none, config).startswith("no ceiling in SCs")


# --- where it is read


LABS = {"pupil-encoder": "probe.npz", "sensorium": "photos.npz", "v1-transformer": "movie.npz"}


@pytest.mark.parametrize("system", LABS)
def test_evaluate_shows_the_ceiling_of_a_recording_of_ones_own(
    system: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_labs(tmp_path)
    place = ["--folder", str(tmp_path / LABS[system]), "--size", "small", "--epochs", "1", "--device", "cpu"]
    assert main([system, "evaluate", *place]) == 0
    said = capsys.readouterr().out
    assert "\nceiling: from this recording, " in said and "simulated" not in said
    experiment = Experiment(system, folder=tmp_path / LABS[system], size="small", epochs=1, device="cpu")
    scores = experiment.evaluate()
    assert (scores["model"] == "ceiling").any() and experiment.ceiling in said
    measure = "r2_mean" if system == "pupil-encoder" else "single_trial"
    assert scores.loc[scores["model"] == "ceiling", measure].between(0, 1).all()
    [held] = (tmp_path / "data" / "checkpoints").glob("*-scores.json")
    assert json.loads(held.read_text())["ceiling"] == experiment.ceiling


def test_evaluate_says_why_images_shown_once_have_no_ceiling(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = write_labs(tmp_path)["photos"]
    once = {name: lab[name][:30] for name in ("images", "responses")}
    np.savez(tmp_path / "once.npz", **once)  # type: ignore[arg-type]
    place = ["--folder", str(tmp_path / "once.npz"), "--size", "small", "--epochs", "1", "--device", "cpu"]
    assert main(["sensorium", "evaluate", *place]) == 0
    said = capsys.readouterr().out
    assert "\nno ceiling: two test images or more must be shown twice or more\n" in said


def test_the_line_is_made_once_and_is_of_what_is_read_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halving the units takes as long as scoring them."""
    calls = []
    explain = neurokit.pupil_encoder.experiment.explain_ceiling
    monkeypatch.setattr(
        neurokit.pupil_encoder.experiment,
        "explain_ceiling",
        lambda *given: calls.append(1) or explain(*given),
    )
    experiment = Experiment("pupil-encoder", source="demo")
    assert experiment.ceiling == experiment.ceiling and len(calls) == 1
    other = experiment.with_values({"smoothing": "gaussian"}).ceiling
    assert other.startswith("no ceiling") and not experiment.ceiling.startswith("no ceiling")
