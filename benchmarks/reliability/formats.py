"""The formats that are read: how a sound file of each is made, and how it is read again.

`read` returns everything that was read, so that two readings can be compared. `gaps` are arrays in which NaN
marks what was not measured, `signed` those that may be negative; both are patterns of names. `sums` says what
tells one byte from another: "all" where a digest or checksum stands over all that is read, "data" where one
stands over the data (zip), "" where nothing does.
"""

import contextlib
import io
import json
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hyperopt import hp
from torch import nn

from neurokit import (
    Experiment,
    digital_twin,
    fit,
    pupil_encoder,
    sensorium,
    settings,
    tune,
)
from neurokit.cli import main
from neurokit.cutouts import path_of
from neurokit.digital_twin.microns import load_scan as load_microns
from neurokit.digital_twin.microns import load_video
from neurokit.digital_twin.properties import load_properties
from neurokit.errors import DataError
from neurokit.files.fetch import fetch
from neurokit.files.registry import read_registry, sha256
from neurokit.pupil_encoder.neuromatch import read_cutout
from neurokit.pupil_encoder.simulated_files import write_alf
from neurokit.recordings.park import DRIFTING, PARK, STATIC, read_drifting, read_running, read_static
from neurokit.sensorium.official import official_state
from neurokit.sensorium.submission.table import PREDICTION
from neurokit.sensorium.submission.table import rows as submission_rows
from neurokit.training.checkpoint import load as load_checkpoint
from neurokit.training.fit import Rows, masked_squared_error
from neurokit.training.settings import FitSettings
from neurokit.training.system import find_system
from reliability.calls import CONFIGS, MEASURED, NETWORK
from reliability.recordings import WRITERS, write_microns, write_scans

Folder = Path

SCAN_SIGNED = r"^(?!.*/std\.npy).*(behavior|pupil|coordinates|statistics|trial_idx|image_id|unit_ids)"


@dataclass(frozen=True)
class Format:
    """A format: `write` puts a sound one into a new folder, `read` reads it from there."""

    name: str
    write: Callable[[Folder], Any]
    read: Callable[[Folder], Any]
    sums: str = ""
    files: str = "**/*"  # which are mutated
    gaps: str = "(?!)"
    signed: str = "(?!)"
    optional: str = "(?!)"  # arrays that a recording may lack
    tries: int = 60
    loose: tuple[str, ...] = ()  # classes of change that its reader cannot know of


def formats() -> list[Format]:
    """All of them; those of real files where NEUROKIT_REAL_DATA is set."""
    found = [*_recordings(), *_twins(), *_models(), *_small_files()]
    with contextlib.suppress(Exception):
        found += _real(settings.real_data_folder())
    return found


def _recordings() -> list[Format]:
    pupil = (
        r"dat/(pupil|face|wheel|licks|response_time|gocue|feedback_time|reaction_time|ss|trough|waveform|ccf)"
    )
    return [
        Format(
            "Neuromatch npz (pickled)",
            WRITERS["pupil-encoder"],
            partial(_read_system, "pupil-encoder"),
            sums="data",
            files="steinmetz_part0.npz",
            gaps=pupil,
            signed=pupil,
            optional=pupil,
            tries=48,
        ),
        Format(
            "ALF folder",
            _write_alf,
            _read_alf,
            gaps=r"eye|wheel|face|licks|times|intervals",
            signed=r"eye|wheel|face|contrast|choice|times|intervals|feedback",
            tries=48,
        ),
        Format(
            "SENSORIUM zip",
            write_scans,
            partial(_read_system, "sensorium"),
            sums="data",
            files="*90000*94c6ff995dac583098847cfecd43e7b6.zip",
            signed=SCAN_SIGNED,
            tries=60,
        ),
        Format(
            "SENSORIUM folder",
            _unpack_scan,
            lambda folder: _prepared("sensorium", {"a": sensorium.load_scan(_only(folder))}),
            signed=SCAN_SIGNED,
            tries=60,
        ),
        Format(
            "pack of a scan",
            _write_pack,
            _read_pack,
            sums="all",
            files="packs/*.safetensors",
        ),
        Format(
            "Allen NWB (HDF5)",
            WRITERS["v1-transformer"],
            partial(_read_system, "v1-transformer"),
            files="ophys_experiment_data/*.nwb",
            gaps=r"running|Running|Eye|Pupil|pupil",
            signed=r"running|Running|Eye|Pupil|DfOverF|Fluorescence|spherical|pupil|template|roi|pixel|mask|mot",
            tries=24,
        ),
        Format(
            "MICrONS HDF5",
            lambda folder: write_microns(folder / "microns.h5"),
            _read_microns,
            gaps=r"pupil|treadmill",
            signed=r"responses|pupil|treadmill|coordinates|times",
        ),
    ]


