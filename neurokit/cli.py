"""The command line: `neurokit data | simulate | train | evaluate | submit`, as the notebooks call them.

Without arguments every command runs on the demo source, where nothing is downloaded. `--recording` picks the
Steinmetz session with its PupilEncoder, the SENSORIUM scans with the models of that competition, an Allen
session with the V1 Transformer, or a mouse of the MICrONS kind with its digital twin.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from neurokit import __version__, settings
from neurokit.cli_options import (
    ENCODER,
    SESSION_TYPES,
    Command,
    add_command,
    add_folder,
    add_model,
    add_session,
    add_size,
    add_task,
    add_training,
    add_twin,
    chosen,
    given,
    whole,
)
from neurokit.digital_twin import commands as cli_microns
from neurokit.errors import NeurokitError
from neurokit.sensorium import commands as cli_sensorium
from neurokit.v1_transformer import commands as cli_allen


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, or 2 after a sentence on standard error about what to mend."""
    options = _parser().parse_args(arguments)
    try:
        with settings.source_of(options.source):
            chosen(options)(options)
            sys.stdout.flush()  # here, where a reader that has gone away can be caught
    except BrokenPipeError:  # as in `neurokit data | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python flushes once more
        return 141
    except NeurokitError as error:
        print(f"neurokit: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "neurokit: stopped; what was finished is kept, the same command goes on from there.",
            file=sys.stderr,
        )
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="neurokit", description="Neural encoding models of the mouse visual system."
    )
    parser.add_argument("--version", action="version", version=f"neurokit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    text = "show the source's recording; the full source downloads it first"
    described = _add(commands, "data", text, data)
    add_session(described)
    add_folder(described)
    text = "a folder of released weights of digital twins, whose scans to list"
    described.add_argument("--weights", type=Path, help=text)
    text = "write a simulated session or scan in the real file formats"
    simulated = _add(commands, "simulate", text, simulate)
    simulated.add_argument("--trials", type=whole(1), help="number of trials (default 250; a scan's 1320)")
    text = "which movies an Allen session shows (default three_session_A)"
    simulated.add_argument("--session-type", choices=SESSION_TYPES, help=text)
    simulated.add_argument("--output", type=Path, help="folder (default: in NEUROKIT_DATA)")
    text = "fit a PupilEncoder, a SENSORIUM model, a V1 Transformer or a digital twin and save it"
    trained = _add(commands, "train", text, train)
    add_task(trained)
    add_model(trained)
    add_session(trained)
    add_size(trained)
    add_folder(trained)
    add_twin(trained)
    add_training(trained)
    text = "score what was saved beside its baselines or its ceiling"
    evaluated = _add(commands, "evaluate", text, evaluate)
    add_task(evaluated)
    add_model(evaluated)
    add_session(evaluated)
    add_size(evaluated)
    add_folder(evaluated)
    add_twin(evaluated)
    text = "train an ensemble and write its SENSORIUM submission"
    submitted = add_command(commands, "submit", text, sensorium=cli_sensorium.submit)
    add_model(submitted, default="model_4")
    submitted.add_argument("--members", type=whole(1), help="models to average (default 5)")
    engines = ("here", "processes", "ray")
    submitted.add_argument("--engine", choices=engines, help="how members are trained (default here)")
    text = "members at a time, not with here (default: one on each GPU, or two without one)"
    submitted.add_argument("--workers", type=whole(1), help=text)
    submitted.add_argument("--output", type=Path, help="folder (default: in NEUROKIT_DATA)")
    add_training(submitted)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, steinmetz: Command
) -> argparse.ArgumentParser:
    """A command that all recordings have."""
    modules = {"sensorium": cli_sensorium, "allen": cli_allen, "microns": cli_microns}
    others = {recording: getattr(module, name) for recording, module in modules.items()}
    return add_command(commands, name, text, steinmetz=steinmetz, **others)


def data(options: argparse.Namespace) -> None:
    """Prints what the source's recording holds; downloads it where the source is full."""
    from neurokit.pupil_encoder.sources import load_session

    recording = load_session(seed=options.seed)
    neurons, trials, bins = recording.spikes.shape
    print(f"{recording.name} (source {settings.source()}, files under {settings.data_folder()})")
    print(f"  {neurons} neurons, {trials} trials, {bins} spike bins of {1000 * recording.bin_size:g} ms")
    print("  regions   " + ", ".join(f"{name} {number}" for name, number in recording.regions().items()))
    print("  behaviour " + ", ".join(recording.behaviour))


def simulate(options: argparse.Namespace) -> None:
    """Writes one session as Neuromatch npz, as ALF folder, and its truth."""
    from neurokit.files.atomic import write_output
    from neurokit.pupil_encoder.simulated_files import write_alf, write_neuromatch, write_truth
    from neurokit.pupil_encoder.simulation import SessionParameters, best_r2, simulate_session

    folder = options.output or settings.data_folder() / "simulated" / f"session-{options.seed}"
    with write_output(folder, "neurokit simulate --recording steinmetz") as new:
        session = simulate_session(SessionParameters(seed=options.seed, **given(options, "trials")))
        files = [*write_neuromatch([session], new), write_alf(session, new / "alf")]
        files.append(write_truth(session, new / "truth.npz"))
    print("\n".join(f"wrote {folder / file.relative_to(new)}" for file in files))
    scores = zip(session.parameters.regions, best_r2(session), strict=True)
    print("best reachable R²: " + ", ".join(f"{region.name} {score:.2f}" for region, score in scores))


def train(options: argparse.Namespace) -> None:
    """Fits an encoder, resuming a killed run, and saves it beside the data."""
    from neurokit.pupil_encoder.experiment import train_and_save

    run = train_and_save(seed=options.seed, **given(options, *ENCODER, "epochs", "device", "compile"))
    print(
        f"{run.parameters} parameters, best epoch {run.best_epoch}, validation error {run.best_loss:.4g} Hz²"
    )
    print(f"saved {run.path}")


def evaluate(options: argparse.Namespace) -> None:
    """Prints test scores of the saved encoder (trained first if there is none) and of the baselines."""
    from neurokit.pupil_encoder.experiment import encoder_path, evaluate_saved, is_saved

    asked = {"seed": options.seed} | given(options, *ENCODER)
    if not is_saved(path := encoder_path(**asked)):
        print(f"no encoder at {path}: training one")
    table = evaluate_saved(**asked)
    print(table.round(3).to_string(index=False))
    print(
        "r2_mean: R² against the training mean, with its 95 % interval (low, high); r2_psth: against the\n"
        "training PSTH; null: what 97.5 % of wrong pairings of trials stay below; p: how often one does as\n"
        "well; seed_style: pooled, the smoothing's start-up scored, one number a model."
    )


if __name__ == "__main__":
    sys.exit(main())
