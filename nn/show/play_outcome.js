// What the network says of the examples: confusion or residuals, the chosen example's probabilities,
// and, where the inputs are pixels, a pad to draw on.
class Outcome {
  constructor(play) {
    this.play = play;
    this.grid = element("div", { class: "confusion" });
    this.chosen = element("div", { class: "chosen" });
    this.pad = new Pad(play);
    this.element = element("div", { class: "outcome" }, this.pad.element, this.chosen, this.grid);
  }

  fresh() {
    this.pad.fresh();
  }

  // Of all examples, from the outputs that were computed for them.
  draw(outputs) {
    const { play } = this, { points } = play;
    if (!points.n || !outputs) {
      this.grid.replaceChildren();
      return;
    }
    if (points.classes.length && play.link) this.confusion(outputs);
    else if (play.targetCount === 1) this.residuals(outputs);
    else this.grid.replaceChildren();
  }

  confusion(outputs) {
    const { play } = this, { points, wrong } = play, K = points.classes.length, counts = Array.from({ length: K }, () => new Array(K).fill(0));
    for (let e = 0; e < points.n; e++) counts[points.y[e]][play.decide(outputs, e)] += 1;
    const most = Math.max(...counts.flat(), 1), first = points.classes.map((name) => cut(name, K > 5 ? 4 : 10));
    if (K > 12) {
      this.grid.replaceChildren(element("p", {}, `${K} classes: ${wrong.reduce((a, b) => a + b, 0)} of ${points.n} examples wrong.`));
      return;
    }
    const head = element("tr", {}, element("td", {}, ""), ...first.map((name) => element("th", { scope: "col" }, name)));
    const rows = counts.map((row, k) => element("tr", {}, element("th", { scope: "row" }, first[k]), ...row.map((count, j) => {
      const cell = element("td", { class: k === j ? "right" : count ? "wrong" : "" }, count ? String(count) : "\u00b7");
      cell.style.setProperty("--depth", `${(70 * Math.sqrt(count / most)).toFixed(0)}%`);
      return cell;
    })));
    const box = wide("Confusion");
    box.append(element("table", { class: K > 5 ? "dense" : "" }, element("caption", {}, `all ${points.n} examples;`, element("br"), "row: what it is; column: what the network says"), head, ...rows));
    this.grid.replaceChildren(box);
  }

  residuals(outputs) {
    const { play } = this, { points } = play, size = 200, svg = drawn("svg", { class: "residuals", viewBox: `0 0 ${size} ${size}`, role: "img" });
    const { yScale } = points, low = play.middle - 1.3 * play.half, high = play.middle + 1.3 * play.half;
    const at = (v) => (Math.max(low, Math.min(high, v)) - low) / (high - low) * size;
    let squares = 0;
    const dots = [];
    for (let e = 0; e < points.n; e++) {
      squares += (outputs[e] - points.y[e]) ** 2;
      if (e % Math.ceil(points.n / 600) === 0) dots.push(drawn("circle", { cx: at(points.y[e]).toFixed(1), cy: (size - at(outputs[e])).toFixed(1), r: 2 }));
    }
    svg.append(drawn("path", { class: "grid", d: `M0 ${size}L${size} 0` }), ...dots);
    const error = number(Math.sqrt(squares / points.n) * yScale);
    set(svg, { "aria-label": `Predicted against true ${points.target}: typical error ${error}` });
    const name = cut(points.target, 20), as = yScale === 1 ? "" : `, in units of ${name}`;
    this.grid.replaceChildren(element("figure", {}, svg, element("figcaption", {}, `predicted (up) against true ${name} (across); typical error ${error}${as}`)));
  }

