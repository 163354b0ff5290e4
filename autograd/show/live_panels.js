// What unfolds below the picture. A panel has an element, and is told when it opens, closes, and
// when numbers have changed; `mode` is what the picture shows while it is open.
const said = () => element("p", { class: "said", "aria-live": "polite" });

class Panel {
  constructor(live) {
    const { graph } = live, { names } = graph.data;
    Object.assign(this, { live, graph, names, root: names[graph.root] });
    this.element = element("div", { class: "inside" });
    this.actions = {};
    this.build();
  }

  get leaf() {
    return this.live.leaf;
  }

  get name() {
    return this.names[this.leaf];
  }

  // d f/d x in letters.
  get slope() {
    return `${PARTIAL}${this.root}/${PARTIAL}${this.name}`;
  }

  get mode() {
    return { g: this.graph.g };
  }

  open() {}
  close() {}
  update() {}
  picked() {
    return false; // whether a click on a box was for this panel
  }

  group(label, ...children) {
    return element("div", { class: "row", role: "group", "aria-label": label }, ...children);
  }

  // A number to be set: a text field with its name.
  field(label, name, value, changed) {
    const input = entry(name);
    input.value = value;
    const read = () => {
      const x = parsed(input.value);
      set(input, { "aria-invalid": x === null });
      input.title = x === null ? WRITE : "";
      if (x !== null) changed(x);
    };
    on(input, "input", read);
    return { input, label: element("label", {}, label, input) };
  }

  table(head, rows) {
    const cells = (tag, row) => element("tr", {}, ...row.map((text) => element(tag, tag === "th" ? { scope: "col" } : {}, text)));
    return element("table", {}, element("thead", {}, cells("th", head)),
      element("tbody", {}, ...rows.map((row) => cells("td", row))));
  }
}

class Slice extends Panel {
  build() {
    const { live } = this;
    this.text = element("p");
    this.element.append(element("div", { class: "plotted" }, live.plot.svg), this.group("Slice",
      live.button("narrower", "+", "A narrower window"), live.button("wider", MINUS, "A wider window")),
    this.text);
    this.actions = { narrower: () => live.plot.zoom(0.5), wider: () => live.plot.zoom(2) };
  }

  open() {
    this.element.firstChild.append(this.live.plot.svg);
    this.live.plot.marks = (px, py) => this.marks(px, py);
    this.live.plot.measure();
    this.update();
  }

  marks() {
    return [];
  }

  update() {
    const { graph, leaf, name, root } = this, point = graph.point(leaf), [x, f, slope] = point;
    this.live.plot.draw();
    const line = point.every(finite)
      ? `; the line has the slope ${this.slope} = ${number(slope)}. Close to the dot the two are one. Drag the dot.`
      : `. It has no tangent here: ${name} = ${number(x)}, ${root} = ${number(f)}, ${this.slope} = ${number(slope)}.`;
    this.text.textContent = `The curve is ${root} as ${name} alone moves${line}`;
  }
}

class Nudge extends Slice {
  build() {
    const { live } = this;
    this.range = element("input", { type: "range", min: -100, max: 100, step: 1, value: 50,
      "aria-label": `${DELTA}, how far it is moved` });
    on(this.range, "input", () => {
      this.delta = live.rounded(this.range.value / 100 * this.reach, this.reach / 100);
      this.exact.input.value = this.delta;
      this.update();
    });
    this.exact = this.field(`${DELTA} =`, "delta", "", (x) => {
      this.delta = x;
      this.update();
    });
    this.text = said();
    this.rows = wide("Smaller and smaller nudges");
    this.element.append(element("div", { class: "plotted" }),
      this.group("Nudge", this.exact.label, this.range), this.text, this.rows);
  }

  open() {
    this.of = undefined;
    super.open();
  }

  // To begin with: about a tenth of the number, rounded down to 1, 2 or 5 and zeros.
  begin() {
    const size = abs(this.graph.v[this.leaf]) / 10, one = unit(size);
    const fits = size >= 1e-300 && size < Infinity;
    this.delta = fits ? Number(([5, 2, 1].find((k) => size >= k * one) * one).toPrecision(1)) : 0.1;
    this.exact.input.value = this.delta;
    this.of = this.leaf;
  }

  get reach() {
    return this.live.plot.range(this.leaf, this.graph.v[this.leaf]).half / 2;
  }

  // By how much f changes: predicted, truly, and the difference.
  changes(delta) {
    const { live, graph, leaf } = this, { probe } = live.plot;
    probe.v.set(graph.v);
    const predicted = graph.g[leaf] * delta;
    const real = graph.at(leaf, graph.v[leaf] + delta, probe) - graph.v[graph.root];
    return [predicted, real, real - predicted];
  }

  marks(px, py) {
    const { graph, leaf, delta } = this, [x, f] = graph.point(leaf);
    const [predicted, real] = this.changes(delta), to = px(x + delta);
    if (![x, f, predicted, real, to].every(finite)) return [];
    return [
      drawn("path", { class: "step", d: `M${px(x)} ${py(f)}H${to}` }),
      drawn("path", { class: "gap", d: `M${to} ${py(f + predicted)}V${py(f + real)}` }),
      drawn("circle", { class: "guess", cx: to, cy: py(f + predicted), r: 5 }),
      drawn("circle", { class: "truth", cx: to, cy: py(f + real), r: 5 }),
    ];
  }

