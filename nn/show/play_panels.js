// What unfolds below the picture: controls of the data, of the network and of the training.
class Panel {
  constructor(play) {
    this.play = play;
    this.element = element("div", { class: "inside" });
    this.controls = new Map(); // by the name of a setting: writes its value
    this.actions = {};
    this.build();
  }

  build() {}
  open() { this.update(); }
  update() {
    for (const [name, write] of this.controls) write(this.play.settings[name]);
  }
  tick() {} // some ten times a second, while it is open

  row(...children) {
    const row = element("div", { class: "row" }, ...children);
    this.element.append(row);
    return row;
  }

  note(text) {
    const p = element("p", { class: "note" }, text);
    this.element.append(p);
    return p;
  }

  button(name, text, action) {
    this.actions[name] = action;
    return element("button", { type: "button", "data-do": name }, text);
  }

  // A number: a slider, and a field to type in.
  slider(name, label, low, high, { whole = false, log = false } = {}) {
    const { play } = this, most = () => (typeof high === "function" ? high() : high);
    const slide = element("input", { type: "range", min: 0, max: 1000, "data-slide": name, "aria-label": label });
    const text = entry(name);
    set(text, { "aria-label": `${label}, a number` });
    const to = (v) => (log ? Math.log(v / low) / Math.log(most() / low) : (v - low) / (most() - low || 1)) * 1000;
    const from = (s) => {
      const v = log ? low * (most() / low) ** (s / 1000) : low + (most() - low) * s / 1000;
      return whole ? Math.round(v) : Number(v.toPrecision(2));
    };
    on(slide, "input", () => play.change(name, from(Number(slide.value))));
    on(text, "change", () => {
      const v = parsed(text.value);
      const [least, largest] = LIMITS[name], top = typeof high === "function" ? high() : largest, bad = v === null || !allowed(name, v) || v > top;
      set(text, { "aria-invalid": bad ? "true" : null });
      if (bad) play.say(`${label} must be ${whole ? "a whole number " : ""}from ${number(least)} to ${number(top)}; ${WRITE}.`);
      else play.change(name, v);
    });
    this.controls.set(name, (v) => {
      slide.value = Math.max(0, Math.min(1000, to(v)));
      set(slide, { "aria-valuetext": number(v) });
      if (text.getRootNode().activeElement !== text) text.value = String(v);
      text.removeAttribute("aria-invalid");
    });
    return element("label", { class: "slide" }, element("span", {}, label), slide, text);
  }

  choice(name, label, options) {
    const select = element("select", { "data-choice": name, "aria-label": label });
    const fill = () => select.replaceChildren(...options().map(([value, text]) => element("option", { value }, text)));
    on(select, "change", () => this.play.change(name, select.value));
    this.controls.set(name, (v) => {
      fill();
      select.value = String(v);
    });
    return element("label", {}, label, select);
  }

  check(name, label) {
    const box = element("input", { type: "checkbox", "data-check": name });
    on(box, "change", () => this.play.change(name, box.checked ? 1 : 0));
    this.controls.set(name, (v) => { box.checked = Boolean(v); });
    return element("label", { class: "check" }, box, label);
  }
}

const SPEEDS = { 1: "1 update a second", 10: "10", 100: "100", 1000: "1,000", 0: "as fast as it goes" };

class DataPanel extends Panel {
  build() {
    const { play } = this;
    this.row(this.choice("set", "data", () => play.menu()), this.button("paint", "Paint points", () => this.paint()), this.filePicker());
    this.brushes = this.row();
    this.brushes.hidden = true;
    this.row(this.slider("n", "points", 20, 1000, { whole: true }), this.slider("noise", "noise", 0, 1), this.slider("labels", "targets replaced at random", 0, 1), this.slider("held", "share held out", 0, 0.9));
    this.columns = this.row();
    this.notes = element("ul", { class: "notes" });
    this.element.append(this.notes);
    this.note("A file stays in this page: it is read here, and sent nowhere. Drop it anywhere on the page.");
  }

  filePicker() {
    const file = element("input", { type: "file", accept: ".csv,.tsv,.txt", "aria-label": "A CSV file" });
    on(file, "change", () => file.files[0] && this.play.readFile(file.files[0]));
    return element("label", {}, "a CSV file", file);
  }

  paint() {
    const { play } = this;
    play.paint();
    this.update();
  }

  update() {
    super.update();
    const { play } = this, { points } = play, K = play.link === "softmax" ? Math.max(2, points.classes.length) : 2;
    this.brushes.hidden = !play.painting;
    if (play.painting) {
      const kinds = play.link === "" ? [["-1", "low, \u22121"], ["0", "middle, 0"], ["1", "high, 1"]]
        : Array.from({ length: K }, (_, k) => [String(k), points.classes[k] ?? `class ${k}`]);
      this.brushes.replaceChildren("paint", ...kinds.map(([value, text]) => {
        const button = element("button", { type: "button", "aria-pressed": String(play.brush === Number(value)) }, text);
        on(button, "click", () => {
          play.brush = Number(value);
          this.update();
        });
        return button;
      }), this.button("clear", "Remove all points", () => play.clearPoints()), this.button("add", "Add one at the cross", () => play.addPoint(null)), this.button("done", "Done", () => play.stopPainting()));
    }
    const { table } = play;
    this.columns.replaceChildren();
    if (table && play.settings.set === play.fileName) {
      const target = element("select", { "aria-label": "target" }, ...targetsFor(table, play.kind).map((name) => element("option", { value: name }, name)));
      target.value = play.fileTarget;
      on(target, "change", () => play.useTable(target.value) || this.update());
      this.columns.append(element("label", {}, "target, the column to predict", target));
    }
    const held = points.held.length ? `, ${points.held.length} held out` : "";
    const classes = points.classes.length ? `; classes: ${cut(points.classes.join(", "), 80)}` : "";
    const about = `${points.n} examples${held}; ${points.d0} input${points.d0 > 1 ? "s" : ""}${classes}.`;
    this.notes.replaceChildren(...[about, ...points.notes].map((text) => element("li", {}, text)));
    this.controlOf("n").hidden = !points.made;
    for (const name of ["noise", "labels", "held"]) this.controlOf(name).hidden = !points.n;
  }