def _twins() -> list[Format]:
    loose = r"perspective|modulation"
    return [
        Format(
            "trial folders (npy)",
            WRITERS["digital-twin"],
            partial(_read_system, "digital-twin"),
            files="[te]*/**/*.npy",
            gaps=loose,
            signed=loose,
            tries=40,
        ),
        Format(
            "recording files of the digital twin (npz)",
            WRITERS["digital-twin"],
            lambda folder: (
                _read_system("digital-twin", folder),
                digital_twin.load_truth(folder).parameters,
            ),
            sums="data",
            files="*.npz",
            signed="truth|mean|centre|center|position|phase|gain",
        ),
        Format(
            "FNN released weight files",
            _write_weights,
            _read_weights,
            signed=".*",
        ),
        Format("tables of unit properties (csv, npy)", _write_properties, _read_properties, signed=".*"),
    ]


def _models() -> list[Format]:
    return [
        Format(
            "official SENSORIUM checkpoint (torch)",
            _write_official,
            lambda folder: sensorium.load_official(folder / "model.pth"),
            signed=r"^(?!.*(running_var|num_batches_tracked))",
            tries=120,
        ),
        Format("own checkpoint (safetensors, side-car)", _write_own, _read_own, sums="all", tries=240),
        Format("training state", _write_training, partial(_train, epochs=3), sums="all", tries=120),
        Format("search file", _write_search, partial(_search, trials=4), sums="all", tries=100),
    ]


def _small_files() -> list[Format]:
    return [
        Format("submission CSV", _write_submission, _read_submission, tries=260),
        Format(
            "inputs of predict (npz)",
            partial(_write_inputs, system="sensorium"),
            partial(_predict, system="sensorium", name="inputs.npz"),
            sums="data",
            files="inputs.npz",
            signed="behaviour|pupil",
        ),
        Format(
            "inputs of predict (csv)",
            _write_csv_inputs,
            _predict_csv,
            files="inputs.csv",
            signed=".*",
            loose=("missing", "renamed", "truncated"),  # names and lengths are the model's to check
        ),
        Format("registry of downloads", _write_registry, _read_registry, files="registry.json", tries=200),
        Format(
            "pinned checksums", _write_registry, _read_registry, files="downloads/checksums.json", tries=200
        ),
        Format(
            "downloaded file", _write_registry, _read_registry, files="downloads/x.txt", sums="all", tries=60
        ),
        Format(
            "config file (json)",
            _write_config,
            _read_config,
            files="config.json",
            tries=130,
            loose=("missing",),
        ),
    ]


def _real(folder: Path) -> list[Format]:
    held = {
        "cut-out npz": (path_of("cori"), lambda path: _prepared("pupil-encoder", read_cutout(path))),
        "Park recording (npz)": (path_of(PARK), read_running),
        "Allen drifting gratings (npz)": (DRIFTING, read_drifting),
        "Allen static gratings (npz)": (STATIC, read_static),
    }
    gaps = "pupil|wheel|face|lick|response_time|direction|temporal|orientation|spatial|phase|running|time"
    return [
        Format(
            name,
            partial(_copy, folder / path),
            partial(_read_only, read),
            sums="data",
            tries=40,
            gaps=gaps,
            optional="pupil|wheel|face|lick",
            signed="pupil|wheel|face|dff|time|running|contrast|response|choice|feedback|phase|mean",
        )
        for name, (path, read) in held.items()
        if (folder / path).is_file()
    ]


# How each is written and read


def _only(folder: Path) -> Path:
    return next(path for path in folder.iterdir())


def _read_only(read: Callable[[Path], Any], folder: Path) -> Any:
    return read(_only(folder))


