"""One flow for all systems: recording, task, model, training, scores, and a file that says what it holds.

    experiment = Experiment("sensorium", model="cnn_plus", source="demo", seed=0)
    experiment.train().evaluate()

An experiment is its arguments: the same ones find the same checkpoint again, finished or broken off, and
any other has a file of its own. The flow itself is four functions of a system's package, which may be
called one by one: `load`, `task`, `build`, `train`.
"""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from neurokit import settings, tune
from neurokit.arguments import explain_failure, explain_values
from neurokit.config import Count, Seed, check_value
from neurokit.errors import CheckpointError, DataError, FitError, NeurokitError, SettingsError
from neurokit.figures.style import style_context
from neurokit.files.atomic import atomic_write
from neurokit.files.locks import hold_lock
from neurokit.training import checkpoint
from neurokit.training.checkpoint import Checkpoint
from neurokit.training.choices import (
    Session,
    Size,
    check_build,
    check_folder,
    check_places,
    check_session,
    choose_config,
    choose_size,
    identify,
    is_simulated,
)
from neurokit.training.device import Compile, check_compile, choose_device
from neurokit.training.fit import TrainingResult
from neurokit.training.omissions import Omission
from neurokit.training.own_model import build_code, build_file, describe_error
from neurokit.training.state import remove_finished
from neurokit.training.system import Build, Score, System, SystemConfig, find_system


