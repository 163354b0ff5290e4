// The network as a picture: a box for each unit, a line for each weight. Layers wider than MANY are
// grids of cells, and the weights between them a heat map.
const MANY = 16, CELL = 24;
const SIZES = [[40, 58], [33, 49]]; // of a unit's box, and from one to the next: of few, of many

// What is shown at the units: its name, how it is said, and where the network keeps it.
const SHOWN = {
  x: "x, what a unit passes on",
  a: "a, the sum that it gets",
  delta: "\u0394, the error signal dL/da",
  gradient: "dL/d\u03b8 at the lines",
};

class Picture {
  constructor(play) {
    this.play = play;
    this.element = element("div", { class: "network" });
    this.shown = "x";
    this.fresh();
  }

  // A new drawing, of a network of other widths.
  fresh() {
    const { net, points } = this.play, { widths } = net;
    const pixels = points.picture !== null && widths[0] === points.picture[0] * points.picture[1];
    this.columns = widths.map((d, l) => ({ l, d, grid: d > MANY, pixels: l === 0 && pixels }));
    const rows = Math.max(...this.columns.map(({ d, grid }) => (grid ? 0 : d)));
    [this.box, this.row] = SIZES[Number(rows > 8)];
    this.cell = pixels ? 1.5 * CELL : CELL;
    const height = Math.max(190, rows * this.row + 30, ...this.columns.map((c) => this.gridSize(c)[1] + 30));
    let x = this.columns[0].grid ? 8 : 72;
    for (const column of this.columns) {
      const [w, h] = this.gridSize(column);
      Object.assign(column, { x, y: 24 + (height - 30 - h) / 2, w, h });
      const wide = column.grid || this.columns[column.l + 1]?.grid;
      x += w + (wide ? 128 : Math.max(84, Math.min(190, 560 / (widths.length - 1) - this.box)));
    }
    const last = this.columns.at(-1), width = last.x + last.w + 118;
    this.svg = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Network" });
    this.lines = drawn("g", { class: "lines" });
    this.svg.append(this.lines);
    this.units = [];
    this.weights = [];
    this.maps = [];
    for (const column of this.columns) this.addColumn(column);
    this.stage = makeStage(this.svg);
    this.stage.pickable(this.units.map(({ id }) => id));
    this.element.replaceChildren(this.stage.element);
    this.tools = this.stage.tools;
    this.play.toolbar?.replaceChildren(this.tools);
    this.stage.ready();
  }

  gridSize({ d, grid, pixels }) {
    if (!grid) return [this.box, d * this.row - (this.row - this.box)];
    if (pixels) return [10 * this.play.points.picture[1], 10 * this.play.points.picture[0]];
    const rows = this.gridRows(d);
    return [Math.ceil(d / rows) * this.cell, rows * this.cell];
  }

  gridRows(d) {
    return Math.min(d, Math.max(8, Math.ceil(Math.sqrt(d))));
  }

  // Where a unit stands.
  place({ d, grid, pixels, x, y }, j) {
    if (!grid) return { x, y: y + j * this.row, size: this.box };
    const across = pixels ? this.play.points.picture[1] : 0, size = pixels ? 10 : this.cell;
    const rows = this.gridRows(d);
    return pixels ? { x: x + (j % across) * size, y: y + Math.floor(j / across) * size, size }
      : { x: x + Math.floor(j / rows) * size, y: y + (j % rows) * size, size };
  }