  update() {
    if (this.of !== this.leaf) this.begin();
    const { graph, leaf, delta, name, root } = this;
    this.range.value = 100 * delta / this.reach;
    this.live.plot.draw();
    const [predicted, real, difference] = this.changes(delta).map(number);
    this.text.textContent = `Move ${name} by ${DELTA} = ${number(delta)}. Predicted: ${this.slope} ${TIMES} ${DELTA} = `
      + `${factor(graph.g[leaf])} ${TIMES} ${factor(delta)} = ${predicted}. True change of ${root}: ${real}. `
      + `Difference: ${difference}.`;
    const rows = [1, 0.1, 0.01, 0.001].map((k) => {
      const [guess, truth, gap] = this.changes(k * delta);
      return [k * delta, guess, truth, gap, truth / (k * delta)].map(number);
    });
    this.rows.replaceChildren(this.table([DELTA, "predicted", "true", "difference", `true / ${DELTA}`], rows),
      element("p", {}, `Where ${root} is smooth, ten times smaller a ${DELTA} makes the difference a hundred times smaller, `
        + `until rounding is all that is left; and the last column, the finite difference, comes ever closer to ${this.slope}.`));
  }
}

const MOST_PATHS = 36; // drawn one by one; what has more is counted

class Paths extends Panel {
  build() {
    this.text = element("p");
    this.list = element("ul", { class: "paths" });
    this.total = element("p");
    this.element.append(this.text, this.list, this.total);
    for (const name of ["pointerover", "focusin"]) {
      on(this.list, name, (event) => this.one(event.target.closest("button")));
    }
    for (const name of ["pointerleave", "focusout"]) on(this.list, name, () => this.light());
    on(this.list, "click", (event) => this.one(event.target.closest("button")));
  }

  // How many paths lead from each node to f; whole numbers of any size.
  count() {
    const { graph } = this, ways = new Array(graph.n).fill(0n);
    ways[graph.root] = 1n;
    for (const i of [...graph.inner].reverse()) {
      for (const j of graph.arrows(i)) ways[graph.inputs[j]] += ways[i];
    }
    return ways;
  }

  // Each path as the edges along it, each with the node that it leads to.
  walk() {
    const { graph } = this, out = new Map(), found = [];
    for (const i of graph.dependents(this.leaf)) {
      for (const j of graph.arrows(i)) {
        const from = graph.inputs[j];
        if (!out.has(from)) out.set(from, []);
        out.get(from).push([i, j]);
      }
    }
    const stack = [[this.leaf, []]];
    while (stack.length) {
      const [i, path] = stack.pop();
      if (i === graph.root) found.push(path);
      else if (this.ways[i]) for (const step of (out.get(i) || []).toReversed()) stack.push([step[0], [...path, step]]);
    }
    return found;
  }

  open() {
    this.of = undefined;
    this.ways = this.count();
    this.update();
  }

  close() {
    this.live.stage.light();
  }

  update() {
    const { graph, names, leaf, name, root } = this, many = this.ways[leaf];
    if (this.of !== leaf) {
      this.of = leaf;
      this.paths = many <= BigInt(MOST_PATHS) ? this.walk() : [];
      this.buttons = this.paths.map((_, k) => element("button", { type: "button", "data-path": k }));
      this.list.replaceChildren(...this.buttons.map((b) => element("li", {}, b)));
      const edges = graph.inputs.filter((s) => s < graph.n).length;
      const paths = `${many.toLocaleString("en")} path${many === 1n ? "" : "s"}`;
      this.text.textContent = many === 0n ? `No path leads from ${name} to ${root}.`
        : this.paths.length ? `${paths} from ${name} to ${root}. Along each the local derivatives are multiplied:`
          : `${paths} lead from ${name} to ${root}, too many to draw. Nobody multiplies along each of them: the `
            + `backward pass adds up at every box what comes back to it, and so uses each of the ${edges} arrows once.`;
      this.light();
    }
    const products = this.paths.map((path) => {
      const given = path.every(([i, j]) => graph.gives(i, j));
      return given ? path.reduce((product, [, j]) => graph.d[j] * product, 1) : null;
    });
    this.buttons.forEach((button, k) => {
      const path = this.paths[k], way = [leaf, ...path.map(([i]) => i)].map((i) => names[i]);
      const terms = path.map(([, j]) => factor(graph.d[j])).reverse();
      const product = shortened(terms, 8).join(TIMES.padStart(2).padEnd(3)) || "1";
      const text = `${shortened(way, 8).join(ARROW.padStart(2).padEnd(3))}:  ${products[k] === null
        ? "no share, a branch that is not taken" : product + " = " + number(products[k])}`;
      if (button.textContent !== text) button.textContent = text;
    });
    const given = products.filter((product) => product !== null).map(factor);
    this.total.textContent = this.paths.length && given.length
      ? `Their sum is the gradient: ${shortened(given, 8).join(" + ")} = ${number(graph.g[leaf])} = ${this.slope}`
      : `${this.slope} = ${number(graph.g[leaf])}`;
  }