def _copy(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy(source, folder)


def _read_system(name: str, folder: Path) -> Any:
    return _of(Experiment(name, config=CONFIGS[name], folder=folder, device="cpu"))


def _of(experiment: Experiment) -> Any:
    """Recording and task; a warning where something was left out and counted."""
    recording = experiment.recording
    _say_omissions(*(recording.values() if isinstance(recording, Mapping) else [recording]))
    return recording, experiment.task


def _say_omissions(*recordings: Any) -> None:
    if any(getattr(each, "omissions", ()) for each in recordings):
        warnings.warn("something is left out", stacklevel=3)


def _read_microns(folder: Path) -> Any:
    path = folder / "microns.h5"
    scan, videos = load_microns(path, 4, 7), [load_video(path, name) for name in ("clip", "dots")]
    _say_omissions(scan)
    return scan, videos


def _prepared(name: str, recording: Any) -> Any:
    return _of(Experiment(name, config=CONFIGS[name], recording=recording, device="cpu"))


def _read_alf(folder: Path) -> Any:
    read = pupil_encoder.read_alf(_only(folder))
    if read.missing:
        warnings.warn("something is missing", stacklevel=2)
    return _prepared("pupil-encoder", read.recording())


def _write_alf(folder: Path) -> None:
    folder.mkdir(parents=True)
    parameters = pupil_encoder.SessionParameters(trials=30)
    write_alf(pupil_encoder.simulate_session(parameters), folder)


def _unpack_scan(folder: Path) -> None:
    made = write_scans(folder / "zips")
    path = next(made.glob("*90000*6.zip"))
    shutil.unpack_archive(path, folder)
    shutil.rmtree(made)


def _write_pack(folder: Path) -> None:
    write_scans(folder / "zips")
    _read_pack(folder)


def _read_pack(folder: Path) -> Any:
    return sensorium.load_scan(next((folder / "zips").glob("*90000*6.zip")), folder / "packs")


def _write_weights(folder: Path) -> None:
    torch.manual_seed(0)
    network = digital_twin.build_network(3, NETWORK, seed=0)
    units = pd.DataFrame({"unit_id": [1, 2, 5]})
    digital_twin.save_weights(folder, network.state_dict(), units, 4, 7)


def _read_weights(folder: Path) -> Any:
    twin = digital_twin.load_released(folder, 4, 7, settings=NETWORK, device="cpu")
    return twin.network, twin.units


def _write_properties(folder: Path) -> None:
    from neurokit.digital_twin.properties import LOCATIONS, TABLES, UNIT

    random = np.random.default_rng(0)
    index = pd.MultiIndex.from_tuples([(4, 7, 1), (4, 7, 2), (5, 6, 1)], names=UNIT)
    names = [name for columns in TABLES.values() for name in columns]
    table = pd.DataFrame({name: random.random(3) for name in (*names, *LOCATIONS)}, index=index)
    table["brain_area"], table["field"] = "V1", 1
    responses, stimulus = random.random((3, 6)), random.integers(0, 255, (6, 4, 5), np.uint8)
    digital_twin.write_properties(folder, table, random.random((3, 4)), responses, stimulus)


def _read_properties(folder: Path) -> Any:
    from neurokit.digital_twin.properties import TABLES

    return load_properties(folder, *TABLES)


def _write_official(folder: Path) -> None:
    folder.mkdir(parents=True)
    shapes = {"21067-10-18": sensorium.MouseShape(neurons=4, trials=10)}
    places = {key: np.random.default_rng(0).random((4, 2)) for key in shapes}
    model = sensorium.make_model(shapes, sensorium.CNN_PLUS, seed=0, coordinates=places)
    torch.save(official_state(model), folder / "model.pth")


def _write_own(folder: Path) -> None:
    from neurokit.training.checkpoint import save

    folder.mkdir(parents=True)
    torch.manual_seed(0)
    save(nn.Linear(2, 3), folder / "model", {"in_features": 2, "out_features": 3}, arrays={"a": np.ones(4)})


def _read_own(folder: Path) -> Any:
    found = load_checkpoint(folder / "model", nn.Linear)
    return found.model, found.facts, found.arrays


def _write_training(folder: Path) -> None:
    folder.mkdir(parents=True)
    _train(folder, epochs=2)


def _train(folder: Path, epochs: int) -> Any:
    random = torch.Generator().manual_seed(0)
    draw = partial(torch.randn, generator=random)
    rows = Rows(draw(6, 5, 2), draw(6, 5, 1), torch.ones(6, 5, dtype=torch.bool))
    torch.manual_seed(0)
    result = fit(
        nn.Linear(2, 1),
        masked_squared_error,
        rows,
        rows,
        FitSettings(epochs=epochs, batch_size=3),
        checkpoint=folder / "run.training",
        show_progress=False,
    )
    return result.model, result.history, result.best_loss


def _write_search(folder: Path) -> None:
    folder.mkdir(parents=True)
    _search(folder, trials=3)


def _search(folder: Path, trials: int) -> Any:
    space = {"x": hp.uniform("x", -1, 1), "size": hp.quniform("size", 1, 5, 1)}
    study = tune.search(
        _square, space, trials=trials, seed=0, start_up_trials=2, file=folder / "s.json", progress=False
    )
    return study.trials.drop(columns=["seconds"], errors="ignore"), study.best


def _square(values: dict[str, Any]) -> float:
    return values["x"] ** 2


def _scan() -> Any:
    """A scan that a submission belongs to, in memory."""
    parameters = sensorium.ScanParameters(
        mouse=sensorium.MouseParameters(neurons=4), train=10, validation=4, test_images=2, repeats=2
    )
    return sensorium.simulate_scan(parameters)


def _write_submission(folder: Path) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    sensorium.write_rows(
        folder / "submission_file_live_test.csv",
        random.random((6, 4)),
        np.arange(6),
        np.array([0, 0, 1, 1, 2, 2]),
        np.array([1, 2, 4, 8]),
    )
    sensorium.write_rows(
        folder / "ground_truth_file_test.csv",
        random.random((6, 4)) + 1,
        np.arange(6),
        np.array([0, 0, 1, 1, 2, 2]),
        np.array([1, 2, 4, 8]),
        kind="responses",
    )


def _read_submission(folder: Path) -> Any:
    ours, theirs = folder / "submission_file_live_test.csv", folder / "ground_truth_file_test.csv"
    found = [(row.trial, row.image, row.values, row.neurons) for row in submission_rows(ours, PREDICTION)]
    return found, sensorium.score_submission(theirs, ours)


def _write_inputs(folder: Path, system: str) -> None:
    folder.mkdir(parents=True)
    np.savez(folder / "inputs.npz", **MEASURED[system]())
    made = Experiment(
        system, config=CONFIGS[system].with_epochs(1), folder=WRITERS[system](folder / "own"), device="cpu"
    )
    made.train(show_progress=False)
    for path in made.path.parent.glob(f"{made.path.name}.*"):
        shutil.copy(path, folder / f"model{path.suffix}")
    shutil.rmtree(folder / "own")


def _predict(folder: Path, system: str, name: str) -> Any:
    """What the command writes; its sentence as the error that it was."""
    output = folder / "rates.npz"
    words = ["--checkpoint", folder / "model.json", "--input", folder / name, "--output", output]
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = main([system, "predict", *map(str, words)])
    if code:
        raise DataError(said.getvalue().strip().removeprefix("neurokit: "))
    with np.load(output) as found:
        return dict(found)


def _write_csv_inputs(folder: Path) -> None:
    _write_inputs(folder, "v1-transformer")
    random = np.random.default_rng(0)
    pd.DataFrame({"running": random.random(30), "frames": random.integers(0, 9, 30)}).to_csv(
        folder / "inputs.csv", index=False
    )


def _predict_csv(folder: Path) -> Any:
    from neurokit.cli.commands import _read_arrays

    return _read_arrays(folder / "inputs.csv")


def _write_registry(folder: Path) -> None:
    downloads = folder / "downloads"
    downloads.mkdir(parents=True)
    (downloads / "x.txt").write_text("what was downloaded\n" * 20)
    entry = {"name": "x.txt", "recording": "x", "bytes": None, "sha256": None, "md5": None, "urls": []}
    entry |= {"licence": "none", "citation": "none", "page": "", "note": ""}
    (folder / "registry.json").write_text(json.dumps({"files": [entry]}))
    digest, size = sha256(downloads / "x.txt"), (downloads / "x.txt").stat().st_size
    (downloads / "checksums.json").write_text(json.dumps({"x.txt": {"sha256": digest, "bytes": size}}))


def _read_registry(folder: Path) -> Any:
    path = fetch("x.txt", folder / "downloads", registry=folder / "registry.json", tell=lambda _: None)
    return read_registry(folder / "registry.json"), path.read_bytes()


def _write_config(folder: Path) -> None:
    folder.mkdir(parents=True)
    config = CONFIGS["pupil-encoder"]
    (folder / "config.json").write_text(json.dumps(config.to_dict()))


def _read_config(folder: Path) -> Any:
    from neurokit.cli.options import experiment_of, parser_of

    parser = parser_of(find_system("pupil-encoder"), "train", "", ("", ""))
    return experiment_of(
        find_system("pupil-encoder"), parser.parse_args(["--config", str(folder / "config.json")])
    ).config.to_dict()
