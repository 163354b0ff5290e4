// Panels in which something goes on: gradient descent, and the sweep step by step.
class Descend extends Slice {
  build() {
    const { live } = this;
    this.rate = 0.1;
    this.trail = [];
    this.timer = null;
    this.lr = this.field("rate =", "rate", "0.1", (x) => {
      this.rate = x;
      this.update();
    });
    this.who = element("select", { "data-field": "who" }, element("option", { value: "one" }, ""),
      element("option", { value: "all" }, "all inputs"));
    on(this.who, "change", () => this.restart());
    this.text = said();
    this.rows = wide("The last steps");
    this.running = live.button("run", "Run");
    this.element.append(element("div", { class: "plotted" }), this.group("Descend", this.lr.label,
      element("label", {}, "moves ", this.who), live.button("step", "One step"), this.running,
      live.button("restart", "Back to the start")), this.text, this.rows);
    this.actions = { step: () => this.step(), run: () => this.run(), restart: () => this.restart(true) };
  }

  get moving() {
    return this.who.value === "all" ? this.live.leaves : [this.leaf];
  }

  open() {
    this.of = undefined;
    super.open();
  }

  close() {
    this.stop();
  }

  // A new trail from here, or from where this one began.
  restart(back = false) {
    const { live, graph } = this;
    this.stop();
    if (back && this.trail.length) this.before.forEach(([i, x]) => (graph.v[i] = x));
    this.trail = [];
    this.end = "";
    if (back) live.changed();
    this.update();
  }

  // theta <- theta - rate gradient.
  step() {
    const { live, graph } = this, { v, g } = graph;
    live.flush();
    if (this.trail.length === 0) {
      this.before = live.leaves.map((i) => [i, v[i]]);
      this.note();
    }
    const largest = max(...this.moving.map((i) => abs(g[i])));
    for (const i of this.moving) v[i] -= this.rate * g[i];
    this.own = true;
    live.changed();
    this.note();
    this.end = "";
    const [last, now] = this.trail.slice(-2), name = this.root;
    const far = now.f - this.trail[0].f > 1e9 * max(1, abs(this.trail[0].f));
    if (Number.isNaN(this.trail[0].f)) {
      this.end = `${name} is nan where this begins: choose other numbers.`;
    } else if (far || ![now.f, ...this.moving.map((i) => v[i])].every(finite)) {
      this.end = `Diverged after ${this.trail.length - 1} update${this.trail.length > 2 ? "s" : ""}: ${name} = ${number(now.f)}. The rate does not fit.`;
    } else if (now.f > last.f) {
      this.end = `${name} has gone up, from ${number(last.f)} to ${number(now.f)}: the step went too far, or the wrong way.`;
    } else if (largest < 1e-8) {
      this.end = `At rest: the gradient is ${largest ? "no larger than " : ""}${number(largest)} here.`;
    }
    this.own = false;
    this.live.plot.include(this.trail.slice(-12).map(({ x }) => x));
    this.update();
    const over = /^(At rest|Diverged)|is nan where/.test(this.end);
    if (over || (this.timer !== null && this.trail.length > 500)) this.stop();
    return over;
  }

  note() {
    const { graph, leaf } = this;
    this.live.flush();
    const [x, f, g] = graph.point(leaf);
    this.trail.push({ x, f, g });
  }

  run() {
    if (this.timer !== null) return this.stop();
    this.running.firstChild.data = "Stop";
    this.timer = setInterval(() => (this.live.host.isConnected ? this.step() : this.stop()), 120);
    return this.step();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.running.firstChild.data = "Run";
  }

  marks(px, py) {
    const points = this.trail.filter(({ x, f }) => finite(x) && finite(f)).slice(-200)
      .map(({ x, f }) => [px(x), py(f)]);
    const way = points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    return [drawn("path", { class: "trail", d: way }),
      ...points.map(([cx, cy]) => drawn("circle", { class: "past", cx, cy, r: 3 }))];
  }

  update() {
    const { graph, leaf, trail, name, root } = this;
    const last = trail.at(-1);
    // Moved by hand, it begins anew.
    if (this.of !== leaf || (last && !this.own && !Object.is(last.x, graph.v[leaf]))) {
      this.stop();
      Object.assign(this, { trail: [], end: "", of: leaf });
      this.who.options[0].text = `only ${name}`;
    }
    const way = this.rate > 0 ? `, down towards a smaller ${root}` : this.rate < 0 ? `, up towards a larger ${root}` : "";
    this.live.plot.draw();
    this.text.textContent = this.end || `Each step: ${name} ${MINUS} rate ${TIMES} ${this.slope} = ${number(graph.v[leaf])} ${MINUS} `
      + `${factor(this.rate)} ${TIMES} ${factor(graph.g[leaf])} = ${number(graph.v[leaf] - this.rate * graph.g[leaf])}${way}.`;
    const first = max(0, this.trail.length - 6);
    this.rows.hidden = this.trail.length === 0;
    this.rows.replaceChildren(this.table(["step", name, root, this.slope],
      this.trail.slice(first).map(({ x, f, g }, k) => [String(first + k), ...[x, f, g].map(number)])));
  }
}

