// The live twin: a network of a simulated mouse that answers in this page. No request leaves for another machine.

import * as ort from "./ort.js";
import { drawPicture, makeRows, showRates } from "./draw.js";
import { search } from "./search.js";
import { HEIGHT, WIDTH, paintAll } from "./stimulus.js";

const FILES = new URL("./", import.meta.url);
// name, label, lowest, highest, step, unit, start
const SLIDERS = [
  ["orientation", "Orientation", 0, 175, 5, "°", 45],
  ["frequency", "Spatial frequency", 0.03, 0.25, 0.005, "cycles/pixel", 0.12],
  ["size", "Size (SD of the window)", 1.5, 30, 0.5, "pixels", 3],
  ["column", "Place, column", 0, 63, 1, "pixels", 32],
  ["row", "Place, row", 0, 35, 1, "pixels", 18],
  ["phase", "Phase", 0, 350, 10, "°", 0],
  ["contrast", "Contrast", 0, 100, 5, "%", 80],
  ["running", "Running (1: its fastest)", 0, 1, 0.02, "", 0.12],
  ["pupil", "Pupil (1: its widest)", 0, 1, 0.02, "", 0.54],
];
const PANEL = `
  <div class="picture">
    <canvas role="img"></canvas>
    <p class="caption">What the mouse sees, 36 × 64 pixels. The circle is the planted field of the chosen cell (two
      standard deviations): the network does not know it.</p>
    <div class="buttons">
      <button type="button" class="find">Find what excites this cell most</button>
      <button type="button" class="planted-field">Go to its planted Gabor</button>
      <button type="button" class="drift" aria-pressed="false">Drift</button>
    </div>
    <p role="status" class="status">Loading the network …</p>
  </div>
  <div class="sliders" role="group" aria-label="Picture and behaviour"></div>
  <table>
    <caption><span class="swatch predicted"></span> network <span class="swatch planted"></span> planted truth; rates in
      standard deviations of each cell's responses, bars from 0 to <span class="scale">2</span>. Correlation: of the
      network with the expected response to the test images.</caption>
    <thead><tr><th scope="col">Cell</th><th scope="col">Rate</th><th scope="col">Network</th><th scope="col">Planted</th>
      <th scope="col">Correlation</th></tr></thead>
    <tbody></tbody>
  </table>`;
const DRIFT_STEP = 10; // degrees
const DRIFT_EVERY = 60; // ms

class Twin {
  constructor(place, session, known) {
    this.place = place;
    this.session = session;
    this.known = known;
    this.chosen = 0;
    this.values = Object.fromEntries(SLIDERS.map(([name, , , , , , start]) => [name, start]));
    Object.assign(this.values, plantedGabor(this.cell)); // so that the first picture is answered
    this.stopped = true;
    this.inputs = this.makeSliders();
    this.rows = makeRows(place.querySelector("tbody"), known.cells, (chosen) => this.choose(chosen));
    this.rows[0].querySelector("input").checked = true;
    place.querySelector(".find").addEventListener("click", () => (this.stopped ? this.find() : this.stop()));
    place.querySelector(".planted-field").addEventListener("click", () => this.goToPlanted());
    place.querySelector(".drift").addEventListener("click", () => this.toggleDrift());
  }

  get cell() {
    return this.known.cells[this.chosen];
  }

  say(sentence) {
    this.place.querySelector(".status").textContent = sentence;
  }

  makeSliders() {
    const group = this.place.querySelector(".sliders");
    return Object.fromEntries(
      SLIDERS.map(([name, label, lowest, highest, step, unit, start]) => {
        const line = document.createElement("label");
        line.innerHTML =
          `<span>${label}</span><input type="range" name="${name}" min="${lowest}" max="${highest}" step="${step}">` +
          `<output></output>`;
        const input = line.querySelector("input");
        input.value = start;
        Object.assign(input.dataset, { unit, digits: step < 0.01 ? 3 : step < 1 ? 2 : 1 });
        input.addEventListener("input", () => this.set({ [name]: Number(input.value) }));
        group.append(line);
        return [name, input];
      }),
    );
  }

  /** Takes new values, and answers. The last call wins where answers overtake one another. */
  async set(values) {
    Object.assign(this.values, values);
    for (const [name, input] of Object.entries(this.inputs)) {
      input.value = this.values[name];
      const shown = `${Number(this.values[name].toFixed(input.dataset.digits))} ${input.dataset.unit}`.trim();
      input.nextElementSibling.textContent = shown;
      input.setAttribute("aria-valuetext", shown);
    }
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    do {
      this.again = false;
      await this.answer();
    } while (this.again);
    this.busy = false;
  }

