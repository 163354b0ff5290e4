// The picture: numbers written where they are visible and have changed, zoom and pan.
const HIDDEN = 0, SHOWN = 1, ASKED = 2; // a number is blank, written, or a question mark
const LEGIBLE = 0.72; // a scale at which all can be read
const MANY = 100; // nodes, of which some can be left out
const SMALLEST = 5; // pixels: letters that are smaller than this are left out

// A text of the picture, and what was last written there.
function slot(e) {
  if (!e.firstChild) e.append("");
  return { e, text: e.firstChild, was: NaN, state: -1, fresh: false,
    x: Number(e.getAttribute("x")), y: Number(e.getAttribute("y")) };
}

const area = (rect) => Object.fromEntries(
  ["x", "y", "width", "height"].map((name) => [name, Number(rect.getAttribute(name))]));

class Stage {
  constructor(live, svg) {
    const { graph } = live, { shown, cut } = graph.data;
    Object.assign(this, { live, svg, fresh: [], timer: null, far: false, isHome: true });
    this.size = [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
    for (const name of ["width", "height"]) svg.removeAttribute(name);
    // A node that is used all over the graph has further boxes: "data-as" is the id of what they repeat.
    const all = (id) => [svg.getElementById(id), ...svg.querySelectorAll(`[data-as="${id}"], [data-again="${id}"]`)];
    this.boxes = shown.flatMap((i, k) => {
      const [groups, fills, values, grads] = ["", "f", "v", "g"].map((part) => all(`n${k}${part}`));
      return groups.map((group, at) => ({ i, k, group, fill: fills[at], ...area(fills[at]), paint: "",
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
    const layer = svg.querySelector("g"); // all is moved by what it is moved by
    const shift = /translate\(([-\d.]+)[ ,]+([-\d.]+)\)/.exec(layer.getAttribute("transform") || "");
    this.shift = shift ? [Number(shift[1]), Number(shift[2])] : [0, 0];
    this.buttons = element("div", { class: "zoom", role: "group", "aria-label": "Picture" },
      live.button("in", "+", "Zoom in"), live.button("out", MINUS, "Zoom out"),
      live.button("fit", "Fit", "Fit the whole picture"));
    this.element = element("div", { class: "stage" }, svg);
    this.boxes.forEach((box) => this.equip(box));
    this.pointers = new Map();
    this.element.addEventListener("pointerdown", (event) => this.press(event));
    this.element.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // else the page scrolls
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 200), event.clientX, event.clientY);
    }, { passive: false });
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  // What a box is to keyboards and screen readers; a leaf's number stands in a field.
  equip({ i, k, group, isAgain, x, y, width }) {
    const leaf = this.live.isMovable(i);
    group.setAttribute("data-node", k);
    group.classList.toggle("leaf", leaf);
    if (isAgain) group.setAttribute("aria-hidden", "true"); // it has been told
    else {
      group.setAttribute("role", leaf ? "spinbutton" : "button");
      group.setAttribute("tabindex", "-1");
    }
    if (!leaf) return;
    group.insertBefore(shape("rect", { class: "field", x: x + 46, y: y + 21, rx: 4, width: width - 49, height: 17 }),
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
      const size = Math.abs(g[i]);
      if (size > largest && size < Infinity && grad(i) === SHOWN) largest = size;
    }
    for (const box of this.visible) {
      const { i, fill } = box, state = grad(i);
      if (!this.far) {
        this.write(box.value, value(i), v[i]);
        this.write(box.grad, state, g[i]);
      }
      let kind = "none", depth = 0;
      if (state === SHOWN && !Number.isFinite(g[i])) [kind, depth] = ["odd", 50];
      else if (state === SHOWN && g[i] !== 0) {
        [kind, depth] = [g[i] > 0 ? "plus" : "minus", Math.round(50 * (0.15 + 0.6 * Math.sqrt(Math.abs(g[i]) / largest)))];
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
    const attributes = {
      "aria-label": movable ? name : this.far ? `${name}, value ${told.value}, gradient ${told.grad}` : null,
      "aria-valuetext": movable ? `${told.value}, gradient ${told.grad}` : null,
      "aria-valuenow": movable && Number.isFinite(x) ? String(x) : null,
    };
    for (const [key, text] of Object.entries(attributes)) {
      if (text === null) group.removeAttribute(key);
      else if (group.getAttribute(key) !== text) group.setAttribute(key, text);
    }
  }

  light(nodes = [], edges = []) {
    this.svg.querySelectorAll("[data-on]").forEach((e) => e.removeAttribute("data-on"));
    for (const i of nodes) this.of.get(i)?.group.setAttribute("data-on", "");
    for (const at of edges) this.edgeOf.get(at)?.e.setAttribute("data-on", "");
  }

  // Where the picture is seen from

  resize() {
    const { clientWidth: width } = this.element, [w, h] = this.size;
    if (!width || width === this.width) return;
    this.width = width;
    const most = Math.max(240, 0.65 * innerHeight);
    this.whole = Math.min(width / w, most / h, 1.3);
    this.element.style.height = `${Math.round(Math.min(most, h * Math.max(this.whole, LEGIBLE)))}px`;
    if (this.isHome) this.begin();
    else if (this.isWhole) this.fit();
    else this.look();
  }

  // Whole; a small graph on a small screen from its inputs on, so that it can be read.
  begin() {
    this.fit();
    this.isHome = true;
    if (this.whole >= LEGIBLE || this.nodes.length > 25) return;
    this.isWhole = false;
    this.scale = LEGIBLE;
    this.centre = [this.element.clientWidth / LEGIBLE / 2, this.size[1] / 2];
    this.look();
  }

  fit() {
    this.isWhole = true;
    this.isHome = false;
    this.scale = this.whole;
    this.centre = this.size.map((n) => n / 2);
    this.look();
  }

  zoom(by, clientX, clientY) {
    const box = this.element.getBoundingClientRect(), before = this.scale;
    this.scale = Math.max(Math.min(this.whole, 1) * 0.8, Math.min(4, this.scale * by));
    const dx = (clientX ?? box.left + box.width / 2) - box.left - box.width / 2;
    const dy = (clientY ?? box.top + box.height / 2) - box.top - box.height / 2;
    this.pan(dx * (1 / this.scale - 1 / before), dy * (1 / this.scale - 1 / before));
  }

  // Moves the picture, in its own units.
  pan(dx, dy) {
    this.isWhole = this.isHome = false;
    this.centre = [this.centre[0] - dx, this.centre[1] - dy];
    this.look();
  }

  look() {
    const { element, size, scale } = this;
    const room = [element.clientWidth / scale, element.clientHeight / scale];
    // No further than until an edge is at the middle; what has room stays in the middle.
    this.centre = this.centre.map((c, k) => Math.max(0, Math.min(size[k], c)));
    const [x, y] = this.centre.map((c, k) => c - room[k] / 2);
    this.svg.setAttribute("viewBox", `${x} ${y} ${room[0]} ${room[1]}`);
    this.far = 11 * scale < SMALLEST;
    this.svg.classList.toggle("far", this.far);
    element.classList.toggle("zoomed", !this.isWhole);
    const [left, top] = [x - this.shift[0], y - this.shift[1]];
    const sees = ({ x, y, width, height }) =>
      x + width > left && x < left + room[0] && y + height > top && y < top + room[1];
    this.visible = this.boxes.filter(sees);
    this.visibleEdges = this.edges.filter(({ label }) =>
      label && sees({ x: label.x - 30, y: label.y - 10, width: 60, height: 20 }));
    if (this.boxes.length > MANY) this.leaveOut();
    this.live.paint();
  }

  // What is out of sight need not be laid out; in a small graph it does no harm.
  leaveOut() {
    const show = (list, seen, part) => {
      const now = new Set(seen);
      for (const one of list) {
        if (one.isOut === !now.has(one)) continue;
        one.isOut = !now.has(one);
        part(one).style.display = one.isOut ? "none" : "";
      }
    };
    show(this.boxes, this.visible, ({ group }) => group);
    show(this.edges.filter(({ label }) => label), this.far ? [] : this.visibleEdges, ({ label }) => label.e);
  }

  // Brings a node into sight.
  show(i) {
    const node = this.of.get(i), scale = this.scale;
    if (!node || this.isWhole) return;
    const { x, y, width, height } = node, { clientWidth, clientHeight } = this.element;
    const at = [x + width / 2 + this.shift[0], y + height / 2 + this.shift[1]];
    const half = [clientWidth / scale / 2 - width, clientHeight / scale / 2 - height];
    if (at.every((c, k) => Math.abs(c - this.centre[k]) < half[k])) return;
    this.centre = at;
    this.look();
  }

  // A finger on a leaf drags its number; elsewhere it drags the picture, and two of them zoom.
  press(event) {
    if (event.button !== 0) return;
    const { live, pointers } = this, group = event.target.closest("[data-node]");
    const i = group ? this.nodes[group.dataset.node].i : null;
    if (i !== null && live.isMovable(i)) {
      event.preventDefault();
      live.choose(i);
      this.of.get(i).group.focus({ preventScroll: true });
      return live.drag(event, i);
    }
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    let far = 0;
    const move = (e) => {
      const before = pointers.get(e.pointerId);
      if (!before || e.pointerId !== event.pointerId) return;
      const after = [e.clientX, e.clientY], [dx, dy] = [after[0] - before[0], after[1] - before[1]];
      far += Math.abs(dx) + Math.abs(dy);
      const other = [...pointers].find(([id]) => id !== e.pointerId)?.[1];
      if (other) {
        const [a, b] = [before, after].map((p) => Math.hypot(p[0] - other[0], p[1] - other[1]));
        if (a > 0) this.zoom(b / a, (after[0] + other[0]) / 2, (after[1] + other[1]) / 2);
      } else if (far > 4 && (!this.isWhole || e.pointerType !== "touch")) {
        this.pan(dx / this.scale, dy / this.scale);
      }
      pointers.set(e.pointerId, after);
    };
    follow(move, () => {
      pointers.delete(event.pointerId);
      if (far > 4) return;
      if (i === null) live.pick(null);
      else {
        this.of.get(i).group.focus({ preventScroll: true });
        live.pick(i);
      }
    });
    return undefined;
  }
}
