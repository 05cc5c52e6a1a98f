"""What people who join read and fill in: each file, command and target that it names is there."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import neurokit
from neurokit.settings import SYSTEMS
from tests.test_pages import broken_links
from tests.test_workflows import make_targets

PAGES = ("CONTRIBUTING.md", "CHANGELOG.md", "book/checklists.md", ".github/PULL_REQUEST_TEMPLATE.md")
CODE = re.compile(r"`([^`\n]+)`")
LOCAL = re.compile(
    r"(?:neurokit|tests|tools|benchmarks|notebooks|book|\.github|\.ci)/[\w./-]*\w|[A-Z]+\.md|\w+\.cff"
)
COMMANDS = {
    "data",
    "simulate",
    "train",
    "tune",
    "evaluate",
    "predict",
    "convert",
    "submit",
    "check",
    "--help",
}


def said(text: str) -> list[str]:
    """The commands and paths of a page: its code, in the line and in blocks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return CODE.findall(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)) + lines


def missing(text: str, root: Path) -> list[str]:
    """What a page names and is not there."""
    targets, found = make_targets((root / "Makefile").read_text()), []
    extra = {Requirement(row).name for row in pins(root)} | {"pre-commit", "neurokit", "python", "pytest"}
    for code in said(text):
        words = code.split()
        if words[:1] == ["make"]:
            found += [code] * (len(words) > 1 and words[1] not in targets)
        elif words and words[0].startswith(".venv/bin/"):
            found += [code] * (words[0].removeprefix(".venv/bin/") not in extra | {"jupyter"})
            paths = [word for word in words[1:] if "/" in word or word in ("neurokit", "tests", "benchmarks")]
            found += [code] * (not all((root / path).exists() for path in paths))
            if words[1:2] == ["-m"]:
                found += [code] * (words[2] not in extra | {"pip"})
        elif words[:1] == ["neurokit"] and len(words) > 1:
            found += [code] * (not set(words[1:3]) & COMMANDS and "COMMAND" not in words)
        elif LOCAL.fullmatch(code.rstrip("/")):
            found += [code] * (not (root / code).exists())
    return found


def pins(root: Path) -> list[str]:
    rows = [row.strip() for row in (root / "requirements.txt").read_text().splitlines()]
    return [row for row in rows if row and not row.startswith("#")]


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_there(root: Path, name: str) -> None:
    page = root / name
    assert missing(page.read_text(encoding="utf-8"), root) == []
    assert broken_links(page) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "`make everything`",
        "`neurokit/nowhere/model.py`",
        "`tests/test_nothing.py`",
        "`.venv/bin/pytest tests/test_gone.py`",
        "`.venv/bin/python -m black neurokit`",
        "`neurokit sensorium dance`",
        "```bash\nmake nothing  # a word\n```",
        "`NEWS.md`",
    ],
)
def test_what_is_not_there_is_noticed(root: Path, wrong: str) -> None:
    assert len(missing(wrong, root)) == 1


def test_contributing_names_the_systems_and_the_layers(root: Path) -> None:
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`neurokit/{name.replace('-', '_')}`" in text for name in SYSTEMS)
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = contracts[0]["layers"]
    assert (layers[1], layers[-1]) == ("cli", "errors")
    assert "from `cli` at the top to `errors` at the bottom" in text
    assert {"A model", "A recording", "A lesson"} <= set(re.findall(r"^## (.+)$", text, re.MULTILINE))


def test_the_files_of_a_system_are_those_it_says(root: Path) -> None:
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "Each has the same files" in line)
    same, others = line.split("The task is made in")
    files = [code for code in CODE.findall(same) if code.endswith(".py")]
    assert len(files) >= 7
    assert all((root / "neurokit" / "digital_twin" / name).exists() for name in CODE.findall(others)[2:])
    for name in SYSTEMS:
        folder = root / "neurokit" / name.replace("-", "_")
        assert [file for file in files if not (folder / file).is_file()] == []


# --- changes, citation