  // All paths lit: what lies between the leaf and f.
  light() {
    if (this.live.tab !== "paths") return; // the focus goes when the panel does
    const { graph } = this, nodes = [this.leaf], edges = [];
    for (const i of graph.dependents(this.leaf)) {
      if (!this.ways[i]) continue;
      nodes.push(i);
      edges.push(...graph.arrows(i).filter((j) => nodes.includes(graph.inputs[j])));
    }
    this.live.stage.light(nodes, edges);
  }

  one(button) {
    if (!button) return;
    const path = this.paths[button.dataset.path];
    this.live.stage.light([this.leaf, ...path.map(([i]) => i)], path.map(([, j]) => j));
  }
}

class Predict extends Panel {
  build() {
    const { live } = this;
    this.score = { right: 0, of: 0 };
    this.known = new Set();
    this.question = element("span");
    this.input = entry("answer");
    this.answer = element("form", { class: "row" }, element("label", {}, this.question, this.input),
      live.button("answer", "Check", "Check", "submit"), live.button("new", "New numbers"));
    on(this.answer, "submit", (event) => event.preventDefault());
    this.arrows = element("input", { type: "checkbox", "data-field": "arrows" });
    on(this.arrows, "change", () => live.paint());
    this.verdict = element("div", { class: "verdict", "aria-live": "polite" });
    this.points = element("output", { class: "score", "aria-label": "score" });
    this.element.append(element("p", {}, "The gradients are hidden. Work one out from the numbers at the arrows; a click on a box asks for another."),
      this.answer, element("label", { class: "check" }, this.arrows, "hide the numbers at the arrows, too"), this.verdict, this.points);
    this.actions = { answer: () => this.check(), new: () => this.renew() };
  }

  get mode() {
    return { g: this.graph.g, grad: (i) => (this.known.has(i) ? SHOWN : ASKED),
      partial: () => (this.arrows.checked ? ASKED : SHOWN) };
  }

  open() {
    this.known = new Set([this.graph.root]);
    this.verdict.replaceChildren();
    this.ask();
    this.tell();
  }

  close() {
    this.live.stage.light();
  }

  // Asks for a node, or else for the next that is hidden, from f back.
  ask(i) {
    const hidden = this.live.stage.nodes.map((node) => node.i).filter((k) => !this.known.has(k));
    this.node = i ?? hidden.at(-1);
    this.input.value = "";
    this.input.disabled = this.node === undefined;
    this.question.textContent = this.node === undefined ? "All gradients are found." : `${this.names[this.node]}.grad =`;
    this.live.stage.light(this.node === undefined ? [] : [this.node]);
  }

  picked(i) {
    if (!this.known.has(i)) {
      this.ask(i);
      focus(this.input);
    }
    return true;
  }

  tell() {
    const { right, of } = this.score;
    this.points.value = of ? `${right} of ${of} right` : "";
  }

  check() {
    const { graph, node } = this, text = this.input.value.trim(), guess = /^nan$/i.test(text) ? NaN : parsed(text);
    if (node === undefined) return;
    set(this.input, { "aria-invalid": guess === null });
    if (guess === null) {
      tell(this.verdict, `${text || "Nothing"} is not a number: ${WRITE}.`);
      return;
    }
    const real = graph.g[node];
    const right = guess === real || (guess !== guess && real !== real) || (finite(real) && abs(guess - real) <= max(0.01 * abs(real), 1e-12));
    this.score.of += 1;
    this.score.right += right;
    this.known.add(node);
    this.verdict.className = `verdict ${right ? "right" : "wrong"}`;
    tell(this.verdict, right ? "Right. " : `Not ${number(guess)}. `, graph.sum(node));
    this.tell();
    this.ask();
    this.live.paint();
  }

  // Other numbers at which all is finite and something depends on them: the next exercise.
  renew() {
    const { live, graph } = this, leaves = live.leaves, before = leaves.map((i) => graph.v[i]);
    const draw = [() => (Math.ceil(6 * Math.random()) / 2) * (Math.random() < 0.5 ? -1 : 1),
      (i) => Number((graph.v[i] * (0.5 + Math.random())).toPrecision(2)) || 1];
    for (let round = 0; round < 60; round++) {
      leaves.forEach((i, k) => (graph.v[i] = before[k]));
      leaves.forEach((i) => (graph.v[i] = draw[round < 40 ? 0 : 1](i)));
      graph.compute();
      graph.sweep();
      const fine = [...graph.v.subarray(0, graph.n), ...graph.g].every((x) => finite(x) && abs(x) < 1e5);
      if (fine && leaves.some((i) => graph.g[i] !== 0)) break;
      if (round === 59) leaves.forEach((i, k) => (graph.v[i] = before[k]));
    }
    live.changed();
    live.flush();
    this.open();
    focus(this.input);
  }
}