class Experiment:
    """A model of a system on a recording, from file to scores.

    Args:
        system: 'pupil-encoder', 'sensorium', 'v1-transformer' or 'digital-twin'.
        model: one of the system's models; None is its first, or, where the system looks, the best whose
            inputs a recording of one's own has. It stands for a config.
        config: what is trained, and how, in place of that of a `model`.
        values: single fields of the config by name, such as {"fit.learning_rate": 1e-3}.
        epochs: the largest number, in place of the config's.
        size: 'small' or 'published'; None is small for a simulated recording, else published.
        source: demo, cutout or full; None is that of NEUROKIT_SOURCE.
        folder: of a recording of one's own, or its file, in place of a source.
        recording: one that has been read already, in place of a source.
        session: one or several of the source's or the folder's sessions; None is its default, or all.
        seed: picks the simulated recording, and is added to the seeds of the config.
        build: makes the model out of task and config, in place of the system's own.
        device: auto, cpu, cuda or mps.
        compile: of training steps; changes nothing but rounding.

    Raises SettingsError for an argument that cannot be, before anything is simulated, downloaded or read.
    """

    @explain_failure
    def __init__(
        self,
        system: str,
        *,
        model: str | None = None,
        config: SystemConfig | None = None,
        values: Mapping[str, Any] | None = None,
        epochs: int | np.integer | None = None,
        size: Size | None = None,
        source: str | None = None,
        folder: str | Path | None = None,
        recording: Any = None,
        session: Session = None,
        seed: int | np.integer = 0,
        build: Build | None = None,
        device: str = "auto",
        compile: Compile = "none",
    ) -> None:
        self.system_name = find_system(str(system)).NAME
        check_places(source, folder, recording)
        self.folder = check_folder(folder)
        self.given = recording is not None
        self.source = settings.check_source(source)
        self.seed = check_value("seed", seed, Seed)
        self.session = check_session(session)
        check_build(build)
        self.build, self.device, self.compile = build, check_value("device", device, str), compile
        check_compile(compile, choose_device(device))
        self.size = choose_size(size, is_simulated(self.source, self.folder, recording))
        choose = functools.partial(self._chosen, model, config, build, values, epochs)
        self.model_name, self.config = choose(None)
        if self.given:  # from here on values are read
            self._identity = identify(self.system, recording)  # once: it reads all of them
            self.recording = recording
        if model is None and config is None and (default := self._default_model(recording)):
            self.model_name, self.config = choose(default)

    # What it is, and where it lies

    @property
    def system(self) -> System:
        """What the system's package offers."""
        return find_system(self.system_name)

    @property
    def facts(self) -> dict[str, Any]:
        """What distinguishes this experiment from every other, as JSON can hold it."""
        return {
            "system": self.system.NAME,
            "model_name": self.model_name,
            "build": None if self.build is None else build_code(self.build),
            **self._where,
            "session": list(self.session),
            "seed": self.seed,
            "config": self.config.to_dict(),
        }

    @property
    def _where(self) -> dict[str, Any]:
        if self.given:
            return {"recording": self._identity}
        return {"source": self.source} if self.folder is None else {"folder": str(self.folder.absolute())}

    @property
    def _place(self) -> str:
        if self.given:
            return "given"
        if self.folder is None:
            return self.source
        return self.folder.stem if self.folder.is_file() else self.folder.absolute().name

    @property
    def path(self) -> Path:
        """Of the checkpoint, without suffix: system, recording, model, seed, and a digest of all facts."""
        digest = hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()[:10]
        parts = [self.system.NAME, self._place, *self.session[:1], self.model_name, str(self.seed), digest]
        return settings.data_folder() / "checkpoints" / "-".join(parts)

    @property
    def unfinished(self) -> Path:
        """Of the training's state until it is over."""
        return self.path.with_name(f"{self.path.name}.training")

    @property
    def is_trained(self) -> bool:
        """Whether its checkpoint is there."""
        return checkpoint.is_saved(self.path)

    @property
    def description(self) -> str:
        """One line on which model of which recording this is."""
        where = self._place if self.folder is None else str(self.folder)
        session = f", session {', '.join(self.session)}" if self.session else ""
        size = (
            f"{self.size} size" if self.build is None else f"a model of your own, config of {self.size} size"
        )
        model = f"{self.system.NAME} {self.model_name} ({size})"
        return f"{model}, recording {where}{session}, seed {self.seed}"

    def __repr__(self) -> str:
        return f"<Experiment: {self.description}>"

    # The flow

    @cached_property
    def recording(self) -> Any:
        """The system's recording, read on the first call; raises what reading does."""
        return self.system.load(
            source=self.source,
            folder=self.folder,
            session=self.session,
            seed=self.seed,
            config=self.config,
        )

    @cached_property
    def task(self) -> Any:
        """What the model is fitted to, made on the first call; what it leaves out is printed."""
        made = self.system.task(self.recording, self.config, device=self.device)
        self._print_omissions(made)
        return made

    @cached_property
    def untrainable(self) -> str:
        """Why no model can be trained on the recording, so that baselines alone are scored; else empty."""
        explain = getattr(self.system, "explain_untrainable", None)
        return "" if explain is None else explain(self.recording)

    @property
    def omissions(self) -> tuple[Omission, ...]:
        """Units, trials, channels or repeats that are left out, by which rule."""
        return tuple(self.system.omissions(self.task))

    def untrained(self) -> nn.Module:
        """A new model for the task, by `build` where it was given; SettingsError where that makes none."""
        if self.build is None:
            return self.system.build(self.task, self.config)
        try:
            model = self.build(self.task, self.config)
        except NeurokitError:
            raise
        except Exception as error:  # whatever a function of one's own raises
            reason = describe_error(error, build_file(self.build))
            raise SettingsError(
                f"build failed ({reason}); it is called as {self.model_name}(task, config)."
            ) from error
        if not isinstance(model, nn.Module):
            found = type(model).__name__
            raise SettingsError(f"build returned a {found} for {self.model_name}; return a torch.nn.Module.")
        return model

    @explain_failure
    def train(self, *, again: bool = False, **options: Any) -> "Experiment":
        """Trains and saves the model, or goes on where that was broken off; returns itself.

        A model that is there is taken as it is, unless `again`; one that another process is training is
        waited for. `options` go to `fit`. Raises what loading, preparing and training raise, and
        CheckpointError for a checkpoint of other data.
        """
        self._check_trainable()  # so that what is wrong with it is said before anything is made
        with hold_lock(self.path, needed=again or not self.is_trained):
            if again or not self.is_trained:
                self._opened = self._trained(options)
            else:
                _ = self.result
        return self

    @property
    def result(self) -> TrainingResult:
        """The trained model and its history; it is trained first where it was not.

        Raises CheckpointError for a damaged checkpoint, or one of other data.
        """
        if self._opened is None:
            self._check_trainable()
            with hold_lock(self.path, needed=not self.is_trained):
                self._opened = self._loaded() if self.is_trained else self._trained({})
        return self._opened

    def evaluate(self) -> pd.DataFrame:
        """Test scores of the model, its baselines, and the ceiling where it is known.

        Where no model can be trained, they are those of the baselines.
        """
        if self.untrainable:
            return self.system.evaluate(None, self.task, self.config)
        result = self.result  # first, since its transforms replace those of the task
        return self.system.evaluate(result.model, self.task, self.config)

    @cached_property
    def ceiling(self) -> str:
        """Where the ceiling in the scores comes from, or why there is none, in a line."""
        return self.system.explain_ceiling(self.task, self.config)

    def score(self) -> Score:
        """The validation score of the model, beside what needs no network."""
        result = self.result
        return self.system.score(result, self.task, self.config)

    @explain_values
    def save_scores(self, scores: pd.DataFrame) -> tuple[Path, ...]:
        """Writes a table, all scores as JSON, and a picture beside the checkpoint; returns their paths."""
        stem = f"{self.path.name}-scores"
        table, text, picture = (self.path.with_name(f"{stem}.{kind}") for kind in ("csv", "json", "png"))
        validation, rows = self._validation, json.loads(scores.to_json(orient="records"))
        with atomic_write(table) as new:
            scores.to_csv(new, index=False)
        with atomic_write(text) as new:
            known = {"validation": validation, "test": rows, "ceiling": self.ceiling}
            held = {**self.facts, **self._left_out, **known}
            new.write_text(json.dumps(held, indent=2))
        with atomic_write(picture) as new, style_context():
            self.system.draw(scores).savefig(new, format="png", dpi=150, bbox_inches="tight")
        return table, text, picture

    @explain_failure
    def predict(self, part: str = "test") -> Any:
        """Rates for a part of the task, as the system's metrics take them."""
        result = self.result
        return self.system.predict(result.model, self.task, part)

    @explain_failure
    def tune(
        self,
        trials: int,
        *,
        space: Mapping[str, Any] | None = None,
        file: str | Path | None = None,
        seed: int | np.integer | None = None,
        search: Callable[..., tune.Study] = tune.search,
        **options: Any,
    ) -> tune.Study:
        """Searches the config's fields for the lowest validation loss; test data stay untouched.

        `space` has fields by name, in hyperopt's terms (default: the system's own). The state lies in
        `file`, by default beside the checkpoint, and an unfinished search goes on from it. `search` is that
        of `neurokit.tune`, or `neurokit.distributed.search.search_on_ray`, whose state is a folder; `options`
        go to it. A file has what the task leaves out as `left_out`, and what identifies the data; one of
        other data raises CheckpointError. The best point, trained and saved, is
        `experiment.with_values(study.best).train()`.
        """
        space = dict(space or self.system.search_space())
        takes = inspect.signature(search).parameters
        on_ray = "storage" in takes
        ending = ".search" if on_ray else ".search.json"
        file = self.path.with_name(f"{self.path.name}{ending}") if file is None else Path(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        options |= {"seed": self.seed if seed is None else seed, "storage" if on_ray else "file": file}
        objective = self.objective()
        if "data" in takes:
            options["data"] = self.system.identity(self.recording)
        if "facts" in takes:
            options["facts"] = self._left_out
        return search(objective, space, trials=trials, **options)

    def objective(self) -> "Objective":
        """What a search makes small: the validation loss of this experiment with other values."""
        self._check_trainable()
        _ = self.task  # made here, so that no trial makes it anew
        return Objective(self)

    @explain_failure
    def submit(self, folder: str | Path | None = None, **options: Any) -> Any:
        """Trains an ensemble and writes what a competition takes; `options` go to the system's `submit`.

        Raises SettingsError for a system without a competition, and for a recording that was given, since
        each member reads the files itself.
        """
        if not hasattr(self.system, "submit"):
            raise SettingsError(f"{self.system.NAME} has nothing to submit; sensorium has a competition.")
        if self.given:
            raise SettingsError("recording cannot be submitted; give the source or the folder of its files.")
        place = settings.data_folder() / "submissions" / self.path.name if folder is None else Path(folder)
        where = {name: getattr(self, name) for name in ("source", "folder", "session", "seed", "config")}
        how = {"device": self.device, "compile": self.compile} | options
        if self.build is not None:
            how["build"] = self.build
        members = self.path.with_name(f"{self.path.name}-members")
        load = functools.partial(self.system.load, **where)
        return self.system.submit(load, self.config, place, members_folder=members, **how)

    @explain_failure
    def with_values(self, values: Mapping[str, Any]) -> "Experiment":
        """The same experiment with other values in some fields of its config.

        Recording and task are shared, unless a field that they depend on is another.
        """
        other = object.__new__(Experiment)
        other.__dict__.update(self.__dict__)
        other.config, other._opened = self.config.with_values(values), None
        other.__dict__.pop("ceiling", None)  # it is of what the model reads
        mine, theirs = (
            [each.config.value(name) for name in self.system.DATA_FIELDS] for each in (self, other)
        )
        if mine != theirs:
            for name in ("task",) if self.given else ("recording", "task", "untrainable"):
                other.__dict__.pop(name, None)
        return other

    # Inside

    def _chosen(
        self, model: str | None, config: Any, build: Any, values: Any, epochs: Any, default: str | None
    ) -> tuple[str, SystemConfig]:
        """The name of the model, by default `default`, and what is trained; reads no recording."""
        name, chosen = choose_config(self.system, self.size, model, config, build, default)
        if not isinstance(values, Mapping | None):
            raise SettingsError(f"values is {values!r}; give a dictionary of fields and their values.")
        made: SystemConfig = chosen.with_values(values or {}).add_seed(self.seed)
        return name, made if epochs is None else made.with_epochs(check_value("epochs", epochs, Count))

    def _default_model(self, recording: Any) -> str | None:
        """What the system chooses for a recording of one's own; None where it does not look."""
        if not hasattr(self.system, "default_model"):
            return None
        where = {"folder": self.folder, "session": self.session, "seed": self.seed}
        return self.system.default_model(recording=recording, **where)

    def _check_trainable(self) -> None:
        """Reads the recording; raises what reading does, and DataError where no model can be trained."""
        _ = self.recording  # not every system has a reason of its own
        if self.untrainable:
            raise DataError(self.untrainable)

    @property
    def _validation(self) -> dict[str, Any] | None:
        if self.untrainable:
            return None
        score = self.score()
        return {"name": score.name, self.model_name: score.value, **score.yardsticks}

    @property
    def _left_out(self) -> dict[str, Any]:
        return {"left_out": [each.to_dict() for each in self.omissions]}

    def _print_omissions(self, task: Any) -> None:
        """Before them what the system remarks on, if it does, such as what was assumed of own arrays."""
        for remark in getattr(self.system, "remarks", lambda _: ())(task):
            print(remark, flush=True)
        for omission in self.system.omissions(task):
            print(omission, flush=True)

    _opened: TrainingResult | None = None

    def _trained(self, options: Mapping[str, Any]) -> TrainingResult:
        fixed: dict[str, Any] = {"device": self.device, "compile": self.compile, **options}
        model, unfinished = self.untrained(), self.unfinished
        try:
            result = self.system.train(model, self.task, self.config, checkpoint=unfinished, **fixed)
        except (TypeError, AttributeError, IndexError, RuntimeError, ValueError) as error:
            if self.build is None or isinstance(error, NeurokitError):
                raise
            reason = describe_error(error, build_file(self.build))
            raise FitError(
                f"Your model {self.model_name} cannot be trained ({reason}): book/own_model.md says what it "
                "is called with, and what it has to answer."
            ) from error
        history = result.history.astype(object).where(result.history.notna(), None)
        checkpoint.save(
            result.model,
            self.path,
            arrays=self.system.arrays(self.task),
            **self.facts,
            data=self.system.identity(self.recording),
            **self.system.facts(self.task),
            **self._left_out,
            history=history.to_dict("list"),
            best_epoch=result.best_epoch,
            best_loss=result.best_loss,
        )
        self.unfinished.unlink(missing_ok=True)
        return result

    def _loaded(self) -> TrainingResult:
        """The saved result; the task is made anew with the transforms that were saved."""
        facts = checkpoint.read_facts(self.path)
        self._check_same(facts)
        into = self.untrained() if self.build else None
        opened = checkpoint.load(self.path, into)
        self.task = self.system.task(self.recording, self.config, arrays=opened.arrays, device=self.device)
        self._print_omissions(self.task)
        result = replace(_result(opened), model=opened.model.to(choose_device(self.device)))
        remove_finished(self.unfinished, result.history)
        return result

    def _check_same(self, facts: Mapping[str, Any]) -> None:
        """Raises CheckpointError for a file that was renamed, or made of other data."""
        other = [name for name in ("system", "build", "config") if facts.get(name) != self.facts[name]]
        if other:
            raise CheckpointError(
                f"{self.path} is another model ({', '.join(other)} differ): ask for what it was made with, "
                "or train anew in its place, with --again or train(again=True)."
            )
        found, wanted = facts.get("data"), self.system.identity(self.recording)
        found = found if isinstance(found, dict) else {}
        different = [name for name, value in wanted.items() if found.get(name) != value]
        if different:
            raise CheckpointError(
                f"{self.path} was fitted to other data ({', '.join(different)} differ): use the recording "
                "that it was made with, or train anew in its place, with --again or train(again=True)."
            )


@dataclass(frozen=True)
class Objective:
    """The validation loss of an experiment's model with some values of its config; for `neurokit.tune`.

    It can be sent to another process.
    """

    experiment: Experiment

    def __call__(self, values: dict[str, Any], report: Callable[[int, float], None]) -> float:
        """Trains and returns the best validation loss; `report` may stop the trial early."""
        trial = self.experiment.with_values(values)
        options: dict[str, Any] = {"device": trial.device, "on_epoch": report, "show_progress": False}
        return trial.system.train(trial.untrained(), trial.task, trial.config, **options).best_loss


def _result(opened: Checkpoint) -> TrainingResult:
    try:
        facts = opened.facts
        history = pd.DataFrame(facts["history"])
        return TrainingResult(opened.model, history, facts["best_epoch"], facts["best_loss"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The side-car of {opened.path} holds no history of this version: train the model again."
        ) from error