def test_the_changes_keep_their_form(root: Path) -> None:
    """Keep a Changelog: what is coming first, then a heading a version, of known kinds of changes."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert re.fullmatch(
        rf"\[?{re.escape(neurokit.__version__)}\]? - (not yet released|\d{{4}}-\d\d-\d\d)", versions[1]
    )
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Known gaps"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def citation_faults(citation: dict) -> list[str]:
    """Sentences: what version 1.2.0 of the form asks and is not there, or what nobody filled in."""
    found = [f"no {key}" for key in ("cff-version", "message", "title", "authors") if not citation.get(key)]
    found += ["placeholder"] * bool(
        re.search(r"TODO|TBD|FIXME|your[- ]|example\.(org|com)|<", str(citation), re.I)
    )
    for reference in citation.get("references", []):
        name = reference.get("title", "a reference without a title")
        found += [f"{name}: no {key}" for key in ("type", "title", "authors", "year") if key not in reference]
        people = reference.get("authors", [])
        found += [f"{name}: an author without a name"] * (
            not all({"family-names", "given-names"} <= set(each) or "name" in each for each in people)
        )
        doi = reference.get("doi")
        found += [f"{name}: {doi} is no DOI"] * bool(doi and not re.fullmatch(r"10\.\d{4,}/\S+", doi))
        kinds = {"article", "software", "conference-paper", "book", "dataset"}
        found += [f"{name}: {reference.get('type')}"] * (reference.get("type") not in kinds)
    return found


@pytest.fixture(scope="module")
def citation(root: Path) -> dict:
    return yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_is_complete(citation: dict) -> None:
    assert citation_faults(citation) == []
    assert citation["cff-version"] == "1.2.0"


def test_a_citation_with_a_gap_is_noticed(citation: dict) -> None:
    first, *others = citation["references"]
    for broken in (
        {"doi": "doi:10.1"},
        {"year": None},
        {"authors": [{}]},
        {"title": "TODO"},
        {"type": "page"},
    ):
        changed = {key: value for key, value in (first | broken).items() if value is not None}
        assert citation_faults(citation | {"references": [changed, *others]}) != []
    assert citation_faults(citation | {"message": ""}) == ["no message"]


def test_all_systems_and_methods_are_cited(citation: dict) -> None:
    people = {
        (each["authors"][0].get("family-names") or "MICrONS", each["year"]) for each in citation["references"]
    }
    systems = {("Steinmetz", 2019), ("Yang", 2023), ("Willeke", 2022), ("Roggenbach", 2022)}
    systems |= {("de Vries", 2020), ("Wang", 2025), ("MICrONS", 2025)}
    methods = {("Sundararajan", 2017), ("Schoppe", 2016), ("Walker", 2019), ("Cadena", 2019), ("Batty", 2017)}
    assert systems | methods <= people


def test_cffconvert_takes_the_citation(root: Path) -> None:
    convert = pytest.importorskip("cffconvert", reason="cffconvert is not installed (PyPI has it)")
    convert.Citation((root / "CITATION.cff").read_text(encoding="utf-8")).validate()


# --- forms


def form_faults(form: dict) -> list[str]:
    """Sentences: what the public host would refuse in an issue form, or what a reader could skip."""
    found = [f"no {key}" for key in ("name", "description", "body") if not form.get(key)]
    fields = [field for field in form.get("body", []) if field["type"] != "markdown"]
    ids = [field.get("id") for field in fields]
    found += ["ids are not each its own"] * (len(set(ids)) != len(ids) or None in ids)
    for field in fields:
        label = field["attributes"].get("label")
        found += [f"{field.get('id')}: no label"] * (not label)
        found += [f"{label}: no kind of field"] * (
            field["type"] not in {"textarea", "input", "dropdown", "checkboxes"}
        )
        options = field["attributes"].get("options")
        found += [f"{label}: nothing to choose"] * (
            field["type"] in ("dropdown", "checkboxes") and not options
        )
        found += [f"{label}: two options alike"] * bool(
            options and len({str(it) for it in options}) < len(options)
        )
    found += ["nothing is required"] * (
        not any(field.get("validations", {}).get("required") is True for field in fields)
    )
    return found


@pytest.mark.parametrize("name", ["bug", "recording", "lesson"])
def test_an_issue_form_is_one_that_the_host_takes(root: Path, name: str) -> None:
    text = (root / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8")
    assert form_faults(yaml.safe_load(text)) == []
    assert form_faults(yaml.safe_load(text.replace("name: ", "title: ", 1))) == ["no name"]
    assert form_faults(yaml.safe_load(text.replace("required: true", "required: false"))) != []
    assert form_faults(yaml.safe_load(text.replace("type: dropdown", "type: list"))) != []


def test_the_forms_offer_what_there_is(root: Path) -> None:
    def options(name: str, field: str) -> list[str]:
        form = yaml.safe_load(
            (root / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8")
        )
        return next(each for each in form["body"] if each.get("id") == field)["attributes"]["options"]

    assert options("lesson", "lesson") == sorted(
        path.stem for path in (root / "notebooks").glob("[0-9]*.ipynb")
    )
    assert options("bug", "system")[:-1] == list(SYSTEMS)


# --- style before a commit


def test_the_hooks_run_the_environment_s_own_ruff(root: Path) -> None:
    """So that hooks and `make lint` are of one version, that of requirements.txt, and ask no network."""
    hooks = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    entries = [hook["entry"] for hook in hooks[0]["hooks"]]
    assert [entry.split()[:4] for entry in entries] == [
        [".venv/bin/python", "-m", "ruff", kind] for kind in ("check", "format")
    ]
    assert all(hook["language"] == "system" for hook in hooks[0]["hooks"])
    assert sum(row.startswith("ruff==") for row in pins(root)) == 1
    folders = re.search(r"ruff format --check --quiet ([\w ]+\w)", (root / "tools" / "test.sh").read_text())
    assert hooks[0]["hooks"][1]["files"] == f"^({'|'.join(folders[1].split())})/"


# --- checklists


def rows(text: str) -> list[tuple[str, str, str]]:
    found = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    return [row for row in found if row[0] != "asked"]


def checklist_faults(text: str) -> list[str]:
    """Rows that claim something without naming where to look."""
    return [
        asked
        for asked, there, evidence in rows(text)
        if there not in ("yes", "partly", "no")
        or (there != "no" and not re.search(r"`[^`]+`|\]\([^)]+\)", evidence))
    ]


def test_every_row_of_the_checklists_has_its_evidence(root: Path) -> None:
    text = (root / "book" / "checklists.md").read_text(encoding="utf-8")
    assert len(rows(text)) > 30
    assert checklist_faults(text) == []
    assert checklist_faults("| a test | yes | surely |\n| b | perhaps | `LICENSE` |\n") == ["a test", "b"]