  // The chosen example: its inputs, its target, the loss.
  write(loss) {
    const { play } = this, { points, probe, net } = play, mean = play.mean(probe, 0), target = play.targets(play.example);
    const name = (k) => (points.classes.length === mean.length ? points.classes[k] : points.classes.length === 2 && mean.length === 1 ? points.classes[1] : play.meanName);
    const title = play.drawn ? "your drawing" : `example ${play.example}${points.test[play.example] ? ", held out" : ""}`;
    const truth = play.drawn ? "" : points.classes.length ? `: ${points.classes[points.y[play.example]]}` : `: y = ${Array.from(target, number).join(", ")}`;
    const bars = play.link ? Array.from(mean, (p, k) => {
      const bar = element("div", { class: "bar-row" }, element("span", {}, cut(name(k), 14)), element("i", {}), element("b", {}, number(p)));
      bar.children[1].style.setProperty("--share", `${(100 * p).toFixed(1)}%`);
      return bar;
    }) : [element("div", {}, `${play.meanName} ${Array.from(mean, number).join(", ")}`)];
    this.chosen.replaceChildren(element("p", {}, element("b", {}, title), truth, play.drawn ? "" : `; loss ${number(loss)}`), ...bars.slice(0, 12));
    this.pad.show(net);
  }
}

// A pad of pixels, as many as the inputs, drawn by hand.
class Pad {
  constructor(play) {
    this.play = play;
    this.canvas = element("canvas", { class: "pad", width: 160, height: 160, tabindex: 0, role: "img", "aria-label": "Pad: draw with the mouse or a finger" });
    const clear = element("button", { type: "button", "data-do": "erase" }, "Clear the pad"), back = element("button", { type: "button", "data-do": "example" }, "Next example");
    on(clear, "click", () => this.clear());
    on(back, "click", () => play.chooseExample((play.example + 1) % play.points.n));
    this.element = element("div", { class: "padding" }, this.canvas, element("div", { class: "row" }, clear, back));
    on(this.canvas, "pointerdown", (event) => {
      if (!this.play.drawn) this.clear();
      this.stroke(event);
      follow((moved) => this.stroke(moved));
    });
  }

  fresh() {
    const { picture } = this.play.points;
    this.element.hidden = !picture;
    if (!picture) return;
    [this.rows, this.columns] = picture;
    this.ink = new Float64Array(this.rows * this.columns);
  }

  clear() {
    this.ink.fill(0);
    this.send();
  }

  stroke(event) {
    const box = this.canvas.getBoundingClientRect(), { rows, columns } = this;
    const c = (event.clientX - box.left) / box.width * columns, r = (event.clientY - box.top) / box.height * rows;
    const wide = Math.max(0.9, columns / 10);
    for (let k = 0; k < rows * columns; k++) {
      const far = Math.hypot((k % columns) + 0.5 - c, Math.floor(k / columns) + 0.5 - r);
      this.ink[k] = Math.max(this.ink[k], Math.min(1, Math.max(0, 1.35 - far / wide)));
    }
    this.send();
  }

  send() {
    const { mean: shift, scale, darkest } = this.play.points;
    this.play.sendDrawing(Float64Array.from(this.ink, (v, i) => (v * darkest - shift[i]) / (scale[i] || 1)));
  }

  // The example that is sent through, as pixels.
  show() {
    const { play } = this, { picture, mean: shift, scale, darkest, X, d0 } = play.points;
    if (!picture) return;
    const context = this.canvas.getContext("2d"), small = sheet(this.columns, this.rows), pixels = small.getContext("2d").createImageData(this.columns, this.rows);
    const x = play.drawn ?? X.subarray(play.example * d0, (play.example + 1) * d0);
    for (let i = 0; i < d0; i++) pixels.data.set(play.colours.mix([90, 90, 90].map((c) => (play.colours.paper[0] > 128 ? 20 : 235)), Math.max(0, Math.min(1, (x[i] * scale[i] + shift[i]) / darkest))), 4 * i);
    small.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, 160, 160);
  }
}

// A unit's line of the recursion, in numbers, and its weights to be changed.
class Detail {
  constructor(play) {
    this.play = play;
    this.lines = element("div", { class: "lines" });
    this.table = element("table", { class: "weights" });
    const box = wide("Weights of the unit");
    box.append(this.table);
    this.element = element("section", { class: "detail", "aria-label": "The chosen unit", hidden: "" }, this.lines, box);
  }

