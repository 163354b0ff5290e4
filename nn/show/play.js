// The page: one picture and one button at first; all else unfolds.
const PANELS = {
  data: ["Data", DataPanel], network: ["Network", NetworkPanel], training: ["Training", TrainingPanel], noise: ["Noise", NoisePanel],
  compare: ["Compare", ComparePanel], task: ["Tasks", TaskPanel], out: ["Take away", OutPanel],
};
const RESTART = new Set(["hidden", "activation", "seed", "optimizer", "small"]), LIVE = new Set(["lr", "momentum", "b", "schedule", "every", "grow", "period"]);
const SAMPLE = new Set(["set", "n", "noise", "labels", "held"]);
const FRAME = 12, NUMBERS = 100, REGIONS = 125; // milliseconds: of updates a frame, from look to look
const SHARE = 4; // a look that takes long has so many times as long for updates after it
const LINKS = {
  "": (a) => Float64Array.from(a),
  sigmoid: (a) => Float64Array.from(a, (v) => (v >= 0 ? 1 / (1 + Math.exp(-v)) : Math.exp(v) / (1 + Math.exp(v)))),
  softmax: (a) => {
    const most = Math.max(...a), e = Float64Array.from(a, (v) => Math.exp(v - most)), total = e.reduce((s, v) => s + v, 0);
    return e.map((v) => v / total);
  },
};

class Play extends Looking {
  constructor(host, data) {
    super(host, data);
    this.isFixed = data.net.fixed;
    this.colours = new Colours(this);
    this.defaults = { ...data.settings };
    const address = data.ownPage ? location.hash : "", wanted = read(address, this.defaults);
    this.settings = { ...this.defaults, ...wanted };
    for (const [name, table] of [["activation", PROGRAMS], ["optimizer", RULES], ["schedule", SCHEDULES], ["speed", SPEEDS], ["axis", UNITS]]) {
      if (!Object.hasOwn(table, this.settings[name])) this.settings[name] = this.defaults[name];
    }
    if (!this.has(this.settings.activation, this.settings.hidden.length)) Object.assign(this.settings, { hidden: this.defaults.hidden, activation: this.defaults.activation });
    this.build();
    this.sample();
    this.agree.textContent = this.agreement();
    const says = [], left = leftOut(address, this.settings);
    if ("set" in wanted && wanted.set !== this.settings.set) says.push(`The page has no data called ${wanted.set}: if that is a file, drop it here.`);
    if (left.length) says.push(`Left out, since the address asks for what can't be: ${listed(left)}.`);
    if (says.length) this.say(says.join(" "));
    if (this.tabs.children[`tab-${this.settings.panel}`]) this.toggle(this.settings.panel);
  }