  async answer() {
    const values = { ...this.values };
    const rates = await this.ask([values]);
    const picture = paintAll([values], this.known.amplitude);
    const canvas = this.place.querySelector("canvas");
    drawPicture(canvas, picture, this.known, this.cell);
    canvas.setAttribute(
      "aria-label",
      `A grating of ${values.orientation.toFixed(0)} degrees around column ${values.column.toFixed(0)}, ` +
        `row ${values.row.toFixed(0)}, at ${values.contrast.toFixed(0)} percent contrast`,
    );
    this.place.querySelector(".scale").textContent = showRates(this.rows, rates);
    this.place.dataset.answered = JSON.stringify(values);
    if (this.stopped && !this.drifting) this.report(rates);
  }

  report(rates) {
    const [network, planted] = [rates.predicted[this.chosen], rates.planted[this.chosen]];
    this.say(`Unit ${this.cell.unit}: network ${network.toFixed(2)}, planted ${planted.toFixed(2)}.`);
  }

  /** Rates of all cells for the first of several pictures, and of the chosen cell for each. */
  async ask(rows) {
    const behaviour = (name) => new ort.Tensor("float32", Float32Array.from(rows, (row) => row[name]), [rows.length]);
    const images = new ort.Tensor("float32", paintAll(rows, this.known.amplitude), [rows.length, HEIGHT, WIDTH]);
    const found = await this.session.run({ images, running: behaviour("running"), pupil: behaviour("pupil") });
    const cells = this.known.cells.length;
    const predicted = Array.from(found.predicted.data);
    return {
      predicted: predicted.slice(0, cells),
      planted: Array.from(found.planted.data).slice(0, cells),
      ofChosen: rows.map((_, place) => predicted[place * cells + this.chosen]),
    };
  }

  choose(place) {
    this.stop();
    this.chosen = place;
    this.set({});
  }

  goToPlanted() {
    this.stop();
    this.set(plantedGabor(this.cell));
  }

  stop() {
    this.stopped = true;
    this.place.querySelector(".find").textContent = "Find what excites this cell most";
  }

  async find() {
    this.stopped = false;
    this.place.querySelector(".find").textContent = "Stop";
    let last;
    for await (const found of search(this.values, async (rows) => (await this.ask(rows)).ofChosen)) {
      if (this.stopped) return;
      last = found;
      this.say(`Searching: ${found.stage}; best rate ${found.rate.toFixed(2)}.`);
      await this.set(found.values);
      await new Promise((resolve) => setTimeout(resolve)); // lets the page draw, and a click on Stop through
    }
    this.stop();
    const { orientation, column, row } = last.values;
    const planted = this.cell;
    this.say(
      `Best of ${last.tried} pictures: rate ${last.rate.toFixed(2)}, ${orientation.toFixed(0)}° at column ` +
        `${column.toFixed(1)}, row ${row.toFixed(1)}. Planted: ${planted.orientation.toFixed(0)}° at column ` +
        `${planted.column.toFixed(1)}, row ${planted.row.toFixed(1)}.`,
    );
  }

  toggleDrift() {
    const button = this.place.querySelector(".drift");
    this.drifting = !this.drifting;
    button.setAttribute("aria-pressed", String(this.drifting));
    if (!this.drifting) {
      clearInterval(this.timer);
      this.set({});
      return;
    }
    this.timer = setInterval(() => this.set({ phase: (this.values.phase + DRIFT_STEP) % 360 }), DRIFT_EVERY);
  }
}

function plantedGabor({ orientation, frequency, sigma: size, column, row }) {
  return { orientation, frequency, size, column, row };
}

async function start(place) {
  place.innerHTML = PANEL;
  try {
    ort.env.wasm.numThreads = 1; // more need headers that a plain file server does not send
    ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", FILES).href };
    const known = await (await fetch(new URL("cells.json", FILES))).json();
    const session = await ort.InferenceSession.create(new URL("twin.onnx", FILES).href);
    await new Twin(place, session, known).set({});
  } catch (error) {
    const hint = location.protocol === "file:" ? "open the page from a file server: python -m http.server" : error;
    place.querySelector(".status").textContent = `The network could not be loaded: ${hint}`;
  }
}

for (const place of document.querySelectorAll(".live-twin")) start(place);