  addColumn(column) {
    const { l, d, grid, pixels } = column, { play } = this, { L } = play.net;
    const title = l === 0 ? "x0, inputs" : l === L ? `a${L}, output${d > 1 ? "s" : ""}` : `layer ${l}`;
    this.svg.append(drawn("text", { x: column.x + column.w / 2, y: 12, class: "title", "text-anchor": "middle" }, title));
    if (l > 0 && NETWORK.layers) this.addLines(this.columns[l - 1], column);
    for (let j = 0; j < d; j++) {
      const { x, y, size } = this.place(column, j), id = `u${l}_${j}`;
      const ring = drawn("rect", { class: "ring", x, y, width: size, height: size, rx: grid ? 1 : 6 });
      const name = this.name(l, j), group = drawn("g", { class: `neuron${grid ? " cell" : ""}`, id }, drawn("title", {}, name), ring);
      const unit = { l, j, id, group, ring, text: null, image: null, name };
      if (!pixels) {
        unit.image = drawn("image", { x: x + 1, y: y + 1, width: size - 2, height: size - 2, preserveAspectRatio: "none" });
        group.append(unit.image);
      }
      if (!grid) {
        unit.text = drawn("text", { class: "value", x: x + size / 2, y: y + size + 11, "text-anchor": "middle" });
        group.append(unit.text);
        // Beside the unit's button, whose name says the same in full.
        if (l === 0) this.svg.append(drawn("text", { class: "label", x: x - 6, y: y + 24, "text-anchor": "end" }, cut(unit.name, 9)));
        if (l === L) {
          unit.mean = drawn("text", { class: "label", x: x + size + 6, y: y + 17 });
          unit.target = drawn("text", { class: "label soft", x: x + size + 6, y: y + 33 });
          this.svg.append(unit.mean, unit.target);
        }
      }
      on(group, "click", () => play.pick(unit));
      on(group, "keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        play.pick(unit);
      });
      this.units.push(unit);
      this.svg.append(group);
    }
  }

  name(l, j) {
    const { net, points } = this.play;
    if (l === 0) return points.features[j] ?? `x0[${j}]`;
    return l === net.L && points.classes.length === net.widths[l] ? points.classes[j] : `unit ${j} of layer ${l}`;
  }

  addLines(from, to) {
    const { l } = to;
    if (from.grid || to.grid) {
      const gap = to.x - from.x - from.w, w = Math.min(96, gap - 28), h = Math.min(150, Math.max(60, 5 * to.d));
      const x = from.x + from.w + (gap - w) / 2, y = to.y + to.h / 2 - h / 2;
      const image = drawn("image", { x, y, width: w, height: h, preserveAspectRatio: "none", class: "heat" });
      const what = `theta${l}: ${to.d} rows, ${from.d} columns`;
      this.lines.append(image, drawn("rect", { x, y, width: w, height: h, class: "heat" }, drawn("title", {}, what)),
        drawn("text", { x: x + w / 2, y: y - 5, class: "label soft", "text-anchor": "middle" }, `\u03b8${l}`));
      this.maps.push({ l, image, rows: to.d, columns: from.d });
      return;
    }
    for (let j = 0; j < to.d; j++) {
      for (let i = 0; i < from.d; i++) {
        const p = this.place(from, i), q = this.place(to, j), [x0, y0, x1, y1] = [p.x + this.box, p.y + this.box / 2, q.x, q.y + this.box / 2];
        const bend = (x1 - x0) / 2, d = `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`;
        const line = drawn("path", { d, class: "line" }), hit = drawn("path", { d, class: "hit", "data-drag": "" });
        const weight = { l, j, i, line, at: "" };
        on(hit, "pointerdown", (event) => this.play.dragWeight(event, l, j, i));
        on(hit, "pointerenter", () => this.play.hover(l, j, i));
        on(hit, "pointerleave", () => this.play.say(""));
        this.lines.append(line, hit);
        this.weights.push(weight);
      }
    }
  }

  // The numbers of the chosen example.
  write() {
    const { play, shown } = this, { net, points, probe } = play;
    const kind = shown === "gradient" ? "delta" : shown;
    let largest = 0;
    const values = this.units.map(({ l, j }) => {
      const v = l === 0 && kind !== "delta" ? probe.number("x", 0, j, 0) : l === 0 ? 0 : probe.number(kind === "x" && l === net.L ? "a" : kind, l, j, 0);
      if (l > 0) largest = Math.max(largest, Math.abs(v) || 0);
      return v;
    });
    const target = play.targets(play.example);
    this.units.forEach((unit, k) => {
      const v = values[k], { l, j } = unit, text = l === 0 && kind === "delta" ? "" : number(v);
      if (unit.text) put(unit.text, text);
      if (!unit.image?.hasAttribute("href")) paint(unit.ring, v, l === 0 ? 2 : largest);
      set(unit.group, { "aria-label": `${unit.name}: ${kind === "delta" ? "\u0394" : kind} = ${text}` });
      if (unit.mean) {
        const mean = play.mean(probe, 0);
        const said = points.classes.length === net.widths[l] ? unit.name : play.meanName;
        put(unit.mean, `${cut(said, 11)} ${number(mean[j])}`);
        put(unit.target, `y = ${number(target[j])}`);
      }
    });
    this.writeLines();
  }

  // Lines as wide as weights, or gradients, are large.
  writeLines() {
    if (!NETWORK.layers) return;
    const { net, probe } = this.play, isGradient = this.shown === "gradient", source = isGradient ? probe.gradient : net.theta;
    for (let l = 1; l <= net.L; l++) {
      let largest = 0;
      for (let j = 0; j < net.widths[l]; j++) {
        for (let i = 0; i < net.widths[l - 1]; i++) largest = Math.max(largest, Math.abs(source[net.weight(l, j, i)]) || 0);
      }
      const unit = isGradient ? largest : Math.max(1, largest / 2);
      for (const w of this.weights) {
        if (w.l !== l) continue;
        const v = source[net.weight(l, w.j, w.i)], size = Math.sqrt(Math.min(1, Math.abs(v) / (unit || 1)));
        const at = `${v < 0 ? "minus" : "plus"} ${(0.4 + 5.6 * size).toFixed(1)}`;
        if (at === w.at) continue;
        w.at = at;
        set(w.line, { class: `line ${at.split(" ")[0]}`, "stroke-width": at.split(" ")[1], "stroke-opacity": (0.25 + 0.6 * size).toFixed(2) });
      }
      const map = this.maps.find((m) => m.l === l);
      if (map) this.heat(map, (j, i) => source[net.weight(l, j, i)] / (largest || 1));
    }
  }

  heat({ image, rows, columns }, share) {
    const canvas = sheet(columns, rows), context = canvas.getContext("2d"), pixels = context.createImageData(columns, rows);
    for (let k = 0; k < rows * columns; k++) pixels.data.set(this.play.colours.signed(share(Math.floor(k / columns), k % columns)), 4 * k);
    context.putImageData(pixels, 0, 0);
    image.setAttribute("href", canvas.toDataURL());
  }

  // The region of each unit, or, for pixels, its weights as an image.
  regions(region) {
    const { net, points } = this.play;
    for (const unit of this.units) {
      const { l, j, image } = unit;
      if (!image) continue;
      if (l === 1 && this.columns[0].pixels && NETWORK.layers) {
        const [rows, columns] = points.picture;
        let largest = 0;
        for (let i = 0; i < rows * columns; i++) largest = Math.max(largest, Math.abs(net.theta[net.weight(1, j, i)]));
        this.heat({ image, rows, columns }, (r, c) => net.theta[net.weight(1, j, r * columns + c)] / (largest || 1));
      } else if (region.isFlat && (l > 0 || region.axes.includes(j))) image.setAttribute("href", region.small(l, j));
      else image.removeAttribute("href");
    }
  }

  mark(unit) {
    for (const other of this.units) other.group.toggleAttribute("data-chosen", other === unit);
  }
}

function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}\u2026` : text;
}

// A text that is written only where it is new.
function put(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

function paint(e, v, largest) {
  const depth = finite(v) && largest ? Math.min(1, Math.abs(v) / largest) : 0;
  set(e, { class: `ring ${v < 0 ? "minus" : "plus"}`, "fill-opacity": (0.9 * depth).toFixed(2) });
}

function sheet(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}
