"""The live twin: its truth is the simulator's, and a browser's rates are torch's.

The browser's tests need npm (and a network the first time) and Chromium with its driver, as Debian packages
them.
"""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import live_model
import live_twin
from neurokit.sensorium.simulated_mouse import BASE, THRESHOLD, filter_output, soft_rectify
from neurokit.simulation.scenes import gratings

pytestmark = pytest.mark.slow
WAIT = 60  # seconds, of a browser on a busy machine
QUIET = 1e-4  # how far a page's rates may be from torch's, as the page says


@pytest.fixture(scope="module")
def recorded() -> live_model.Recorded:
    return live_model.read_recorded()


@pytest.fixture(scope="module")
def twin(recorded: live_model.Recorded) -> live_model.LiveTwin:
    shown, _ = live_model.choose_cells(recorded)
    return live_model.LiveTwin(recorded, shown).eval()


def test_planted_rates_are_the_simulators(recorded: live_model.Recorded, twin: live_model.LiveTwin) -> None:
    """Written out once more in numpy, cell by cell and trial by trial, at one state of behaviour."""
    images, (running, pupil) = recorded.images[:40], (0.3, 0.7)
    mouse, shown = recorded.mouse, twin.shown
    unmoved, eye = np.zeros((len(images), 2)), mouse.brain.eye
    means = filter_output(mouse.cells, recorded.images, eye).mean(axis=0)
    above = np.maximum(filter_output(mouse.cells, recorded.images, eye) / means - THRESHOLD, 0).mean(axis=0)
    drive = np.maximum(filter_output(mouse.cells, images, unmoved) / means - THRESHOLD, 0) / above
    lines = live_model.behaviour_lines(recorded)
    arousal, speed = lines[0] @ (1, pupil), lines[1] @ (1, running)
    couplings = mouse.couplings
    factor = (
        1 + couplings.arousal * (arousal - 0.5) + couplings.running * (speed - mouse.brain.running.mean())
    )
    unknown = recorded.terms.history + (recorded.terms.factors - 1) @ couplings.factors
    gain = np.exp(recorded.terms.gain[:, None] * couplings.gain)
    excited = drive * np.maximum(factor, 0.1)
    wanted = np.stack([(gain * soft_rectify(BASE + each + unknown)).mean(axis=0) for each in excited])
    wanted = (wanted / recorded.unit)[:, shown]

    same = torch.full((len(images),), running), torch.full((len(images),), pupil)
    with torch.no_grad():
        _, planted = twin(torch.from_numpy(images), *same)
        _, at_rest = twin(torch.from_numpy(images), same[0] * 0, same[1])
    # Straight lines between 65 points of the average cost some thousandths of a standard deviation.
    np.testing.assert_allclose(planted.numpy(), wanted, atol=0.01, rtol=0.002)
    assert np.abs(at_rest.numpy() - wanted).max() > 0.1


def test_cells_are_from_all_of_the_range(recorded: live_model.Recorded) -> None:
    shown, scores = live_model.choose_cells(recorded)
    third = len(shown) // 3
    assert len(set(shown)) == len(shown)
    assert scores[shown[:third]].min() == np.sort(scores)[-third]
    assert scores[shown[-third:]].max() == np.sort(scores)[third - 1]
    assert (scores > scores[shown[third]]).sum() < len(scores) / 2 < (scores >= scores[shown[-third]]).sum()


# In the browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site in whose subfolder the page lies, with the page's files beside it."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    site = tmp_path_factory.mktemp("site")
    files = site / "some" / "place" / "live"
    if live_twin.main(["--folder", str(files)]) == live_twin.WITHOUT_NPM:
        pytest.skip("npm could not bring onnxruntime-web")
    return site


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A plain file server that says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/place/live/index.html"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    flags = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1100")
    for flag in flags:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as opened:
        yield opened


@pytest.fixture
def page(browser: Any, address: str) -> Any:
    browser.get(address)
    wait_for(browser, lambda: find(browser, ".live-twin").get_attribute("data-answered"))
    return browser


def find(page: Any, selector: str) -> Any:
    return page.find_element("css selector", selector)


def wait_for(page: Any, holds: Callable[[], Any]) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(page, WAIT).until(lambda _: holds())


def press(page: Any, slider: str, key: str, times: int) -> None:
    """Moves a slider as a keyboard does, and waits for the answer."""
    field = find(page, f"input[name={slider}]")
    for _ in range(times):
        field.send_keys(key)
    wanted = float(field.get_attribute("value"))
    wait_for(page, lambda: answered(page)[slider] == pytest.approx(wanted))


def answered(page: Any) -> dict[str, float]:
    """The values of the sliders that the rates on the page belong to."""
    return json.loads(find(page, ".live-twin").get_attribute("data-answered"))


