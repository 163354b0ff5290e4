// Groups of boxes folded into one box each, and unfolded. What is left closes up: columns that are
// empty vanish, and in the others boxes stand near the mean of what they are joined to.
function makeFolds(stage, groups, folded, enter) {
  const { svg, tools } = stage;
  const names = Object.keys(groups);
  if (!names.length) return;
  const MARK = "\u25b8", GAP = 14, closed = new Set();
  const owner = new Map(names.flatMap((name) => groups[name].map((id) => [id, name])));
  const nodeOf = (id) => id.replace(/[rc]\d+$/, "");
  const constants = [...svg.querySelectorAll(".constant")], marks = new Map();
  const nodes = [...svg.querySelectorAll(".node, .neuron"), ...constants];
  const edges = [...svg.querySelectorAll(".edge, .w")].map((e) => {
    const [, l, j, i] = e.id.match(/^w(\d+)_(\d+)_(\d+)$/) ?? [];
    const [from, to] = l ? [`u${l - 1}_${i}`, `u${l}_${j}`] : [e.dataset.from, e.dataset.to];
    const paths = l ? [e] : [...e.querySelectorAll("path")], text = e.querySelector("text");
    return { e, from, to, paths, text, was: [...paths.map((p) => p.getAttribute("d"))],
      at: text && [text.getAttribute("x"), text.getAttribute("y")] };
  });
  const whole = ["width", "height"].map((name) => +svg.getAttribute(name));
  const origin = svg.getAttribute("viewBox").split(" ").slice(0, 2).join(" ");
  const below = [...svg.querySelectorAll(".legend")];
  const heads = [...svg.querySelectorAll("[data-over]")];

  // The box of a folded group.
  names.forEach((name) => {
    const text = `${name} ${MARK}`, width = max(90, 8 * text.length + 24);
    const g = drawn("g", { class: "node fold", role: "button", tabindex: "-1",
      "aria-label": `${name}, ${groups[name].length} boxes, folded: open` });
    const area = { x: 0, y: 0, width, height: 44, rx: 4 };
    const label = drawn("text", { class: "name", x: 10, y: 19 }, text);
    const count = drawn("text", { class: "what", x: 10, y: 35 }, `${groups[name].length} boxes`);
    g.append(drawn("rect", { class: "frame", ...area }), label, count);
    g.addEventListener("click", (event) => { event.stopPropagation(); toggle(name, false); });
    g.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      toggle(name, false);
    });
    g.style.display = "none";
    svg.append(g);
    marks.set(name, g);
  });

  // What stands in for an element: itself, or the box of its group.
  function unit(id, e = svg.getElementById(id)) {
    const name = owner.get(id) ?? owner.get(nodeOf(id));
    return closed.has(name) ? marks.get(name) : e;
  }
  const extent = (e) => {
    const box = e.classList.contains("constant")
      ? { x: +e.getAttribute("x") - 20, y: +e.getAttribute("y") - 13, w: 40, h: 18 } : stage.area(e);
    return { ...box, mx: box.x + box.w / 2, my: box.y + box.h / 2, transform: e.getAttribute("transform") };
  };
  const home = new Map(nodes.map((e) => [e, extent(e)]));
  for (const name of names) {
    const inside = groups[name].map((id) => home.get(svg.getElementById(id))).filter(Boolean);
    const mean = inside.reduce((sum, box) => sum + box.my, 0) / inside.length;
    const own = extent(marks.get(name));
    home.set(marks.get(name), { ...own, mx: max(...inside.map((box) => box.mx)), my: mean });
  }

  function move(e, to) {
    const { x, y, transform } = home.get(e);
    if (!to && !transform) return e.removeAttribute("transform");
    const [dx, dy] = transform?.match(/[-\d.]+/g).map(Number) ?? [0, 0];
    e.setAttribute("transform", to ? `translate(${(to.x - x + dx).toFixed(1)} ${(to.y - y + dy).toFixed(1)})` : transform);
  }

  // As near as may be to the places wanted, none over another: blocks that meet stand together.
  function settle(column) {
    const blocks = [];
    let offset = 0;
    column.forEach((u, i) => {
      if (i) offset += (u.h + column[i - 1].h) / 2 + GAP;
      u.offset = offset;
      blocks.push([u.want - offset, 1]);
      while (blocks.length > 1 && blocks.at(-2)[0] / blocks.at(-2)[1] > blocks.at(-1)[0] / blocks.at(-1)[1]) {
        const [sum, n] = blocks.pop();
        blocks.at(-1)[0] += sum;
        blocks.at(-1)[1] += n;
      }
    });
    const starts = blocks.flatMap(([sum, n]) => Array(n).fill(sum / n));
    column.forEach((u, i) => { u.y = starts[i] + u.offset; });
  }

  function arrange() {
    const units = new Map();
    for (const e of [...nodes, ...marks.values()]) {
      const name = owner.get(e.id) ?? owner.get(nodeOf(e.id));
      const seen = e.classList.contains("fold") ? closed.has(names.find((n) => marks.get(n) === e)) : !closed.has(name);
      e.style.display = seen ? "" : "none";
      if (seen) units.set(e, { e, ...home.get(e), near: [] });
    }
    const columns = [];
    for (const u of [...units.values()].sort((a, b) => a.mx - b.mx)) {
      if (!columns.length || u.mx - columns.at(-1).x > 6) columns.push({ x: u.mx, units: [] });
      columns.at(-1).units.push(u);
    }
    for (const { from, to } of edges) {
      const [a, b] = [units.get(unit(from)), units.get(unit(to))];
      if (a && b && a !== b) { a.near.push(b); b.near.push(a); }
    }
    for (const { units: column } of columns) column.sort((a, b) => a.my - b.my);
    for (const u of units.values()) u.y = u.my;
    for (let sweep = 0; sweep < 6; sweep++) {
      for (const { units: column } of sweep % 2 ? [...columns].reverse() : columns) {
        for (const u of column) u.want = u.near.length ? u.near.reduce((sum, v) => sum + v.y, 0) / u.near.length : u.y;
        settle(column);
      }
    }
    const room = svg.querySelector(".neuron") ? 90 : 70;
    let x = 0, top = Infinity, bottom = -Infinity;
    for (const { units: column } of columns) {
      const width = max(...column.map((u) => u.w));
      for (const u of column) {
        u.x = x + (width - u.w) / 2;
        top = min(top, u.y - u.h / 2);
        bottom = max(bottom, u.y + u.h / 2);
      }
      x += width + room;
    }
    const margin = heads.length ? 34 : 0, left = heads.length ? 40 : 0;
    for (const u of units.values()) {
      u.x += left;
      u.y += margin - top - u.h / 2;
      move(u.e, u);
    }
    const joined = new Set();
    for (const { e, from, to, paths, text } of edges) {
      const [a, b] = [units.get(unit(from)), units.get(unit(to))];
      const pair = a && b && (closed.has(owner.get(from)) || closed.has(owner.get(to))) && `${a.e.id}${a.y} ${b.e.id}${b.y} ${a.x} ${b.x}`;
      e.style.display = a && b && a !== b && !joined.has(pair) ? "" : "none";
      if (e.style.display) continue;
      if (pair) joined.add(pair);
      const [x0, y0, x1, y1] = [a.x + a.w, a.y + a.h / 2, b.x, b.y + b.h / 2], tip = paths[1] ? 7 : 0;
      const middle = (x0 + x1) / 2;
      paths[0].setAttribute("d", `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1 - tip} ${y1}`);
      paths[1]?.setAttribute("d", `M${x1} ${y1}L${x1 - 7} ${y1 + 3.2}L${x1 - 7} ${y1 - 3.2}Z`);
      if (!text) continue;
      text.style.display = a.e.classList.contains("fold") || b.e.classList.contains("fold") ? "none" : "";
      text.setAttribute("x", middle);
      text.setAttribute("y", (y0 + y1) / 2 + 4);
    }
    for (const head of heads) {
      const u = units.get(unit(head.dataset.over));
      head.setAttribute("transform", `translate(${u.x + u.w / 2 - head.getAttribute("x")} 0)`);
    }
    return [max(x - room + left, 420), bottom - top + margin];
  }

  function restore() {
    for (const e of [...nodes, ...marks.values()]) {
      move(e, null);
      e.style.display = e.classList.contains("fold") ? "none" : "";
    }
    for (const { e, paths, text, was, at } of edges) {
      e.style.display = "";
      paths.forEach((path, i) => path.setAttribute("d", was[i]));
      if (!text) continue;
      text.style.display = "";
      text.setAttribute("x", at[0]);
      text.setAttribute("y", at[1]);
    }
    heads.forEach((head) => head.removeAttribute("transform"));
  }

  function draw() {
    let [width, height] = whole;
    if (closed.size) {
      const bottom = below.length ? min(...below.map((e) => +e.getAttribute("y"))) : height - 12;
      const [wide, high] = arrange();
      const dy = high + 22 - bottom;
      below.forEach((e) => e.setAttribute("transform", `translate(0 ${dy})`));
      const text = max(0, ...below.map((e) => 5.6 * e.textContent.length));
      [width, height] = [max(wide, text) + 24, whole[1] + dy];
    } else {
      restore();
      below.forEach((e) => e.removeAttribute("transform"));
    }
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `${origin} ${width} ${height}`);
    stage.redrawn();
  }

  // The list of groups, among the tools.
  const list = element("div", { class: "groups" });
  const ticks = new Map(names.map((name) => {
    const tick = element("input", { type: "checkbox", "data-fold": name });
    tick.addEventListener("change", () => toggle(name, tick.checked));
    list.append(element("label", {}, tick, ` ${name}`));
    return [name, tick];
  }));
  const every = element("input", { type: "checkbox", "data-fold": "" });
  every.addEventListener("change", () => {
    names.forEach((name) => (every.checked ? closed.add(name) : closed.delete(name)));
    update();
  });
  list.prepend(element("label", {}, every, " all"));
  tools.append(element("details", { class: "fold" }, element("summary", {}, `fold ${MARK}`), list));
  function update() {
    ticks.forEach((tick, name) => { tick.checked = closed.has(name); });
    every.checked = closed.size === names.length;
    draw();
  }
  function toggle(name, to) {
    const focused = marks.get(name).getRootNode().activeElement === marks.get(name);
    if (to) closed.add(name);
    else closed.delete(name);
    update();
    const first = svg.getElementById(groups[name][0]);
    if (focused && first?.hasAttribute("tabindex")) enter(first);
    if (!to) stage.show(first);
  }
  stage.unfold = (id) => { if (closed.has(owner.get(id))) toggle(owner.get(id), false); };
  stage.unit = unit;
  if (folded) stage.fold = () => { names.forEach((name) => closed.add(name)); update(); };
}
