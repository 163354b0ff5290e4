// A picture that changes step by step, on the stage. Runs once for each player that is not running
// yet, so that many in one page, or one shown twice, do not meet.
{
  const SHAPES = {
    first: "M2 2h2v10H2zM13 2v10L5 7z", previous: "M11 2v10L3 7z", play: "M3 1l9 6-9 6z",
    pause: "M3 2h3v10H3zM8 2h3v10H8z", next: "M3 2l8 5-8 5z", last: "M10 2h2v10h-2zM1 2l8 5-8 5z",
  };
  const SPEEDS = [1, 2, 4, 0.5], LABELS = ["1", "2", "4", "\u00bd"];

  function button(name, label) {
    const e = element("button", { type: "button", "data-do": name });
    const icon = drawn("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, drawn("path"));
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
    const { css, frames, details, interval, word, groups, folded } = JSON.parse(
      host.querySelector("script[type='application/json']").textContent);
    const svg = pictured(host), title = svg.getAttribute("aria-label");

    const first = button("first", `First ${word} (Home)`), last = button("last", `Last ${word} (End)`);
    const previous = button("previous", `Previous ${word} (left arrow)`);
    const next = button("next", `Next ${word} (right arrow)`), play = button("play", "Play (space)");
    const slider = element("input", { type: "range", min: 0, max: frames.length - 1, step: 1, value: 0,
      "aria-label": word });
    const count = element("output");
    const caption = element("div", { class: "caption", "aria-live": "polite" });
    const detail = element("div", { class: "detail", "aria-live": "polite", hidden: "" });
    const stage = makeStage(svg, groups, folded);
    const speed = element("button", { type: "button", "data-do": "speed" });
    const controls = element("div", { class: "controls", role: "group", "aria-label": "Controls" },
      first, previous, play, next, last, speed, slider, count);
    controls.hidden = frames.length === 1;
    host.toggleAttribute("data-steps", frames.length > 1);
    const player = element("figure", { class: "player", tabindex: "-1", "aria-label": title },
      controls, caption, stage.element, stage.tools, detail, element("figcaption", {}, title));
    const most = max(...frames.map((frame) => 1 + frame.lines.length));
    player.style.setProperty("--lines", min(most, 10));
    host.attachShadow({ mode: "open" }).append(element("style", {}, css), player);

    // The picture comes finished. Frame 0 sets all that later frames change; `undo` leads back.
    const state = new Map();
    const undo = frames.map(({ changes }) => changes.map(([id, value, attribute]) => {
      const key = `${id} ${attribute}`, before = state.get(key);
      state.set(key, value);
      return [id, before, attribute];
    }));
    const apply = (changes) => {
      for (const [id, value, attribute] of changes) {
        for (const e of stage.all(id)) {
          if (attribute) e.setAttribute(attribute, value);
          else e.textContent = value;
        }
      }
    };
    let at = 0, timer = null, pace = 0;
    apply(frames[0].changes);

    function light(frame, on) {
      for (const id of frame.active) {
        stage.all(id)[0].toggleAttribute("data-on", on);
        stage.unit?.(id)?.toggleAttribute("data-on", on);
      }
    }

    function go(to) {
      to = max(0, min(frames.length - 1, to));
      light(frames[at], false);
      while (at < to) apply(frames[++at].changes);
      while (at > to) apply(undo[at--]);
      const frame = frames[at];
      light(frame, true);
      stage.show(frame.active.length ? stage.all(frame.active[0])[0] : null);
      tell(caption, frame.title, frame.lines);
      slider.value = at;
      slider.setAttribute("aria-valuetext", frame.title);
      count.value = `${at} / ${frames.length - 1}`;
      // Not `disabled`, which would take the focus away, and with it the keys.
      const ends = [[[first, previous], at === 0], [[next, last], at === frames.length - 1]];
      for (const [buttons, end] of ends) for (const b of buttons) b.setAttribute("aria-disabled", end);
      if (at === frames.length - 1) stop();
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
      run();
    }

    function run() {
      timer = setInterval(() => (host.isConnected ? go(at + 1) : stop()), interval / SPEEDS[pace]);
    }

    function hurry(to) {
      pace = to % SPEEDS.length;
      speed.textContent = `${LABELS[pace]}\u00d7`;
      speed.setAttribute("aria-label", `${speed.textContent}, the speed of play: change`);
      speed.title = "Speed of play";
      if (timer === null) return;
      clearInterval(timer);
      run();
    }

    // The line that a click or a finger meant: none is wide enough to be hit.
    function line({ clientX, clientY }) {
      const at = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
      const near = 10 / stage.scale();
      const far = (path) => {
        if (!stage.shown(path)) return Infinity;
        const n = path.getAttribute("d").match(/-?[\d.]+/g).map(Number), [x, y] = n, [u, v] = n.slice(-2);
        const k = ((at.x - x) * (u - x) + (at.y - y) * (v - y)) / ((u - x) ** 2 + (v - y) ** 2);
        return k < 0 || k > 1 ? Infinity : Math.hypot(at.x - x - k * (u - x), at.y - y - k * (v - y));
      };
      const all = [...svg.querySelectorAll("path.w")].map((path) => [far(path), path]);
      const [distance, path] = all.sort((a, b) => a[0] - b[0])[0] ?? [Infinity];
      return distance < near ? path : null;
    }

    function pick(target) {
      if (target?.dataset.again) target = stage.all(target.dataset.again)[0];
      const again = target !== null && target.hasAttribute("data-picked");
      svg.querySelectorAll("[data-picked]").forEach((e) => e.removeAttribute("data-picked"));
      detail.hidden = target === null || again;
      if (detail.hidden) return;
      target.setAttribute("data-picked", "");
      const [title, ...lines] = details[target.id] ?? target.textContent.split(", ");
      tell(detail, title, lines);
    }

    const move = (to) => { stop(); go(to); };
    const actions = {
      first: () => move(0), previous: () => move(at - 1), play: toggle,
      next: () => move(at + 1), last: () => move(frames.length - 1), speed: () => hurry(pace + 1),
    };
    const keys = { Home: "first", ArrowLeft: "previous", " ": "play", ArrowRight: "next", End: "last" };

    stage.pickable(Object.keys(details));
    player.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-do]");
      if (!player.contains(host.shadowRoot.activeElement)) player.focus({ preventScroll: true });
      if (pressed) actions[pressed.dataset.do]();
      else if (svg.contains(event.target)) pick(event.target.closest("[data-pick], [data-again]") ?? line(event));
    });
    slider.addEventListener("input", () => move(+slider.value));
    // On a page the arrows work from the start: for the player that is nearest to the middle.
    const off = (e) => {
      const { top, bottom } = e.getBoundingClientRect(), middle = innerHeight / 2;
      return max(top - middle, middle - bottom, 0);
    };
    document.addEventListener("keydown", (event) => {
      if (event.target !== document.body || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const all = [...document.querySelectorAll("[data-chalkgrad][data-steps]")];
      if (all.sort((a, b) => off(a) - off(b))[0] === host) actions[keys[event.key]]();
    });
    player.addEventListener("keydown", (event) => {
      const { key, target } = event;
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const picking = target.closest("[data-pick]");
      if (picking && (key === "Enter" || key === " ")) pick(picking);
      else if (key === "Escape") pick(null);
      else if (!(key in keys) || frames.length === 1 || (target === slider && key !== " ")) return;
      else if (key === " " && target.closest("button, summary, [type=checkbox]")) return;
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
    shade(host, player);
    hurry(0);
    stage.ready();
    stage.fold?.();
    go(0);
  }

  for (const host of document.querySelectorAll("[data-chalkgrad=player]:not([data-running])")) {
    host.setAttribute("data-running", "");
    start(host);
  }
}
