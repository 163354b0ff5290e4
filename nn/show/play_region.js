// What the network does over the plane of two inputs: its regions, with the points on them.
const COARSE = 25, FINE = 100, AT_ONCE = 1000;

class Region {
  constructor(play) {
    this.play = play;
    this.canvas = element("canvas", { class: "region", tabindex: 0, role: "img" });
    this.legend = element("p", { class: "legend" });
    this.choice = element("div", { class: "row axes" });
    this.sliders = element("div", { class: "held" });
    this.element = element("div", { class: "flat" }, this.canvas, this.legend, this.choice, this.sliders);
    this.small_ = new Map();
    on(this.canvas, "pointerdown", (event) => this.press(event));
    on(this.canvas, "keydown", (event) => this.key(event));
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  // Other data: which two inputs are shown, and where the others are held.
  fresh() {
    const { points } = this.play, { d0, features } = points;
    this.isFlat = d0 >= 1 && points.picture === null && d0 <= 200;
    this.element.hidden = !this.isFlat;
    if (!this.isFlat) return;
    this.isLine = d0 === 1;
    const kept = this.axes ?? [0, 1];
    this.axes = this.isLine ? [0, 0] : kept.every((i) => i < d0) && kept[0] !== kept[1] ? kept : [0, 1];
    this.held = new Float64Array(d0);
    const options = () => features.map((name, i) => element("option", { value: i }, name));
    this.choice.replaceChildren();
    this.sliders.replaceChildren();
    if (d0 > 2) {
      for (const [k, name] of [[0, "across"], [1, "up"]]) {
        const select = element("select", { "aria-label": name, "data-axis": k }, ...options());
        select.value = this.axes[k];
        on(select, "change", () => this.choose(k, Number(select.value)));
        this.choice.append(element("label", {}, name, select));
      }
      const box = element("details", {}, element("summary", {}, `the other ${d0 - 2} inputs, held at their means`));
      for (let i = 0; i < Math.min(d0, 40); i++) {
        const slider = element("input", { type: "range", min: -3, max: 3, step: 0.1, value: 0, "aria-label": features[i] });
        on(slider, "input", () => { this.held[i] = Number(slider.value); this.play.look(); });
        box.append(element("label", { class: "slide", "data-held": i }, cut(features[i], 24), slider));
      }
      this.sliders.append(box);
      this.hideAxes();
    }
    this.extent();
  }

  hideAxes() {
    for (const e of this.sliders.querySelectorAll("[data-held]")) e.hidden = this.axes.includes(Number(e.dataset.held));
  }

  choose(k, i) {
    if (this.axes[1 - k] === i) this.axes[1 - k] = this.axes[k];
    this.axes[k] = i;
    for (const select of this.choice.querySelectorAll("select")) select.value = this.axes[select.dataset.axis];
    this.hideAxes();
    this.extent();
    this.play.look();
  }

  // From where to where the axes go.
  extent() {
    const { points } = this.play, { X, y, n, d0 } = points;
    const range = (value, least) => {
      let low = Infinity, high = -Infinity;
      for (let e = 0; e < n; e++) {
        const v = value(e);
        low = Math.min(low, v);
        high = Math.max(high, v);
      }
      if (!(high > low)) [low, high] = n ? [low - 1, low + 1] : [-least, least];
      const margin = 0.12 * (high - low);
      return [low - margin, high + margin];
    };
    this.x = range((e) => X[e * d0 + this.axes[0]], 2);
    this.y = this.isLine ? range((e) => y[e], 2) : range((e) => X[e * d0 + this.axes[1]], 2);
    if (points.painted) [this.x, this.y] = [0, 1].map((i) => [-2.2, 2.2].map((v, k) => Math[k ? "max" : "min"](v, ...Array.from({ length: n }, (_, e) => X[e * d0 + i]))));
  }

  resize() {
    const width = this.canvas.clientWidth;
    if (!width) return;
    const size = Math.round(width * Math.min(2, devicePixelRatio || 1));
    if (this.canvas.width === size) return;
    Object.assign(this.canvas, { width: size, height: size });
    this.draw();
  }

  // A network over a grid of points: `see` is called after so many of them at once.
  over(net, size, see) {
    const { d0 } = this.play.points, total = this.isLine ? size : size * size;
    const X = new Float64Array(AT_ONCE * d0), data = { X, y: new Float64Array(AT_ONCE * this.play.targetCount), n: AT_ONCE, d0, classes: this.play.classCount };
    for (let from = 0; from < total; from += AT_ONCE) {
      const b = Math.min(AT_ONCE, total - from);
      for (let e = 0; e < b; e++) {
        const k = from + e, r = Math.floor(k / size), c = k % size;
        for (let i = 0; i < d0; i++) X[e * d0 + i] = this.held[i];
        X[e * d0 + this.axes[0]] = this.x[0] + (this.x[1] - this.x[0]) * (c + 0.5) / size;
        if (!this.isLine) X[e * d0 + this.axes[1]] = this.y[1] - (this.y[1] - this.y[0]) * (r + 0.5) / size;
      }
      net.forward(data, this.play.range(b));
      see(from, b, total);
    }
  }

  // All numbers of the network over the grid, unit by unit.
  compute(size) {
    const { net, grid } = this.play, { widths, L } = net, rows = this.isLine ? 1 : size;
    grid.theta.set(net.theta);
    const layers = widths.map((d) => new Float32Array(d * rows * size));
    this.over(grid, size, (from, b, total) => {
      for (let l = 0; l <= L; l++) {
        for (let j = 0; j < widths[l]; j++) {
          const kind = l === L ? "a" : "x";
          for (let e = 0; e < b; e++) layers[l][j * total + from + e] = grid.number(kind, l, j, e);
        }
      }
      this.sums(grid, total, from, b);
    });
    this.size = size;
    this.rows = rows;
    this.layers = layers;
    this.small_.clear();
  }

  // Of the hidden layers, the sums a: where one is 0, the unit changes sides.
  sums(grid, total, from, b) {
    const { widths, L } = this.play.net;
    if (from === 0) this.a = widths.map((d, l) => (l > 0 && l < L && d <= MANY ? new Float32Array(d * total) : null));
    this.a.forEach((store, l) => {
      if (!store) return;
      for (let j = 0; j < widths[l]; j++) {
        for (let e = 0; e < b; e++) store[j * total + from + e] = grid.number("a", l, j, e);
      }
    });
  }

  // A unit's values over the plane, as a small picture.
  small(l, j) {
    const { size, rows, layers } = this, total = size * rows, values = layers[l].subarray(j * total, (j + 1) * total);
    const { colours, net } = this.play, canvas = sheet(size, rows), context = canvas.getContext("2d"), pixels = context.createImageData(size, rows);
    let largest = 1e-9;
    for (const v of values) if (finite(v)) largest = Math.max(largest, Math.abs(v));
    if (l < net.L) largest = Math.max(largest, 0.2);
    for (let k = 0; k < total; k++) pixels.data.set(colours.signed(values[k] / largest), 4 * k);
    context.putImageData(pixels, 0, 0);
    return canvas.toDataURL();
  }

  // What another network says, on a canvas of its own.
  drawOutputs(net, canvas) {
    const K = net.widths.at(-1), a = new Float64Array(K), image = sheet(COARSE, COARSE), pixels = image.getContext("2d").createImageData(COARSE, COARSE);
    this.over(net, COARSE, (from, b) => {
      for (let e = 0; e < b; e++) {
        for (let k = 0; k < K; k++) a[k] = net.number("a", net.L, k, e);
        pixels.data.set(this.play.colours.output(a), 4 * (from + e));
      }
    });
    image.getContext("2d").putImageData(pixels, 0, 0);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  }

  draw() {
    if (!this.isFlat || !this.layers || !this.canvas.width) return;
    const { canvas, play } = this, context = canvas.getContext("2d");
    if (this.isLine) this.drawLine(context);
    else {
      const { size, layers } = this, total = size * size, top = layers.at(-1), K = play.net.widths.at(-1);
      const pixels = context.createImageData(size, size), a = new Float64Array(K);
      for (let k = 0; k < total; k++) {
        for (let j = 0; j < K; j++) a[j] = top[j * total + k];
        pixels.data.set(play.colours.output(a), 4 * k);
      }
      const image = sheet(size, size);
      image.getContext("2d").putImageData(pixels, 0, 0);
      context.imageSmoothingEnabled = true;
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      this.zeroLines(context);
    }
    this.drawPoints(context);
    this.say();
  }

  // Regression of one input: the curve, and below it those of the units in the last hidden layer.
  drawLine(context) {
    const { canvas, size, layers, play } = this, { colours } = play, L = layers.length - 1;
    context.fillStyle = colours.css("--paper");
    context.fillRect(0, 0, canvas.width, canvas.height);
    const path = (values, style, width) => {
      context.beginPath();
      for (let c = 0; c < size; c++) context.lineTo((c + 0.5) / size * canvas.width, this.toY(values[c]));
      Object.assign(context, { strokeStyle: style, lineWidth: width });
      context.stroke();
    };
    if (L > 1) for (let j = 0; j < Math.min(MANY, play.net.widths[L - 1]); j++) path(layers[L - 1].subarray(j * size, (j + 1) * size), colours.css("--line"), 1);
    const K = play.net.widths[L], means = Array.from({ length: size }, (_, c) => play.link_(Float64Array.from({ length: K }, (_, k) => layers[L][k * size + c])));
    for (let k = 0; k < K; k++) path(means.map((p) => p[k] * Math.max(1, K - 1)), play.link === "softmax" ? CLASSES[k % CLASSES.length] : colours.css("--plus"), 3 * this.scale());
  }

  scale() {
    return this.canvas.width / (this.canvas.clientWidth || this.canvas.width);
  }

  toX(v) {
    return (v - this.x[0]) / (this.x[1] - this.x[0]) * this.canvas.width;
  }

  toY(v) {
    return (this.y[1] - v) / (this.y[1] - this.y[0]) * this.canvas.height;
  }

  // Where the sum of a hidden unit is 0: cells of the grid that it passes through.
  zeroLines(context) {
    const { size, play, canvas } = this, total = size * size, step = canvas.width / size, picked = play.picked;
    const line = (values, style, width) => {
      context.beginPath();
      for (let r = 0; r + 1 < size; r++) {
        for (let c = 0; c + 1 < size; c++) {
          const k = r * size + c, corners = [values[k], values[k + 1], values[k + size + 1], values[k + size]];
          const ends = [];
          for (let s = 0; s < 4; s++) {
            const p = corners[s], q = corners[(s + 1) % 4];
            if (p > 0 === q > 0) continue;
            const t = p / (p - q), [x, y] = [[t, 0], [1, t], [1 - t, 1], [0, 1 - t]][s];
            ends.push((c + 0.5 + x) * step, (r + 0.5 + y) * step);
          }
          if (ends.length >= 4) {
            context.moveTo(ends[0], ends[1]);
            context.lineTo(ends[2], ends[3]);
          }
        }
      }
      Object.assign(context, { strokeStyle: style, lineWidth: width });
      context.stroke();
    };
    const { colours } = play, scale = this.scale();
    context.globalAlpha = 0.35;
    const first = this.a[1];
    if (first && play.settings.lines_shown) for (let j = 0; j < play.net.widths[1]; j++) line(first.subarray(j * total, (j + 1) * total), colours.css("--ink"), scale);
    context.globalAlpha = 1;
    if (picked && this.a[picked.l]) line(this.a[picked.l].subarray(picked.j * total, (picked.j + 1) * total), colours.css("--on"), 2.5 * scale);
  }

  // The points: those held out are hollow, errors ringed, the chosen one marked.
  drawPoints(context) {
    const { play } = this, { X, y, n, d0, test } = play.points, { colours } = play, scale = this.scale(), r = (n > 600 ? 2.5 : 4) * scale;
    const every = Math.max(1, Math.ceil(n / 3000));
    for (let e = 0; e < n; e += every) {
      const at = [this.toX(X[e * d0 + this.axes[0]]), this.toY(this.isLine ? y[e] : X[e * d0 + this.axes[1]])];
      const wrong = play.wrong?.[e];
      context.beginPath();
      context.arc(...at, r, 0, 7);
      context.fillStyle = colours.target(y, e);
      context.globalAlpha = test[e] ? 0.25 : 1;
      context.fill();
      context.globalAlpha = 1;
      Object.assign(context, { strokeStyle: colours.css(test[e] ? "--ink" : "--paper"), lineWidth: scale });
      context.stroke();
      if (wrong) {
        context.beginPath();
        context.arc(...at, r + 2.5 * scale, 0, 7);
        Object.assign(context, { strokeStyle: colours.css("--on"), lineWidth: 1.6 * scale });
        context.stroke();
      }
    }
    const e = play.example;
    if (e >= n) return;
    const at = [this.toX(X[e * d0 + this.axes[0]]), this.toY(this.isLine ? y[e] : X[e * d0 + this.axes[1]])];
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(at[0] + dx * (r + 2 * scale), at[1] + dy * (r + 2 * scale));
      context.lineTo(at[0] + dx * (r + 9 * scale), at[1] + dy * (r + 9 * scale));
    }
    Object.assign(context, { strokeStyle: colours.css("--ink"), lineWidth: 2 * scale });
    context.stroke();
  }

