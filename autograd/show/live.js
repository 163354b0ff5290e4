// A graph that lives: a leaf's number is moved, and all values and gradients follow at once.
const TABS = Object.fromEntries([Slice, Nudge, Paths, Predict, Descend, Sweep].map((panel) => [panel.name.toLowerCase(), panel]));

const HELP = [
  "A rounded box is a number that is given. Drag it sideways, or press the arrow keys; with Shift it moves more finely. "
    + "Type a number, or press Enter to change it; Delete brings back the first one. Page Up and Page Down lead from box to box.",
  "A click on a box shows where its value and its gradient come from. Drag the picture to move it; Ctrl and the wheel zoom.",
  "The graph is the one that was recorded: an if or a comparison in Python leaves no trace in it, only the branch that was taken, "
    + "whatever the numbers are now. autograd.where(c, a, b) is recorded, and chooses anew.",
];

class Live {
  constructor(host, data, svg) {
    Object.assign(this, { host, data, graph: new Graph(data), isWhole: true, frame: null, tab: null });
    const { graph } = this;
    this.leaves = data.shown.filter((i) => graph.isLeaf(i));
    this.movable = new Set(this.leaves);
    this.first = Float64Array.from(graph.v);
    graph.compute();
    graph.sweep();
    this.leaf = this.leaves.find((i) => graph.g[i] !== 0) ?? this.leaves[0] ?? -1;
    this.stage = new Stage(this, svg);
    this.plot = new Plot(this);
    this.build();
  }

  button(name, text, label = text, type = "button") {
    const e = element("button", { type, "data-do": name }, text);
    if (label !== text) set(e, { "aria-label": label, title: label });
    return e;
  }

  build() {
    const { data } = this, root = data.names[this.graph.root];
    this.chosen = element("select", { "aria-label": "input" },
      ...this.leaves.map((i) => element("option", { value: i }, data.names[i])));
    this.input = entry("value");
    this.meaning = element("p", { class: "meaning" });
    this.bar = element("div", { class: "bar row", role: "group", "aria-label": "Numbers" }, this.chosen,
      element("span", { "aria-hidden": "true" }, "="), this.input, this.button("reset", "Reset", "Reset this number"),
      this.button("reset-all", "Reset all"));
    this.hint = element("p", { class: "hint" }, "");
    this.detail = element("div", { class: "detail", "aria-live": "polite", hidden: "" });
    this.bar.hidden = this.hint.hidden = this.leaves.length === 0;
    this.agree = element("p", { class: "agree" }, this.agreement());
    this.help = element("details", { class: "help" }, element("summary", {}, "Help"), ...HELP.map((text) => element("p", {}, text)));
    this.panels = {};
    this.tabs = element("div", { class: "tabs", role: "tablist", "aria-label": `Ask the graph of ${root}` });
    this.panel = element("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: "-1", hidden: "" });
    const usable = this.leaves.length && this.graph.inner.length ? Object.keys(TABS) : this.graph.inner.length ? ["sweep"] : [];
    for (const name of usable) {
      const tab = this.button(name, TABS[name].name);
      set(tab, { role: "tab", "aria-selected": "false", "aria-controls": "panel", tabindex: -1, id: `tab-${name}` });
      this.tabs.append(tab);
    }
    if (usable.length) this.tabs.firstChild.tabIndex = 0;
    this.tabs.hidden = usable.length === 0;
    this.element = element("div", { class: "live", role: "region", "aria-label": data.title },
      element("div", { class: "picture-side" }, this.stage.base.element, this.hint, element("div", { class: "row under" }, this.bar, this.stage.base.tools), this.meaning, this.detail),
      element("div", { class: "panel-side" }, this.tabs, this.panel),
      element("div", { class: "foot" }, this.agree, this.help));
    this.host.attachShadow({ mode: "open" }).append(element("style", {}, data.css), this.element);
    this.listen();
    this.rove(this.leaf >= 0 ? this.leaf : this.graph.root);
    this.choose(this.leaf);
    this.stage.base.ready();
    this.stage.base.fold?.();
    this.stage.look();
    if (usable.includes(data.panel)) this.toggle(data.panel);
    this.stage.rest();
    const zoom = this.stage.far ? "Zoom in until you can read the numbers. " : "";
    this.hint.textContent = `${zoom}Drag a number in a rounded box, and watch all the others.`;
  }

  listen() {
    const { element: live, input, chosen, tabs, stage } = this;
    this.actions = {
      reset: () => this.set(this.leaf, this.first[this.leaf]),
      "reset-all": () => {
        for (const i of this.leaves) this.graph.v[i] = this.first[i];
        this.changed();
      },
    };
    on(live, "click", (event) => {
      const name = event.target.closest("[data-do]")?.dataset.do;
      if (name === undefined) return;
      if (name in TABS && tabs.contains(event.target)) this.toggle(name);
      else (this.actions[name] || this.panels[this.tab]?.actions[name])?.();
    });
    on(chosen, "change", () => this.choose(Number(chosen.value)));
    on(input, "input", () => {
      const x = parsed(input.value);
      set(input, { "aria-invalid": x === null });
      if (x === null && input.value.trim()) {
        this.meaning.textContent = `${input.value} is not a number: ${WRITE}.`;
        return;
      }
      if (x !== null) this.set(this.leaf, x, input);
      this.from = input;
      this.write(); // also where the number is as before, when a slip is taken back
    });
    on(input, "blur", () => this.write());
    on(input, "keydown", (event) => {
      const up = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (up) this.nudge(this.leaf, up * (event.shiftKey ? 0.1 : 1));
      else if (event.key === "Enter" || event.key === "Escape") focus(this.stage.of.get(this.leaf).group);
      else return;
      event.preventDefault();
    });
    on(stage.svg, "keydown", (event) => {
      const group = event.target.closest("[data-node]");
      if (group) this.key(event, stage.nodes[group.dataset.node].i);
    }, true); // before the stage's own
    on(tabs, "keydown", (event) => {
      const all = [...tabs.children], at = all.indexOf(event.target);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined || at < 0) return;
      const next = all[(to + all.length) % all.length];
      all.forEach((tab) => (tab.tabIndex = tab === next ? 0 : -1));
      next.focus();
      event.preventDefault();
    });
    on(live, "keydown", (event) => event.stopPropagation()); // a notebook has keys too
    addEventListener("beforeprint", () => {
      this.flush();
      this.stage.look(true);
    });
    addEventListener("afterprint", () => this.stage.look());
  }