  build() {
    const { settings } = this, hidden = new Set(settings.hide.split(","));
    const button = (name, text, label) => element("button", { type: "button", "data-do": name, "aria-label": label ?? text, title: label ?? text }, text);
    this.playButton = button("play", "\u25b6 Train");
    this.status = element("p", { class: "status" });
    this.message = element("p", { class: "message", role: "status" });
    this.bar = element("div", { class: "row top", role: "group", "aria-label": "Training" }, this.playButton, button("step", "1 update"), button("epoch", "1 epoch"), button("rewind", "\u27f2 Rewind", "Rewind to the start"), this.status);
    this.task = new Task(this);
    this.picture = null;
    this.toolbar = element("div", { class: "tools-place" });
    this.kinds = element("div", { class: "row kinds", role: "radiogroup", "aria-label": "Numbers in the picture" });
    this.detail = new Detail(this);
    this.region = new Region(this);
    this.outcome = new Outcome(this);
    this.curves = new Curves(this);
    this.tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "More" });
    for (const [name, [text]] of Object.entries(PANELS)) {
      if (hidden.has(name)) continue;
      const tab = button(name, text);
      set(tab, { role: "tab", "aria-selected": "false", "aria-controls": "panel", tabindex: this.tabs.children.length ? -1 : 0, id: `tab-${name}` });
      this.tabs.append(tab);
    }
    this.panel = element("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: "-1", hidden: "" });
    this.panels = {};
    this.agree = element("p", { class: "agree" });
    this.place = element("div", {});
    const help = element("details", { class: "help" }, element("summary", {}, "Help"), ...HELP.map((text) => element("p", {}, text)));
    this.element = element("div", { class: "live play", role: "region", "aria-label": this.data.title },
      this.bar, this.message, this.task.element,
      element("div", { class: "stages" }, element("div", { class: "left" }, this.place, element("div", { class: "row under" }, this.kinds, this.toolbar), this.detail.element),
        element("div", { class: "right" }, this.region.element, this.outcome.element)),
      this.curves.element, this.tabs, this.panel, element("div", { class: "foot" }, this.agree, help));
    this.host.attachShadow({ mode: "open" }).append(element("style", {}, this.data.css), this.element);
    this.tabs.hidden = !this.tabs.children.length;
    shade(this.host, this.element);
    this.colours.fresh();
    new MutationObserver(() => {
      this.colours.fresh();
      this.look();
    }).observe(this.element, { attributes: true, attributeFilter: ["class"] });
    this.listen();
    this.onPaper();
  }

  listen() {
    const { element: page } = this;
    this.actions = {
      play: () => (this.playing ? this.pause() : this.go()),
      step: () => this.advance(1),
      epoch: () => this.advance(this.run.training.left),
      rewind: () => this.rewind(),
    };
    on(page, "click", (event) => {
      const name = event.target.closest("[data-do]")?.dataset.do;
      if (name === undefined) return;
      if (name in PANELS && this.tabs.contains(event.target)) this.toggle(name);
      else if (name in this.actions) this.actions[name]();
      else this.panels[this.tab]?.actions[name]?.();
    });
    on(this.tabs, "keydown", (event) => {
      const tabs = [...this.tabs.children], at = tabs.indexOf(event.target), way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!way || at < 0) return;
      event.preventDefault();
      focus(tabs[(at + way + tabs.length) % tabs.length]);
    });
    on(page, "dragover", (event) => event.preventDefault());
    on(page, "drop", (event) => {
      event.preventDefault();
      if (!this.tabs.querySelector("[data-do=data]")) this.say("The data of this page are set.");
      else if (event.dataTransfer.files[0]) this.readFile(event.dataTransfer.files[0]);
    });
    on(page, "keydown", (event) => {
      if (event.key !== " " || event.target.closest("button, input, select, summary, [role=button], a")) return;
      event.preventDefault();
      this.actions.play();
    });
    if (this.data.ownPage) on(window, "hashchange", () => {
      if (location.hash.slice(1) !== written_(this.settings, this.defaults)) location.reload();
    });
  }

  // On paper the page is light, and what is painted on canvases as well.
  onPaper() {
    const { classList } = this.element;
    let wasDark = false;
    on(window, "beforeprint", () => {
      wasDark = classList.contains("dark");
      classList.remove("dark");
      this.colours.fresh();
      this.look();
    });
    on(window, "afterprint", () => wasDark && classList.add("dark"));
  }

  say(text) {
    put(this.message, text);
  }

  // Networks

  // Whether there is a program for so many hidden layers of this activation.
  has(activation, layers) {
    return !this.isFixed && Boolean(PROGRAMS[activation][layers]);
  }

  widths(hidden) {
    return [this.points.d0, ...hidden, this.outputs];
  }

  // A network of these settings: the one from Python, if it has this form and this seed.
  network(settings) {
    const net = new Net(this.widths(settings.hidden), settings.activation);
    if (this.isGiven(settings)) net.theta.set(this.givenTheta);
    else net.start(settings.seed);
    if (settings.small) for (let i = 0; i < net.size; i++) net.theta[i] *= 0.02;
    return net;
  }

  isGiven({ hidden, activation, seed }) {
    const { net } = this.data;
    return this.isFixed || (this.widths(hidden).join() === net.widths.join() && activation === net.activation && seed === this.defaults.seed);
  }

  // A new start: other weights, or other data.
  restart() {
    this.pause();
    const { settings } = this, before = this.net?.widths.join();
    this.run = new Run(this, { ...settings });
    this.net = this.run.net;
    this.probe = this.net.copy(); // for the chosen example, whose numbers are read from it
    this.grid = this.net.copy(); // for all that is computed on the side
    if (before !== this.net.widths.join() || !this.picture || this.renewed) {
      this.renewed = false;
      this.picture ??= new Picture(this);
      if (!this.picture.element.parentNode) this.place.append(this.picture.element);
      else this.picture.fresh();
      this.writeKinds();
      this.pick(null);
    }
    if (this.pinned) this.repin();
    this.task.fresh();
    this.say("");
    this.look();
    this.refresh();
  }

  writeKinds() {
    this.kinds.replaceChildren(...Object.entries(SHOWN).map(([name, text]) => {
      const radio = element("input", { type: "radio", name: "kind", value: name });
      radio.checked = this.picture.shown === name;
      on(radio, "change", () => {
        this.picture.shown = name;
        this.numbers();
      });
      return element("label", { class: "check" }, radio, text);
    }));
  }

  get runs() {
    return this.pinned ? [this.run, this.pinned] : [this.run];
  }

  // Settings

  change(name, value) {
    const { settings } = this;
    if (typeof this.defaults[name] === "number") value = Number(value);
    if (String(settings[name]) === String(value)) return;
    settings[name] = value;
    this.say("");
    if (name === "speed" || name === "axis" || name.endsWith("_shown")) this.draw();
    else if (SAMPLE.has(name)) this.sample();
    else if (RESTART.has(name)) this.restart();
    else if (LIVE.has(name)) {
      Object.assign(this.run.settings, { [name]: value });
      this.run.change();
      this.numbers();
    }
    this.refresh();
  }

  // Many settings at once, from the page's own on: a task.
  begin(wanted) {
    Object.assign(this.settings, { ...this.defaults, ...wanted, goal: wanted.goal ?? "", ask: wanted.ask ?? "", title: wanted.title ?? "" });
    this.unpin(false);
    this.stopPainting(false);
    this.sample();
    if (wanted.panel && this.tab !== wanted.panel) this.toggle(wanted.panel);
    this.bar.scrollIntoView({ block: "nearest" });
  }

  refresh() {
    this.panels[this.tab]?.update();
    this.refreshBar();
    if (!this.data.ownPage) return;
    const hash = written_(this.settings, this.defaults);
    try {
      if (hash !== location.hash.slice(1)) history.replaceState(null, "", `#${hash}`);
    } catch { /* a sandboxed frame may not change its address */ }
  }

  refreshBar() {
    const waits = !this.task.answered || !this.trainData.n;
    for (const e of this.bar.querySelectorAll("button")) e.disabled = waits;
    put(this.playButton, this.playing ? "\u275a\u275a Pause" : "\u25b6 Train");
    set(this.playButton, { "aria-label": this.playing ? "Pause" : "Train" });
  }

  toggle(name) {
    this.tab = this.tab === name ? null : name;
    for (const tab of this.tabs.children) {
      tab.setAttribute("aria-selected", tab.dataset.do === this.tab);
      tab.tabIndex = tab.dataset.do === name ? 0 : -1;
    }
    this.panel.hidden = this.tab === null;
    if (this.tab !== null) {
      const panel = (this.panels[name] ??= new PANELS[name][1](this));
      this.panel.setAttribute("aria-labelledby", `tab-${name}`);
      this.panel.replaceChildren(panel.element);
      panel.open();
    }
  }

  // Training

  go() {
    if (this.playing || !this.trainData.n) return;
    if (this.run.training.diverged) this.rewind();
    this.playing = true;
    this.due = 0;
    this.last = performance.now();
    this.seen = this.last + NUMBERS;
    this.drawn_ = this.last + REGIONS;
    this.refreshBar();
    const tick = (now) => {
      this.frame(now);
      if (this.playing) this.ticking = requestAnimationFrame(tick);
    };
    this.ticking = requestAnimationFrame(tick);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    cancelAnimationFrame(this.ticking);
    this.look();
    this.refresh();
  }

  // As many updates as are due, for some milliseconds.
  frame(now) {
    const speed = Number(this.settings.speed);
    this.due = speed ? Math.min(this.due + (now - this.last) * speed / 1000, speed) : Infinity;
    this.last = now;
    const until = performance.now() + FRAME;
    while (this.due >= 1 && performance.now() < until) {
      if (!this.update()) return;
      this.due -= 1;
    }
    this.seen = this.inTurn(this.seen, NUMBERS, () => {
      this.numbers();
      this.panels[this.tab]?.tick();
    });
    this.drawn_ = this.inTurn(this.drawn_, REGIONS, () => this.regions(COARSE));
  }

  // What is looked at from time to time; the longer that takes, the more seldom, so that most of the
  // time is for training.
  inTurn(turn, every, see) {
    const from = performance.now();
    if (from < turn) return turn;
    see();
    const to = performance.now();
    return Math.max(from + every, to + SHARE * (to - from));
  }

  // One update, of the pinned run as well; false at the end.
  update() {
    const { run, pinned } = this, { goal } = this.task, unit = this.settings.axis;
    if (!run.update()) {
      this.diverged();
      return false;
    }
    for (let k = 0; pinned && k < 10000 && !pinned.training.diverged && pinned.time(pinned.updates + 1, unit) <= run.time(run.updates, unit); k++) pinned.update();
    if (goal && run.updates === goal.updates) this.look();
    return goal && this.task.done && run.updates === goal.updates ? this.playing : true;
  }

  advance(updates) {
    this.pause();
    if (this.run.training.diverged) return this.say("Rewind first: the loss is no number any more.");
    const every = Math.ceil(updates / 40); // points of the curve
    for (let k = 0; k < updates && this.update(); k++) if (k % every === every - 1) for (const run of this.runs) run.look();
    this.look();
    this.refresh();
  }

  diverged() {
    const { update } = this.run.training.diverged;
    this.pause();
    this.say(`Diverged at update ${update}: the loss is no finite number any more. Looking for a rate that holds \u2026`);
    setTimeout(() => {
      if (!this.run.training.diverged) return;
      const rate = this.run.stable(update), said = rate ? `The largest stable rate here is about ${number(rate)}.` : "No smaller rate holds either: are the numbers of the data too large?";
      this.say(`Diverged at update ${update}: the loss is no finite number any more. ${said} Rewind brings back the start.`);
    }, 30);
    this.look();
  }

  rewind() {
    this.pause();
    for (const run of this.runs) run.rewind();
    this.task.fresh();
    this.say("");
    this.look();
    this.refresh();
  }

  pin() {
    this.pause();
    this.pinned = new Run(this, { ...this.run.settings });
    this.rewind();
  }

  unpin(draws = true) {
    this.pinned = null;
    if (draws) this.look();
    this.refresh();
  }

  // The pinned run on other data.
  repin() {
    this.pinned = new Run(this, this.pinned.settings);
  }
}

const HELP = [
  "Train follows the gradient of one batch after another. Each box is a unit: in it, what it passes on, over the plane of the two inputs; below it, its number for the chosen example. A line is a weight: blue is positive, orange negative.",
  "Click a unit for its line of the recursion, in numbers, and its weights. Drag a line up or down, and all follows. Click a point to send it through the network.",
  "The page computes with the recorded program, printed as JavaScript; nothing leaves it. By keyboard: Tab leads through the page, up and down from unit to unit, Enter opens one, the space bar trains and pauses.",
];

for (const host of document.querySelectorAll(`[data-program="${PROGRAM}"]:not([data-running])`)) {
  host.setAttribute("data-running", "");
  const data = JSON.parse(host.querySelector("script[type='application/json']").textContent);
  data.ownPage = host.parentElement?.tagName === "MAIN" && host.parentElement.children.length <= 2;
  host.play = new Play(host, data);
}