  say() {
    const { play } = this, { points } = play, wrong = play.wrong ? play.wrong.reduce((a, b) => a + b, 0) : null;
    const errors = wrong === null ? "" : ` ${wrong} of ${points.n} wrong.`;
    set(this.canvas, { "aria-label": `${play.outcomeName} over ${points.features[this.axes[0]]} and ${this.isLine ? points.target : points.features[this.axes[1]]}.${errors} Arrow keys lead from point to point.` });
    const rings = play.wrong ? "ringed: wrong; " : "", held = points.held.length ? "pale: held out; " : "";
    put(this.legend, `${rings}${held}cross: the example on the left. ${play.painting ? "Click to paint a point." : "Click a point to send it through."}`);
  }

  // Where the pointer is, in units of the axes.
  where(event) {
    const box = this.canvas.getBoundingClientRect();
    const u = (event.clientX - box.left) / box.width, v = (event.clientY - box.top) / box.height;
    return [this.x[0] + u * (this.x[1] - this.x[0]), this.y[1] - v * (this.y[1] - this.y[0])];
  }

  press(event) {
    if (!this.isFlat) return;
    const at = this.where(event), { play } = this;
    if (play.painting) {
      play.addPoint(at);
      follow((moved) => play.addPoint(this.where(moved)));
      return;
    }
    const { X, y, n, d0 } = play.points, scale = [this.x[1] - this.x[0], this.y[1] - this.y[0]];
    let best = 0, least = Infinity;
    for (let e = 0; e < n; e++) {
      const up = this.isLine ? y[e] : X[e * d0 + this.axes[1]];
      const far = Math.hypot((X[e * d0 + this.axes[0]] - at[0]) / scale[0], (up - at[1]) / scale[1]);
      if (far < least) [best, least] = [e, far];
    }
    if (n) play.chooseExample(best);
  }

  key(event) {
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], { play } = this;
    if (!way || !play.points.n) return;
    event.preventDefault();
    play.chooseExample((play.example + way + play.points.n) % play.points.n);
  }
}