  // Numbers

  isMovable(i) {
    return this.movable.has(i);
  }

  // The unit by which a leaf is moved: of the size of the first digit of its first number.
  unit(i) {
    const size = abs(this.first[i]);
    return size > 0 && size < Infinity ? unit(size) : 1;
  }

  // x without digits beyond the resolution.
  rounded(x, resolution) {
    const grid = unit(resolution), near = Math.round(x / grid) * grid;
    return finite(near) ? Number(near.toPrecision(12)) : x;
  }

  set(i, x, from = null) {
    if (Object.is(this.graph.v[i], x)) return;
    this.graph.v[i] = x;
    this.moved = this.moved === undefined || this.moved === i ? i : -1;
    this.request(from);
  }

  // Many numbers are others.
  changed() {
    this.moved = -1;
    this.request(null);
  }

  request(from) {
    this.from = from;
    if (this.frame === null) this.frame = requestAnimationFrame(() => this.flush());
  }

  flush() {
    if (this.frame === null) return;
    cancelAnimationFrame(this.frame);
    this.frame = null;
    const { graph, moved } = this;
    if (moved === -1) graph.compute();
    else if (moved !== undefined) graph.compute(graph.dependents(moved));
    this.moved = undefined;
    graph.sweep();
    this.hint.hidden = true;
    this.paint();
    this.write();
    this.panels[this.tab]?.update();
  }

  // By so many tenths of the unit.
  nudge(i, steps) {
    const step = this.unit(i) / 10;
    this.set(i, this.rounded(this.graph.v[i] + steps * step, step * min(1, abs(steps))));
    this.flush();
  }

  // A pixel is a hundredth of the unit, with Shift a thousandth.
  drag(event, i, moved) {
    let last = event.clientX, x = this.graph.v[i];
    this.element.classList.add("dragging");
    follow((e) => {
      const fine = this.unit(i) / (e.shiftKey ? 1000 : 100);
      if (e.clientX !== last) moved();
      x += (e.clientX - last) * fine;
      last = e.clientX;
      this.set(i, this.rounded(x, fine));
    }, () => this.element.classList.remove("dragging"));
  }

  values() {
    this.flush();
    return [...this.graph.v.subarray(0, this.graph.n)];
  }

  gradients() {
    this.flush();
    return [...this.graph.g];
  }

  // How far the page's numbers are from the engine's, which it carries, at the first point.
  agreement() {
    const { graph, data } = this;
    const worst = (mine, theirs) => {
      const numbers = theirs.map(Number), sizes = numbers.map(abs).filter((x) => x < Infinity), largest = max(0, ...sizes);
      return max(0, ...numbers.map((x, i) => (Object.is(x, mine[i]) || x === mine[i] ? 0
        : finite(x - mine[i]) ? abs(x - mine[i]) / largest : Infinity)));
    };
    const error = max(worst(graph.v, data.values), worst(graph.g, data.gradients));
    const stale = data.stale ? " An input was changed since the graph was recorded: these are the numbers it has now." : "";
    if (error > 1e-9) return `Computed here, and not as the engine has it: they differ by ${error.toExponential(0)}.${stale}`;
    const much = error === 0 ? "to the last bit" : `to ${error.toExponential(0)}`;
    return `Computed in this page; agrees with the recorded gradient ${much}.${stale}`;
  }

  // What is shown

  paint() {
    if (this.stage?.visible) this.stage.paint(this.panels[this.tab]?.mode ?? { g: this.graph.g });
  }

