// The picture: numbers written where they are visible and have changed, zoom and pan.
const HIDDEN = 0, SHOWN = 1, ASKED = 2; // a number is blank, written, or a question mark
const SMALLEST = 5; // pixels: letters that are smaller than this are left out

// A text of the picture, and what was last written there.
function slot(e) {
  if (!e.firstChild) e.append("");
  return { e, text: e.firstChild, was: NaN, state: -1, fresh: false };
}

// Names the parts of boxes and arrows: a page of its own leaves out what their order tells.
function named(svg, arrows) {
  for (const { id, dataset: { again }, children: [frame, fill, name, , value, , grad] } of svg.querySelectorAll(".node")) {
    set(frame, { class: "frame" });
    set(name, { class: "name" });
    [fill, value, grad].forEach((e, k) => set(e, { [again ? "data-as" : "id"]: (again ?? id) + "fvg"[k] }));
  }
  svg.querySelectorAll("g:first-of-type > g").forEach((e, k) => {
    const id = arrows[k], [, tip, label] = e.children;
    set(e, { id, class: "edge" });
    set(tip, { class: "tip" });
    if (label) set(label, { id: `${id}t` });
  });
}

class Stage {
  constructor(live, svg) {
    const { graph } = live, { shown, cut, groups, folded, inputs } = graph.data;
    named(svg, shown.flatMap((i, k) => cut.includes(i) ? [] : inputs[i].map((_, j) => `n${k}e${j}`)));
    Object.assign(this, { live, svg, fresh: [], timer: null, far: false, base: makeStage(svg, groups, folded) });
    // A node that is used all over the graph has further boxes: "data-as" is the id of what they repeat.
    this.boxes = shown.flatMap((i, k) => {
      const [list, fills, values, grads] = ["", "f", "v", "g"].map((part) => this.base.all(`n${k}${part}`));
      return list.map((group, at) => ({ i, k, group, fill: fills[at], area: this.base.area(group), paint: "",
        isAgain: at > 0, value: slot(values[at]), grad: slot(grads[at]) }));
    });
    this.nodes = this.boxes.filter((box) => !box.isAgain);
    this.of = new Map(this.nodes.map((node) => [node.i, node]));
    this.edges = this.nodes.flatMap(({ i, k }) => cut.includes(i) ? [] :
      [...graph.inputs.subarray(graph.start[i], graph.start[i + 1]).keys()].map((j) => {
        const e = svg.getElementById(`n${k}e${j}`), label = svg.getElementById(`n${k}e${j}t`), at = graph.start[i] + j;
        return { i, at, e, label: label && graph.inputs[at] < graph.n ? slot(label) : null };
      }));
    this.edgeOf = new Map(this.edges.map((edge) => [edge.at, edge]));
    this.boxes.forEach((box) => this.equip(box));
    const { view } = this.base;
    on(svg, "pointerdown", (event) => this.press(event));
    on(view, "click", (event) => {
      const group = event.target.closest("[data-node]");
      if (!group || this.held) return;
      const { i, group: main } = this.nodes[group.dataset.node];
      focus(main);
      live.pick(i);
    });
    on(view, "scroll", () => this.look());
    new ResizeObserver(() => this.look()).observe(svg);
    const { redrawn } = this.base;
    this.base.redrawn = () => { // folded or unfolded
      redrawn();
      for (const box of this.boxes) box.area = this.base.area(box.group);
      this.look();
    };
  }

  // What a box is to keyboards and screen readers; a leaf's number stands in a field.
  equip({ i, k, group, isAgain, area }) {
    const leaf = this.live.isMovable(i);
    set(group, { "data-node": k, "data-drag": leaf ? "" : null });
    // A box drawn anew has been told.
    set(group, isAgain ? { "aria-hidden": "true" } : { role: leaf ? "spinbutton" : "button", tabindex: -1 });
    if (!leaf) return;
    group.classList.add("leaf");
    group.insertBefore(drawn("rect", { class: "field", x: 46, y: 21, rx: 4, width: area.w - 49, height: 17 }),
      group.querySelector("text"));
  }

