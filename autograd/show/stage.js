// The stage: a picture that is fitted, zoomed, panned, searched, and gone through by keyboard. It
// goes inside another script's function, before it; folding is in fold.js.
//
//   const stage = makeStage(svg, groups, folded);    groups: {"layer 1": ["n3", "n4"]}, may be empty
//   stage.element, stage.tools    to stand in the page
//   stage.all(id)                 the element with this id, and those that repeat it (data-as, data-again)
//   stage.scale()                 how large the picture is shown
//   stage.show(element)           scroll, so that it is seen
//   stage.pickable(ids)           these can be reached by keyboard: one tab stop, then up and down
//   stage.resized()               after the svg's width and height have changed
const { abs, max, min } = Math;

function on(target, name, listener, options) {
  target.addEventListener(name, listener, options);
}

function focus(e) {
  e.focus({ preventScroll: true });
}

// Gives an element attributes; one that is null is taken away.
function set(e, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) e.removeAttribute(name);
    else if (e.getAttribute(name) !== String(value)) e.setAttribute(name, value);
  }
}

function filled(e, attributes, children) {
  set(e, attributes);
  e.append(...children);
  return e;
}

function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

// A title and lines below it, in place of what was in an element.
function tell(e, title, lines = []) {
  e.replaceChildren(element("b", {}, title), ...lines.map((line) => element("div", {}, line)));
}

// The picture that a page comes with: an image, or SVG that stands there.
function pictured(host) {
  const image = host.querySelector("img"), { src, alt } = image ?? {};
  const svg = image ? new DOMParser().parseFromString(decodeURIComponent(src.slice(src.indexOf(",") + 1)), "image/svg+xml")
    .documentElement : host.querySelector("svg");
  const copy = document.importNode(svg, true);
  set(copy, { role: "group", "aria-label": alt ?? svg.getAttribute("aria-label") });
  return copy;
}

// An element is light or dark, as what lies behind the host is: now, and when that changes.
function shade(host, element) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function paint() {
    let isDark = dark.matches;
    for (let e = host; e; e = e.parentElement) {
      const [r, g, b, a = 1] = (getComputedStyle(e).backgroundColor.match(/[\d.]+/g) || []).map(Number);
      if (a > 0.5) {
        isDark = 0.3 * r + 0.6 * g + 0.1 * b < 128;
        break;
      }
    }
    element.classList.toggle("dark", isDark);
  }
  paint();
  on(dark, "change", paint);
  new MutationObserver(() => setTimeout(paint, 50)).observe(document.body, { attributes: true });
}