  show(unit) {
    this.unit = unit;
    this.element.hidden = !unit;
    if (!unit) return;
    const { net } = this.play, { l, j } = unit;
    this.fields = [];
    this.table.replaceChildren();
    if (l > 0 && NETWORK.layers) {
      const d = net.widths[l - 1], shown = Math.min(d, 40), head = ["", "\u03b8, the weight", "x, what comes in", `dL/d\u03b8 = \u0394 ${TIMES} x`];
      this.table.append(element("tr", {}, ...head.map((text) => (text ? element("th", { scope: "col" }, text) : element("td", {})))));
      for (let i = 0; i <= shown; i++) {
        const isBias = i === shown, at = isBias ? net.bias(l, j) : net.weight(l, j, i);
        if (at < 0) continue;
        const text = entry(isBias ? "bias" : `weight${i}`), x = element("td", {}), g = element("td", {});
        const from = l === 1 ? this.play.points.features[i] : `unit ${i}`;
        set(text, { "aria-label": isBias ? "bias" : `weight from ${from}` });
        on(text, "change", () => {
          const v = parsed(text.value);
          if (v === null || !finite(v)) this.play.say(`A weight is a number: ${WRITE}.`);
          else this.play.setWeight(at, v);
        });
        on(text, "keydown", (event) => {
          const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
          if (!way) return;
          event.preventDefault();
          this.play.setWeight(at, Number((net.theta[at] + way * (event.shiftKey ? 0.01 : 0.1)).toPrecision(12)));
        });
        this.table.append(element("tr", {}, element("th", { scope: "row" }, isBias ? "b" : l === 1 ? cut(this.play.points.features[i], 18) : `unit ${i}`), element("td", {}, text), x, g));
        this.fields.push({ at, text, x, g, i: isBias ? -1 : i });
      }
      if (shown < d) this.table.append(element("tr", {}, element("td", { colspan: 4 }, `and ${d - shown} more`)));
    }
    this.write();
  }

  write() {
    const { play, unit } = this;
    if (!unit) return;
    const { net, probe } = play, { l, j } = unit, { L, widths } = net, lines = [];
    const read = (name, layer, k) => probe.number(name, layer, k, 0);
    if (l === 0) lines.push(`${unit.name === `x0[${j}]` ? "" : `${unit.name}: `}x0[${j}] = ${number(read("x", 0, j))}, an input`);
    else if (!NETWORK.layers) lines.push(`a[${j}] = ${number(read("a", 1, j))}, an output of a network with a form of its own`);
    else {
      const terms = Array.from({ length: widths[l - 1] }, (_, i) => `${factor(net.theta[net.weight(l, j, i)])} ${TIMES} ${factor(read("x", l - 1, i))}`);
      if (net.bias(l, j) >= 0) terms.push(factor(net.theta[net.bias(l, j)]));
      lines.push(`a${l}[${j}] = \u03a3 \u03b8 x + b = ${shortened(terms).join(" + ")} = ${number(read("a", l, j))}`);
      if (l < L) {
        const names = net.activation.split(", ");
        lines.push(`x${l}[${j}] = ${names[Math.min(l, names.length) - 1]}(a) = ${number(read("x", l, j))}`);
        const shares = Array.from({ length: widths[l + 1] }, (_, k) => [net.theta[net.weight(l + 1, k, j)], read("delta", l + 1, k)]);
        const total = shares.reduce((s, [w, d]) => s + w * d, 0), delta = read("delta", l, j);
        const slope = total === 0 ? "g'(a)" : number(delta / total);
        const sum = shortened(shares.map(([w, d]) => `${factor(w)} ${TIMES} ${factor(d)}`)).join(" + ");
        lines.push(`\u0394${l}[${j}] = g'(a) \u03a3 \u03b8 \u0394 = ${slope} ${TIMES} (${sum}) = ${number(delta)}`);
      } else {
        const mean = play.mean(probe, 0)[j], y = play.targets(play.example)[j];
        const how = play.known ? `${play.link || "a"}${play.link ? "(a)" : ""} \u2212 y = ${number(mean)} \u2212 ${factor(y)}` : "dL/da, by the loss";
        lines.push(`\u0394${l}[${j}] = ${how} = ${number(read("delta", l, j))}`);
      }
    }
    this.lines.replaceChildren(element("b", {}, `${unit.name}${l > 0 && l < L ? "" : l ? ", an output" : ""}`), ...lines.map((text) => element("div", {}, text)));
    for (const { at, text, x, g, i } of this.fields) {
      if (text.getRootNode().activeElement !== text) text.value = number(net.theta[at]);
      put(x, i < 0 ? "1" : number(read("x", l - 1, i)));
      put(g, number(probe.gradient[at]));
    }
  }
}