class Sweep extends Panel {
  build() {
    const { live, graph } = this;
    this.at = 0;
    this.timer = null;
    // Forward, node by node; then the result's gradient; then back.
    this.frames = 2 + 2 * graph.inner.length;
    const icons = { first: "|\u25c0", previous: "\u25c0", play: "\u25b6", next: "\u25b6|", last: "\u25b6\u25b6|" };
    const labels = { first: "First step", previous: "Previous step", play: "Play", next: "Next step", last: "Last step" };
    const buttons = Object.keys(icons).map((name) => live.button(name, icons[name], labels[name]));
    this.play = buttons[2];
    this.slider = element("input", { type: "range", min: 0, max: this.frames - 1, step: 1, value: 0, "aria-label": "step" });
    on(this.slider, "input", () => this.move(Number(this.slider.value)));
    this.output = element("output", { "aria-hidden": "true" });
    this.caption = element("div", { class: "caption", "aria-live": "polite" });
    this.element.append(this.group("Steps", ...buttons, this.slider, this.output), this.caption);
    this.actions = { first: () => this.move(0), previous: () => this.move(this.at - 1), play: () => this.toggle(),
      next: () => this.move(this.at + 1), last: () => this.move(this.frames - 1) };
    this.g = new Float64Array(graph.n);
    this.reached = new Uint8Array(graph.n);
  }

  get forward() {
    return min(this.at, this.graph.inner.length); // how many nodes have their value
  }

  get mode() {
    const { graph, at, forward } = this, done = new Set(graph.inner.slice(0, forward));
    const isBack = at > graph.inner.length;
    if (isBack) graph.sweep(at - graph.inner.length - 1, this.g, this.reached);
    return { g: this.g, value: (i) => (graph.isLeaf(i) || done.has(i) ? SHOWN : HIDDEN),
      grad: () => (isBack ? SHOWN : HIDDEN), partial: (i) => (done.has(i) ? SHOWN : HIDDEN) };
  }

  open() {
    this.at = 0;
    this.update();
  }

  close() {
    this.stop();
    this.live.stage.light();
  }

  move(to) {
    this.stop();
    this.go(to);
  }

  go(to) {
    this.at = max(0, min(this.frames - 1, to));
    this.live.paint();
    this.update();
    if (this.at === this.frames - 1) this.stop();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.firstChild.data = "\u25b6";
    set(this.play, { "aria-label": "Play" });
  }

  toggle() {
    if (this.timer !== null) return this.stop();
    if (this.at === this.frames - 1) this.go(0);
    this.play.firstChild.data = "\u275a\u275a";
    set(this.play, { "aria-label": "Pause" });
    this.timer = setInterval(() => (this.live.host.isConnected ? this.go(this.at + 1) : this.stop()), 900);
    return undefined;
  }

  // What happens in a step, in words and numbers, and what is lit.
  told() {
    const { graph, names, at, root } = this, n = graph.inner.length;
    if (at === 0) return ["Start: these numbers are given.", [], this.live.leaves, []];
    if (at <= n) {
      const i = graph.inner[at - 1], inside = graph.arrows(i);
      const partials = inside.map((j) => `${graph.partialName(i, j)} = ${number(graph.d[j])}`);
      return [`Forward: ${names[i]} = ${graph.formula(i)}`, [`= ${graph.formula(i, false)} = ${number(graph.v[i])}`,
        `At the arrows: ${shortened(partials).join(", ")}`], [i], inside];
    }
    if (at === n + 1) {
      return ["Backward: all gradients are 0, but for the result's.", [`${root}.grad = ${PARTIAL}${root}/${PARTIAL}${root} = 1`], [graph.root], []];
    }
    const i = graph.inner[2 * n + 1 - at], lines = [], lit = [];
    const g = new Float64Array(graph.n), reached = new Uint8Array(graph.n);
    graph.sweep(at - n - 1, g, reached, (from, j, to, now) => {
      if (from !== i) return;
      lit.push(j);
      const after = now[to] + now[i] * graph.d[j];
      lines.push(`${names[to]}.grad += ${number(now[i])} ${TIMES} ${factor(graph.d[j])}  (${number(now[to])} ${ARROW} ${number(after)})`);
    });
    const left = graph.arrows(i).filter((j) => !lit.includes(j)).map((j) => `${names[graph.inputs[j]]} gets no share`);
    return [`Backward: ${names[i]} = ${graph.formula(i)}, ${names[i]}.grad = ${number(g[i])}`, shortened([...lines, ...left], 6), [i], lit];
  }

  update() {
    const [title, lines, nodes, edges] = this.told();
    tell(this.caption, title, lines);
    this.live.stage.light(nodes, edges);
    if (this.at > 0) this.live.stage.base.show(this.live.stage.of.get(nodes[0])?.group);
    this.slider.value = this.at;
    set(this.slider, { "aria-valuetext": title });
    this.output.value = `${this.at} / ${this.frames - 1}`;
  }
}