function makeStage(svg, groups = {}, folded = false) {
  const NODES = ".node, .neuron";
  const view = element("div", { class: "view", tabindex: "0", role: "group", "aria-label": "Picture" }, svg);
  const tools = element("div", { class: "tools", role: "group", "aria-label": "View" });
  const stage = { element: element("div", { class: "stage" }, view), tools, svg, view };
  const size = () => ["width", "height"].map((name) => +svg.getAttribute(name));
  let scale = 1, chosen = false;

  // Parts of the picture, found once: a search for each part of 2,000 nodes would take many seconds.
  const known = new Map(Array.from(svg.querySelectorAll("[id]"), (e) => [e.id, [e]]));
  for (const e of svg.querySelectorAll("[data-as], [data-again]")) known.get(e.dataset.again ?? e.dataset.as)?.push(e);
  stage.all = (id) => known.get(id) ?? [null];
  stage.shown = (e) => e.style.display !== "none";
  stage.nodes = () => [...svg.querySelectorAll(NODES)].filter(stage.shown);

  // Size. The whole, if it can be read so; else its width; else as large as can be read.
  const READABLE = 0.62;
  function fitting() {
    const [width, height] = size();
    const across = min(1, (view.clientWidth || width) / width);
    const whole = min(across, max(240, 0.75 * innerHeight) / height);
    return [whole, across];
  }
  function zoom(to, at) {
    const [width] = size(), before = scale;
    scale = max(min(...fitting(), 0.1), min(to, 4));
    const [x, y] = at ?? (chosen ? [view.clientWidth / 2, view.clientHeight / 2] : [0, 0]);
    const left = (view.scrollLeft + x) * scale / before - x, top = (view.scrollTop + y) * scale / before - y;
    svg.style.width = `${width * scale}px`;
    view.scrollTo(left, top);
    map.update();
  }
  stage.scale = () => scale;
  stage.resized = () => {
    if (chosen) return zoom(scale);
    const [whole, across] = fitting();
    zoom(whole >= READABLE ? whole : across >= READABLE ? across : max(0.75, whole));
  };
  const change = { in: () => zoom(scale * 1.3), out: () => zoom(scale / 1.3), fit: () => zoom(fitting()[0]) };
  for (const [name, sign, text] of [["out", "\u2212", "Smaller"], ["fit", "fit", "fit the whole picture"],
    ["in", "+", "Larger"]]) {
    const button = element("button", { type: "button", "data-view": name, "aria-label": text, title: text }, sign);
    on(button, "click", () => { chosen = true; change[name](); });
    tools.append(button);
  }
  on(view, "wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    chosen = true;
    const box = view.getBoundingClientRect();
    zoom(scale * Math.exp(-event.deltaY / 300), [event.clientX - box.left, event.clientY - box.top]);
  }, { passive: false });

  // Panning: the mouse drags; fingers and wheels scroll as everywhere.
  let held = null;
  on(view, "pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button || event.target.closest("[data-drag]")) return;
    held = [event.clientX, event.clientY, view.scrollLeft, view.scrollTop, false];
  });
  addEventListener("pointermove", (event) => {
    if (!held) return;
    const dx = event.clientX - held[0], dy = event.clientY - held[1];
    held[4] ||= Math.hypot(dx, dy) > 5;
    if (held[4]) view.scrollTo(held[2] - dx, held[3] - dy);
  });
  addEventListener("pointerup", () => {
    if (held?.[4]) addEventListener("click", (event) => event.stopPropagation(), { capture: true, once: true });
    if (held?.[4]) setTimeout(() => dispatchEvent(new Event("click")), 0);
    held = null;
  });

  // Overview, where not all is seen.
  const map = drawn("svg", { class: "map", "aria-hidden": "true", hidden: "" });
  const boxes = drawn("path"), frame = drawn("rect");
  map.append(boxes, frame);
  map.redraw = () => {
    const [width, height] = size();
    set(map, { viewBox: svg.getAttribute("viewBox"), preserveAspectRatio: "none" });
    const k = min(170 / width, 80 / height);
    map.style.width = `${max(width * k, 24)}px`;
    map.style.height = `${max(height * k, 16)}px`;
    boxes.setAttribute("d", stage.nodes().map((e) => {
      const { x, y, w, h } = stage.area(e);
      return `M${x} ${y}h${w}v${h}h${-w}z`;
    }).join(""));
  };
  map.update = () => {
    const over = svg.clientWidth > view.clientWidth + 2 || svg.clientHeight > view.clientHeight + 2;
    map.toggleAttribute("hidden", !over);
    const [x0, y0] = svg.getAttribute("viewBox").split(" ");
    set(frame, { x: +x0 + view.scrollLeft / scale, y: +y0 + view.scrollTop / scale,
      width: view.clientWidth / scale, height: view.clientHeight / scale });
  };
  on(map, "pointerdown", (event) => {
    const box = map.getBoundingClientRect(), [width, height] = size();
    view.scrollTo((event.clientX - box.left) / box.width * width * scale - view.clientWidth / 2,
      (event.clientY - box.top) / box.height * height * scale - view.clientHeight / 2);
  });
  on(view, "scroll", map.update);

  // Where a box stands now, in the picture's own coordinates.
  const shift = (e) => (e.getAttribute("transform")?.match(/[-\d.]+/g) ?? [0, 0]).map(Number);
  stage.area = (e) => {
    const form = e.querySelector(".frame, .ring") ?? e, [dx, dy] = shift(e);
    const [x, y, w, h, cx, cy, r] = ["x", "y", "width", "height", "cx", "cy", "r"].map((name) => +form.getAttribute(name));
    return r ? { x: cx - r + dx, y: cy - r + dy, w: 2 * r, h: 2 * r } : { x: x + dx, y: y + dy, w, h };
  };

  // Scrolls the picture, and nothing else.
  stage.show = (e, always = false) => {
    if (!e || !stage.shown(e)) return;
    const a = e.getBoundingClientRect(), b = view.getBoundingClientRect();
    if (always || a.top < b.top || a.bottom > b.bottom) view.scrollTop += a.top - b.top - b.height / 3;
    if (always || a.left < b.left || a.right > b.right) view.scrollLeft += a.left - b.left - b.width / 3;
  };

  // By keyboard: one tab stop, from which up and down lead from box to box.
  stage.pickable = (ids) => {
    ids.forEach((id, i) => set(stage.all(id)[0], { "data-pick": "", role: "button", tabindex: i ? "-1" : "0" }));
  };
  const enter = (e) => {
    svg.querySelectorAll("[tabindex='0']").forEach((other) => set(other, { tabindex: -1 }));
    set(e, { tabindex: 0 });
    focus(e);
    stage.show(e);
  };
  on(svg, "keydown", (event) => {
    const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = [...svg.querySelectorAll("[role=button]")].filter(stage.shown);
    const next = all[all.indexOf(event.target) + way];
    if (next) enter(next);
    event.preventDefault();
  });

  // Search.
  const labels = [...svg.querySelectorAll(NODES)].filter((e) => !e.dataset.again).map((e) =>
    [e, (e.querySelector(".name, title") ?? e).textContent.toLowerCase()]);
  const field = element("input", { type: "search", placeholder: "find a label", "aria-label": "Find a label" });
  const hits = element("span", { class: "hits", role: "status" });
  let found = [], at = -1;
  const visit = (k) => {
    at = k;
    hits.textContent = found.length ? `${at + 1} of ${found.length}` : field.value ? "none" : "";
    const e = found[at];
    if (!e) return;
    if (!stage.shown(e)) stage.unfold?.(e.id);
    stage.show(e, true);
  };
  on(field, "input", () => {
    const text = field.value.trim().toLowerCase();
    const begins = (label) => (label.startsWith(text) ? 0 : 1);
    found.forEach((e) => set(e, { "data-found": null }));
    found = (text ? labels.filter(([, label]) => label.includes(text)) : [])
      .sort((a, b) => begins(a[1]) - begins(b[1])).map(([e]) => e);
    found.forEach((e) => set(e, { "data-found": "" }));
    visit(0);
  });
  on(field, "keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && found.length) visit((at + (event.shiftKey ? -1 : 1) + found.length) % found.length);
  });
  if (labels.length > 9) tools.append(field, hits);

  if (typeof makeFolds === "function") makeFolds(stage, groups, folded, enter);
  tools.append(map);
  stage.ready = () => {
    map.redraw();
    stage.resized();
    new ResizeObserver(stage.resized).observe(view);
  };
  stage.redrawn = () => { map.redraw(); stage.resized(); };
  return stage;
}