  controlOf(name) {
    return this.element.querySelector(`[data-slide="${name}"]`).parentElement;
  }
}

class NetworkPanel extends Panel {
  build() {
    const { play } = this;
    this.layers = this.row();
    this.row(this.choice("activation", "activation g", () => Object.keys(PROGRAMS).filter((name) => play.has(name, play.settings.hidden.length)).map((name) => [name, name])),
      this.slider("seed", "seed of the first weights", 0, 100, { whole: true }), this.button("draw", "Draw other weights", () => play.change("seed", (Number(play.settings.seed) || 0) + 1)));
    this.row(this.check("lines_shown", "lines where units of layer 1 change sides"));
    this.note("A line is a weight, as wide as it is large; drag it up or down, or click a unit and type. In each unit: what it passes on, over the plane.");
    this.form = element("p", { class: "note" });
    this.element.append(this.form);
  }

  update() {
    super.update();
    const { play } = this, { hidden, activation } = play.settings;
    const change = (next, name) => () => {
      play.change("hidden", next);
      this.element.querySelector(`[data-do="${name}"]`)?.focus();
    };
    for (const e of [this.layers, this.element.querySelector("[data-choice=activation]").parentElement]) e.hidden = play.isFixed;
    this.layers.replaceChildren("hidden layers", this.button("fewer", "\u2212", change(hidden.slice(0, -1), "fewer")),
      element("b", {}, String(hidden.length)), this.button("more", "+", change([...hidden, hidden.at(-1) ?? 4], "more")));
    this.layers.querySelector("[data-do=fewer]").disabled = !play.has(activation, hidden.length - 1);
    this.layers.querySelector("[data-do=more]").disabled = !play.has(activation, hidden.length + 1);
    set(this.layers.querySelector("[data-do=fewer]"), { "aria-label": "One layer less" });
    set(this.layers.querySelector("[data-do=more]"), { "aria-label": "One layer more" });
    hidden.forEach((d, k) => {
      const text = entry(`width${k + 1}`);
      text.value = d;
      set(text, { "aria-label": `units in layer ${k + 1}`, size: 4 });
      text.disabled = play.isFixed;
      on(text, "change", () => {
        const v = parsed(text.value);
        if (v === null || v !== Math.floor(v) || v < 1 || v > 256) play.say(`A layer has from 1 to 256 units, a whole number, and not ${text.value}.`);
        else play.change("hidden", hidden.with?.(k, v) ?? hidden.map((w, i) => (i === k ? v : w)));
      });
      this.layers.append(element("label", {}, `layer ${k + 1}`, text));
    });
    const { net } = play, m = net.size;
    put(this.form, `${net.widths.join(" \u2192 ")}: m = ${m.toLocaleString("en")} parameters. ${play.isFixed ? "This network has a form of its own, so its widths stay as they are." : ""}`);
  }
}

class TrainingPanel extends Panel {
  build() {
    const { play } = this;
    this.row(this.slider("b", "batch size b", 1, () => Math.max(1, play.trainData.n), { whole: true, log: true }), this.slider("lr", "learning rate", 1e-4, 10, { log: true }));
    this.row(this.choice("optimizer", "optimizer", () => Object.keys(RULES).map((name) => [name, name])), (this.momentum = this.slider("momentum", "momentum", 0, 0.99)));
    this.row(this.choice("schedule", "rate over time", () => Object.entries(SCHEDULES).map(([name, { said }]) => [name, said])), (this.every = this.slider("every", "over so many updates", 10, 10000, { whole: true, log: true })));
    this.row(this.slider("grow", "batches grow by", 1, 4), (this.period = this.slider("period", "after so many epochs", 1, 50, { whole: true, log: true })));
    this.row(this.choice("speed", "speed", () => Object.entries(SPEEDS)),
      this.choice("axis", "time axis", () => Object.keys(UNITS).map((name) => [name, name])), this.check("noise_shown", "losses of the batches"));
    this.form = element("p", { class: "note" });
    this.element.append(this.form);
  }

  update() {
    super.update();
    const { settings, trainData } = this.play, { n } = trainData;
    this.momentum.hidden = !("momentum" in RULES[settings.optimizer].settings);
    this.every.hidden = settings.schedule === "constant";
    this.period.hidden = settings.grow <= 1;
    const b = Math.min(n, settings.b), kind = b === 1 ? "pure SGD" : b === n ? "gradient descent" : "mini-batches";
    put(this.form, `${kind}: ${b} of ${n} examples an update, \u230an / b\u230b = ${Math.floor(n / b)} updates an epoch. An update follows the mean gradient of its batch; by the sum over the data, the lecture's L, the rate of gradient descent would be \u03b5 = lr / n.`);
  }
}
