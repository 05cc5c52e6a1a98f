"""The command line: `neurokit data | simulate | train | evaluate`, as the notebooks call them.

Without arguments every command runs on the demo tier, where nothing is downloaded.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from neurokit import __version__, settings
from neurokit.errors import NeurokitError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, or 2 after a sentence on standard error about what to mend."""
    options = _parser().parse_args(arguments)
    try:
        with settings.tier_of(options.tier):
            options.command(options)
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
    _command(commands, "data", data, "show the tier's recording; the full tier downloads it first")
    simulated = _command(commands, "simulate", simulate, "write a simulated session in the real file formats")
    simulated.add_argument("--trials", type=whole(1), default=250, help="number of trials (default 250)")
    simulated.add_argument("--output", type=Path, help="folder (default: in NEUROKIT_DATA)")
    trained = _command(commands, "train", train, "fit a PupilEncoder and save it")
    _task_options(trained)
    trained.add_argument(
        "--cell", choices=("rnn", "gru", "lstm"), default="gru", help="recurrent cell (default gru)"
    )
    trained.add_argument("--hidden", type=whole(1), default=27, help="hidden units (default 27)")
    trained.add_argument("--layers", type=whole(1), default=1, help="recurrent layers (default 1)")
    trained.add_argument("--epochs", type=whole(1), default=60, help="at most so many epochs (default 60)")
    trained.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default auto)")
    _task_options(_command(commands, "evaluate", evaluate, "score the saved encoder beside every baseline"))
    return parser


def whole(least: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to 2**32 - 1, which every seed and size here has to be."""

    def parse(text: str) -> int:
        if not text.strip().isdecimal() or not least <= int(text) < 2**32:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to 4294967295")
        return int(text)

    return parse


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--tier", choices=settings.TIERS, help="demo, cutout or full (default: NEUROKIT_TIER or demo)"
    )
    parser.add_argument(
        "--seed", type=whole(0), default=0, help="seed of simulation, split and weights (default 0)"
    )
    parser.set_defaults(command=function)
    return parser


def _task_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--inputs", choices=("pupil", "behaviour"), default="pupil", help="pupil alone, or all there is"
    )
    parser.add_argument(
        "--split", choices=("random", "blocked"), default="random", help="how trials are split"
    )


def data(options: argparse.Namespace) -> None:
    """Prints what the tier's recording holds; downloads it where the tier is full."""
    from neurokit.data.steinmetz import load_session

    recording = load_session(seed=options.seed)
    neurons, trials, bins = recording.spikes.shape
    print(f"{recording.name} (tier {settings.tier()}, files under {settings.data_folder()})")
    print(f"  {neurons} neurons, {trials} trials, {bins} spike bins of {1000 * recording.bin_size:g} ms")
    print("  regions   " + ", ".join(f"{name} {number}" for name, number in recording.regions().items()))
    print("  behaviour " + ", ".join(recording.behaviour))


def simulate(options: argparse.Namespace) -> None:
    """Writes one session as Neuromatch npz, as ALF folder, and its truth."""
    from neurokit.simulate.steinmetz import SessionParameters, best_r2, simulate_session
    from neurokit.simulate.steinmetz_files import write_alf, write_neuromatch, write_truth

    folder = options.output or settings.data_folder() / "simulated" / f"session-{options.seed}"
    session = simulate_session(SessionParameters(trials=options.trials, seed=options.seed))
    files = [*write_neuromatch([session], folder), write_alf(session, folder / "alf")]
    files.append(write_truth(session, folder / "truth.npz"))
    print("\n".join(f"wrote {file}" for file in files))
    scores = zip(session.parameters.regions, best_r2(session), strict=True)
    print("best reachable R²: " + ", ".join(f"{region.name} {score:.2f}" for region, score in scores))


def train(options: argparse.Namespace) -> None:
    """Fits an encoder, resuming a killed run, and saves it beside the data."""
    from neurokit.pupil_run import train_and_save

    run = train_and_save(
        inputs=options.inputs,
        split=options.split,
        seed=options.seed,
        cell=options.cell,
        hidden=options.hidden,
        layers=options.layers,
        epochs=options.epochs,
        device=options.device,
    )
    print(
        f"{run.parameters} parameters, best epoch {run.best_epoch}, validation error {run.best_loss:.4g} Hz²"
    )
    print(f"saved {run.path}")


def evaluate(options: argparse.Namespace) -> None:
    """Prints test scores of the saved encoder (trained first if there is none) and of the baselines."""
    from neurokit.pupil_run import evaluate_saved

    table = evaluate_saved(inputs=options.inputs, split=options.split, seed=options.seed)
    print(table.round(3).to_string(index=False))
    print(
        "r2_mean: R² against the training mean, with its 95 % interval (low, high); r2_psth: against the\n"
        "training PSTH; null: what 97.5 % of wrong pairings of trials stay below; p: how often one does as\n"
        "well; seed_style: pooled, the smoothing's start-up scored, one number a model."
    )


if __name__ == "__main__":
    sys.exit(main())