def rates_on(page: Any, kind: str) -> np.ndarray:
    cells = page.find_elements("css selector", f"td.number.{kind}")
    return np.array([float(each.get_attribute("data-rate")) for each in cells])


def rates_of(twin: live_model.LiveTwin, values: dict[str, float], amplitude: float) -> list[np.ndarray]:
    """What torch says, for a picture that is drawn here from the sliders' values."""
    rows, columns = np.mgrid[:36, :64]
    x, y = columns - values["column"], rows - values["row"]
    angle, phase = np.deg2rad([values["orientation"], values["phase"]])
    along = np.cos(angle) * x - np.sin(angle) * y
    window = np.exp(-(x**2 + y**2) / (2 * values["size"] ** 2))
    image = amplitude * values["contrast"] / 100 * window
    image = image * np.cos(2 * np.pi * values["frequency"] * along + phase)
    inputs = (image[None], [values["running"]], [values["pupil"]])
    with torch.no_grad():
        answers = twin(*(torch.tensor(np.asarray(each), dtype=torch.float32) for each in inputs))
    return [rates[0].numpy() for rates in answers]


def test_rates_on_the_page_are_torchs(page: Any, folder: Path, twin: live_model.LiveTwin) -> None:
    """After each of four sliders is moved; and the rates before are others."""
    from selenium.webdriver import Keys

    amplitude = json.loads((folder / "some/place/live/cells.json").read_text())["amplitude"]
    moves = {"orientation": Keys.ARROW_RIGHT, "column": Keys.ARROW_LEFT, "running": Keys.ARROW_RIGHT}
    for slider, key in (moves | {"pupil": Keys.ARROW_LEFT}).items():
        before = rates_on(page, "predicted")
        press(page, slider, key, 6)
        wanted = rates_of(twin, answered(page), amplitude)
        for kind, rates in zip(("predicted", "planted"), wanted, strict=True):
            np.testing.assert_allclose(rates_on(page, kind), rates, atol=QUIET)
        assert np.abs(rates_on(page, "predicted") - before).max() > 10 * QUIET


def test_gratings_are_those_of_the_package() -> None:
    """The formula above, whose picture is the page's, without its window."""
    rows, columns = np.mgrid[:36, :64]
    x, y = columns - 31.5, rows - 17.5
    along = np.cos(0.7) * x - np.sin(0.7) * y
    made = np.cos(2 * np.pi * 0.11 * along + 0.4)
    np.testing.assert_allclose(gratings(*(np.array([v]) for v in (0.7, 0.11, 0.4)))[0], made, atol=1e-12)


def test_search_ends_at_the_planted_cell(page: Any, folder: Path) -> None:
    """For the four best predicted cells: within the planted field, at about its orientation."""
    cells = json.loads((folder / "some/place/live/cells.json").read_text())["cells"]
    for place, cell in enumerate(cells[:4]):
        page.find_elements("css selector", "input[type=radio]")[place].click()
        find(page, ".find").click()
        wait_for(page, lambda: find(page, ".status").text.startswith("Best of"))
        found = answered(page)
        assert np.hypot(found["column"] - cell["column"], found["row"] - cell["row"]) < 2 * cell["sigma"]
        assert abs((found["orientation"] - cell["orientation"] + 90) % 180 - 90) < 20
    assert "Planted:" in find(page, ".status").text


def test_console_is_silent_and_nothing_leaves(page: Any, address: str) -> None:
    """Every request is for a file beside the page; a missing file is noticed, as the control."""
    press_find_and_stop(page)
    assert page.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    base = address.rsplit("/", 1)[0]
    assert any(each.endswith("twin.onnx") for each in asked)
    assert all(each.startswith((base, "data:", "blob:")) for each in asked)
    page.execute_script("fetch('not-there.onnx')")
    wait_for(page, lambda: page.get_log("browser"))


def press_find_and_stop(page: Any) -> None:
    find(page, ".find").click()
    wait_for(page, lambda: find(page, ".status").text.startswith("Searching"))
    find(page, ".find").click()
    assert find(page, ".find").text.startswith("Find")


def test_everything_on_the_page_has_a_name(page: Any) -> None:
    """Of sliders, choices, buttons and the picture, for a screen reader; the keyboard reaches all."""
    controls = page.find_elements("css selector", ".live-twin :is(input, button)")
    names = [each.accessible_name for each in controls]
    assert len(controls) > 20
    assert all(names) and len(set(names)) == len(names)
    assert find(page, "canvas").accessible_name.startswith("A grating of")
    assert find(page, ".status").aria_role == "status"
    focusable = page.execute_script(
        "return [...document.querySelectorAll('.live-twin :is(input, button)')].every(e => e.tabIndex >= 0)"
    )
    assert focusable
