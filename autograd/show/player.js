// A picture that changes step by step. Runs once for each player that is not running yet, so that
// many in one page, or one shown twice, do not meet.
(() => {
  const SHAPES = {
    first: "M2 2h2v10H2zM13 2v10L5 7z", previous: "M11 2v10L3 7z", play: "M3 1l9 6-9 6z",
    pause: "M3 2h3v10H3zM8 2h3v10H8z", next: "M3 2l8 5-8 5z", last: "M10 2h2v10h-2zM1 2l8 5-8 5z",
  };
  const SVG = "http://www.w3.org/2000/svg";

  function element(tag, attributes = {}, ...children) {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    e.append(...children);
    return e;
  }

  function button(name, label) {
    const e = element("button", { type: "button", "data-do": name });
    const icon = document.createElementNS(SVG, "svg");
    icon.setAttribute("viewBox", "0 0 14 14");
    icon.setAttribute("aria-hidden", "true");
    icon.append(document.createElementNS(SVG, "path"));
    e.append(icon);
    e.show = (shape, text) => {
      icon.firstChild.setAttribute("d", SHAPES[shape]);
      e.setAttribute("aria-label", text);
      e.title = text;
    };
    e.show(name, label);
    return e;
  }

  function start(host) {
    const { css, frames, details, interval, word } = JSON.parse(
      host.querySelector("script[type='application/json']").textContent);
    const image = host.querySelector("img");
    const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (c) => c.charCodeAt(0));
    const svg = document.importNode(new DOMParser().parseFromString(
      new TextDecoder().decode(bytes), "image/svg+xml").documentElement, true);
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", image.alt);

    const first = button("first", `First ${word} (Home)`), last = button("last", `Last ${word} (End)`);
    const previous = button("previous", `Previous ${word} (left arrow)`);
    const next = button("next", `Next ${word} (right arrow)`), play = button("play", "Play (space)");
    const slider = element("input", { type: "range", min: 0, max: frames.length - 1, step: 1, value: 0,
      "aria-label": word });
    const count = element("output");
    const caption = element("div", { class: "caption", "aria-live": "polite" });
    const detail = element("div", { class: "detail", "aria-live": "polite", hidden: "" });
    const stage = element("div", { class: "stage" }, svg);
    const controls = element("div", { class: "controls", role: "group", "aria-label": "Controls" },
      first, previous, play, next, last, slider, count);
    controls.hidden = frames.length === 1;
    const player = element("div", { class: "player", tabindex: "-1" }, controls, caption, stage, detail);
    const most = Math.max(...frames.map((frame) => 1 + frame.lines.length));
    player.style.setProperty("--lines", Math.min(most, 10));
    player.style.setProperty("--least", `${0.75 * svg.getAttribute("width")}px`);
    host.attachShadow({ mode: "open" }).append(element("style", {}, css), player);

    // The picture comes finished. Frame 0 sets all that later frames change; `undo` leads back.
    const byId = (id) => svg.getElementById(id);
    const state = new Map();
    const undo = frames.map(({ changes }) => changes.map(([id, attribute, value]) => {
      const key = `${id} ${attribute}`, before = state.get(key);
      state.set(key, value);
      return [id, attribute, before];
    }));
    const apply = (changes) => {
      for (const [id, attribute, value] of changes) {
        if (attribute === "text") byId(id).textContent = value;
        else byId(id).setAttribute(attribute, value);
      }
    };
    let at = 0, timer = null;
    apply(frames[0].changes);

    function write(box, title, lines) {
      box.replaceChildren(element("b", {}, title), ...lines.map((line) => element("div", {}, line)));
    }

    function light(frame, on) {
      for (const id of frame.active) byId(id).toggleAttribute("data-on", on);
    }

    function go(to) {
      to = Math.max(0, Math.min(frames.length - 1, to));
      light(frames[at], false);
      while (at < to) apply(frames[++at].changes);
      while (at > to) apply(undo[at--]);
      const frame = frames[at];
      light(frame, true);
      show(byId(frame.active[0]));
      write(caption, frame.title, frame.lines);
      slider.value = at;
      slider.setAttribute("aria-valuetext", frame.title);
      count.value = `${at} / ${frames.length - 1}`;
      first.disabled = previous.disabled = at === 0;
      next.disabled = last.disabled = at === frames.length - 1;
      if (next.disabled) stop();
    }

    // Scrolls the stage, and nothing else, to what is lit.
    function show(lit) {
      if (!lit) return;
      const a = lit.getBoundingClientRect(), b = stage.getBoundingClientRect();
      if (a.top < b.top || a.bottom > b.bottom) stage.scrollTop += a.top - b.top - b.height / 3;
      if (a.left < b.left || a.right > b.right) stage.scrollLeft += a.left - b.left - b.width / 3;
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      play.show("play", "Play (space)");
    }

    function toggle() {
      if (timer !== null) return stop();
      if (at === frames.length - 1) go(0);
      if (frames.length === 1) return;
      play.show("pause", "Pause (space)");
      timer = setInterval(() => (host.isConnected ? go(at + 1) : stop()), interval);
    }

    function pick(target) {
      const again = target !== null && target.hasAttribute("data-picked");
      svg.querySelectorAll("[data-picked]").forEach((e) => e.removeAttribute("data-picked"));
      detail.hidden = target === null || again;
      if (detail.hidden) return;
      target.setAttribute("data-picked", "");
      const [title, ...lines] = details[target.id];
      write(detail, title, lines);
    }

    const move = (to) => { stop(); go(to); };
    const actions = {
      first: () => move(0), previous: () => move(at - 1), play: toggle,
      next: () => move(at + 1), last: () => move(frames.length - 1),
    };
    const keys = { Home: "first", ArrowLeft: "previous", " ": "play", ArrowRight: "next", End: "last" };

    for (const [id, [title]] of Object.entries(details)) {
      const e = byId(id);
      e.setAttribute("data-pick", "");
      e.setAttribute("tabindex", "0");
      e.setAttribute("role", "button");
      e.setAttribute("aria-label", title);
    }
    player.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-do]");
      if (!player.contains(host.shadowRoot.activeElement)) player.focus({ preventScroll: true });
      if (pressed) actions[pressed.dataset.do]();
      else if (stage.contains(event.target)) pick(event.target.closest("[data-pick]"));
    });
    slider.addEventListener("input", () => move(+slider.value));
    // On a page of its own the arrows work from the start.
    document.addEventListener("keydown", (event) => {
      if (event.target !== document.body || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      if (document.querySelectorAll("[data-chalkgrad]").length === 1) actions[keys[event.key]]();
    });
    player.addEventListener("keydown", (event) => {
      const { key, target } = event;
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const picking = target.closest("[data-pick]");
      if (picking && (key === "Enter" || key === " ")) pick(picking);
      else if (key === "Escape") pick(null);
      else if (!(key in keys) || (target === slider && key !== " ")) return;
      else if (key === " " && target.closest("button")) return;
      else actions[keys[key]]();
      event.preventDefault();
      event.stopPropagation();
    });

    // On paper the finished picture says more than the first one.
    addEventListener("beforeprint", () => {
      if (at !== 0 || !host.isConnected) return;
      move(frames.length - 1);
      addEventListener("afterprint", () => move(0), { once: true });
    });

    // Light or dark, as what lies behind it is.
    function theme() {
      let dark = matchMedia("(prefers-color-scheme: dark)").matches;
      for (let e = host; e; e = e.parentElement) {
        const [r, g, b, a = 1] = (getComputedStyle(e).backgroundColor.match(/[\d.]+/g) || []).map(Number);
        if (a > 0.5) {
          dark = 0.3 * r + 0.6 * g + 0.1 * b < 128;
          break;
        }
      }
      player.classList.toggle("dark", dark);
      svg.classList.toggle("dark", dark);
    }
    theme();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
    new MutationObserver(() => setTimeout(theme, 50)).observe(document.body, { attributes: true });
    go(0);
  }

  for (const host of document.querySelectorAll("[data-chalkgrad=player]:not([data-running])")) {
    host.setAttribute("data-running", "");
    start(host);
  }
})();
