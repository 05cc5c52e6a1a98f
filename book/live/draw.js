// What the page shows: the picture on its canvas, and the table of cells with their bars.

import { HEIGHT, WIDTH } from "./stimulus.js";

const ZOOM = 8; // screen pixels of one pixel of the picture

/** Draws a picture (in standard deviations) in grey values of the training pictures, and a cell's planted field. */
export function drawPicture(canvas, picture, known, cell) {
  canvas.width = WIDTH * ZOOM;
  canvas.height = HEIGHT * ZOOM;
  const small = new OffscreenCanvas(WIDTH, HEIGHT);
  const pixels = new ImageData(WIDTH, HEIGHT);
  picture.forEach((value, place) => {
    const grey = known.mean + known.std * value;
    pixels.data.set([grey, grey, grey, 255], 4 * place);
  });
  small.getContext("2d").putImageData(pixels, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  pen.beginPath();
  pen.arc((cell.column + 0.5) * ZOOM, (cell.row + 0.5) * ZOOM, 2 * cell.sigma * ZOOM, 0, 2 * Math.PI);
  pen.lineWidth = 2;
  pen.strokeStyle = "#d1622b";
  pen.stroke();
}

/** Makes a row for each cell; `choose(place)` is called when one is chosen. */
export function makeRows(body, cells, choose) {
  return cells.map((cell, place) => {
    if (place === 0 || cells[place - 1].group !== cell.group) {
      body.insertRow().innerHTML = `<th scope="rowgroup" colspan="5" class="group">${cell.group}</th>`;
    }
    const row = body.insertRow();
    const id = `live-twin-cell-${place}`;
    const name = `unit ${cell.unit}, ${cell.complex ? "complex" : "simple"}`;
    row.innerHTML =
      `<th scope="row"><label for="${id}"><input type="radio" name="live-twin-cell" id="${id}"> ${name}</label></th>` +
      '<td><div class="bar predicted"></div><div class="bar planted"></div></td>' +
      '<td class="number predicted"></td><td class="number planted"></td>' +
      `<td class="number">${cell.score.toFixed(2)}</td>`;
    row.querySelector("input").addEventListener("change", () => choose(place));
    return row;
  });
}

/** Writes rates into rows; bars are drawn on a common scale that ends at a whole number. Returns that number. */
export function showRates(rows, rates) {
  const largest = Math.max(2, Math.ceil(Math.max(...rates.predicted, ...rates.planted)));
  rows.forEach((row, place) => {
    for (const kind of ["predicted", "planted"]) {
      const rate = rates[kind][place];
      row.querySelector(`.bar.${kind}`).style.width = `${(100 * rate) / largest}%`;
      const number = row.querySelector(`.number.${kind}`);
      number.textContent = rate.toFixed(2);
      number.dataset.rate = rate; // all digits, for whoever checks them
    }
  });
  return largest;
}