  // The chosen leaf's number and gradient, in words too.
  write() {
    const { graph, leaf, data } = this, name = data.names[leaf], root = data.names[graph.root];
    if (leaf < 0) return;
    const [x, here, slope] = graph.point(leaf), size = abs(slope);
    const focused = this.from === this.input && this.host.shadowRoot.activeElement === this.input;
    if (!focused) {
      this.input.value = finite(x) ? String(Number(x.toPrecision(6))).replaceAll("-", MINUS) : number(x);
      set(this.input, { "aria-invalid": null });
    }
    const hides = this.tab === "predict" || this.tab === "sweep";
    const moves = here !== here || slope !== slope ? `${root} is no number here`
      : slope === 0 ? `a small step of ${name} does not move ${root}`
        : `a small step of ${name} moves ${root} ${number(size)} times as far, ${slope > 0 ? "the same way" : "the other way"}`;
    this.meaning.hidden = hides;
    this.meaning.textContent = `${PARTIAL}${root}/${PARTIAL}${name} = ${number(slope)}: ${moves}.`;
    set(this.input, { "aria-label": `${name}, its number` });
  }

  choose(i) {
    if (!this.isMovable(i)) return;
    this.leaf = i;
    this.chosen.value = i;
    this.rove(i);
    this.stage.svg.querySelectorAll("[data-chosen]").forEach((e) => set(e, { "data-chosen": null }));
    set(this.stage.of.get(i).group, { "data-chosen": "" });
    this.from = null;
    this.write();
    this.panels[this.tab]?.update();
    if (this.tab === "predict") this.panels.predict.picked(i);
  }

  // One box can be reached by Tab.
  rove(i) {
    const { stage } = this, last = stage.svg.querySelector("[tabindex='0']");
    if (last) set(last, { tabindex: -1 });
    set(stage.of.get(i).group, { tabindex: 0 });
  }

  // Where a box's value and gradient come from.
  pick(i) {
    if (i !== null) this.rove(i);
    const panel = this.panels[this.tab];
    if (i !== null && panel?.picked(i)) return;
    const again = i === null || this.picked === i;
    this.picked = again ? null : i;
    this.detail.hidden = again;
    if (again) return;
    const { graph, data } = this, name = data.names[i], value = number(graph.v[i]);
    const [title, ...lines] = graph.isLeaf(i) || data.cut.includes(i) ? [`${name} = ${value}`, ...graph.sum(i)]
      : [`${name} = ${graph.formula(i)} = ${graph.formula(i, false)} = ${value}`, ...graph.sum(i)];
    tell(this.detail, title, lines);
  }

  key(event, i) {
    const { key, shiftKey } = event, { stage } = this, node = stage.of.get(i);
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const seen = stage.nodes.filter(({ group }) => stage.base.shown(group)), at = seen.indexOf(node);
    const way = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[key];
    const to = { PageUp: at - 1, PageDown: at + 1, Home: 0, End: seen.length - 1 }[key];
    const types = /^[-\d.\u2212]$/.test(key), movable = this.isMovable(i);
    if (way && movable) {
      this.nudge(i, shiftKey ? way / 10 : way);
      stage.describe(node); // at once, for those who hear it
    }
    else if (to !== undefined || way) {
      const next = seen[max(0, min(seen.length - 1, to ?? at + way))];
      if (this.isMovable(next.i)) this.choose(next.i);
      this.rove(next.i);
      stage.base.show(next.group);
      focus(next.group);
    } else if (movable && (key === "Delete" || key === "Backspace")) this.actions.reset();
    else if (movable && (key === "Enter" || key === "F2" || types)) {
      focus(this.input);
      if (types) this.input.value = ""; // the key itself is typed there
      else this.input.select();
      if (types) return;
    } else if (key === "Enter" || key === " ") this.pick(i);
    else if (key === "Escape") this.pick(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  toggle(name) {
    const before = this.panels[this.tab];
    if (before) before.close();
    this.tab = this.tab === name ? null : name;
    for (const tab of this.tabs.children) {
      set(tab, { "aria-selected": tab.dataset.do === this.tab });
      tab.tabIndex = tab.dataset.do === name ? 0 : -1;
    }
    this.panel.hidden = this.tab === null;
    this.element.classList.toggle("open", this.tab !== null);
    this.detail.hidden = true;
    this.picked = null;
    if (this.tab !== null) {
      const panel = (this.panels[name] ??= new TABS[name](this));
      set(this.panel, { "aria-labelledby": `tab-${name}` });
      this.panel.replaceChildren(panel.element);
      panel.open();
    }
    this.paint();
    this.write();
  }
}

for (const host of document.querySelectorAll(`[data-program="${PROGRAM}"]:not([data-running])`)) {
  set(host, { "data-running": "" });
  const data = JSON.parse(host.querySelector("script[type='application/json']").textContent);
  const live = (host.live = new Live(host, data, pictured(host)));
  shade(host, live.element);
}