  // Numbers and colours, as far as they are visible and others than before.
  paint(mode) {
    const { g, value = () => SHOWN, grad = () => SHOWN, partial = () => SHOWN } = mode;
    const { graph } = this.live, { v, d } = graph;
    this.mode = { g, value, grad };
    this.later();
    let largest = 0;
    for (const { i } of this.nodes) {
      const size = abs(g[i]);
      if (size > largest && size < Infinity && grad(i) === SHOWN) largest = size;
    }
    for (const box of this.visible) {
      const { i, fill } = box, state = grad(i);
      if (!this.far) {
        this.write(box.value, value(i), v[i]);
        this.write(box.grad, state, g[i]);
      }
      let kind = "none", depth = 0;
      if (state === SHOWN && !finite(g[i])) [kind, depth] = ["odd", 50];
      else if (state === SHOWN && g[i] !== 0) {
        [kind, depth] = [g[i] > 0 ? "plus" : "minus", Math.round(50 * (0.15 + 0.6 * Math.sqrt(abs(g[i]) / largest)))];
      }
      const paint = kind + depth;
      if (paint === box.paint) continue;
      if (!box.paint.startsWith(kind)) fill.setAttribute("class", kind);
      fill.setAttribute("fill-opacity", depth / 50);
      box.paint = paint;
    }
    if (!this.far) for (const { i, at, label } of this.visibleEdges) this.write(label, partial(i), d[at]);
  }

  write(slot, state, x) {
    if (slot.state === state && (state !== SHOWN || Object.is(slot.was, x))) return;
    const text = state === SHOWN ? number(x) : state === ASKED ? "?" : "";
    const marks = slot.state === SHOWN && state === SHOWN;
    slot.state = state;
    slot.was = x;
    if (slot.text.data === text) return;
    slot.text.data = text;
    if (!marks) return;
    if (!slot.fresh) {
      slot.fresh = true;
      slot.e.setAttribute("data-new", "");
      this.fresh.push(slot);
    }
  }

  // When numbers have come to rest, they are as all others, and the boxes' names tell them.
  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.rest(), 500);
  }

  rest() {
    for (const slot of this.fresh) {
      slot.fresh = false;
      slot.e.removeAttribute("data-new");
    }
    this.fresh = [];
    for (const box of this.visible) if (!box.isAgain) this.describe(box);
  }

  // A box's own text is its name, if it can be read; a leaf has its number beside its name.
  describe({ i, group }) {
    const { graph, data } = this.live, { g, value, grad } = this.mode, name = data.names[i];
    const tell = (state, x) => ["not yet known", number(x), "hidden"][state];
    const x = graph.v[i], told = { value: tell(value(i), x), grad: tell(grad(i), g[i]) };
    const movable = this.live.isMovable(i);
    set(group, {
      "aria-label": movable ? name : this.far ? `${name}, value ${told.value}, gradient ${told.grad}` : null,
      "aria-valuetext": movable ? `${told.value}, gradient ${told.grad}` : null,
      "aria-valuenow": movable && finite(x) ? x : null,
    });
  }

  light(nodes = [], edges = []) {
    this.svg.querySelectorAll("[data-on]").forEach((e) => set(e, { "data-on": null }));
    for (const i of nodes) {
      const group = this.of.get(i)?.group;
      if (group) set(this.base.unit?.(group.id) ?? group, { "data-on": "" });
    }
    for (const at of edges) if (this.edgeOf.has(at)) set(this.edgeOf.get(at).e, { "data-on": "" });
  }

  // What is seen of the picture, and whether it can be read. The rest is not written, and its texts
  // are not laid out. On paper all is seen.
  look(all = false) {
    const { base, svg } = this, { view } = base, [x, y, width] = svg.getAttribute("viewBox").split(" ").map(Number);
    const scale = svg.clientWidth / width;
    if (!scale) return;
    this.far = !all && 11 * scale < SMALLEST;
    svg.classList.toggle("far", this.far);
    const [left, top] = [x + view.scrollLeft / scale, y + view.scrollTop / scale];
    const [right, bottom] = [left + view.clientWidth / scale, top + view.clientHeight / scale];
    const sees = (a) => all || a.x + a.w > left && a.x < right && a.y + a.h > top && a.y < bottom;
    this.visible = this.boxes.filter((box) => sees(box.area) && base.shown(box.group));
    this.visibleEdges = this.edges.filter(({ label }) => label
      && sees({ x: label.e.getAttribute("x") - 30, y: label.e.getAttribute("y") - 10, w: 60, h: 20 }));
    const leaveOut = (list, seen, part) => {
      const now = new Set(seen);
      for (const one of list) {
        if (one.isOut === !now.has(one)) continue;
        one.isOut = !now.has(one);
        part(one).toggleAttribute("data-out", one.isOut);
      }
    };
    leaveOut(this.boxes, this.visible, ({ group }) => group);
    leaveOut(this.edges, this.far ? [] : this.visibleEdges, ({ e }) => e);
    this.live.paint();
  }

  // A leaf's number is dragged; elsewhere the picture is.
  press(event) {
    const group = event.target.closest("[data-drag]");
    if (event.button !== 0 || !group) return;
    event.preventDefault();
    const { i, group: main } = this.nodes[group.dataset.node];
    this.live.choose(i);
    focus(main);
    this.held = false;
    this.live.drag(event, i, () => (this.held = true));
  }
}
