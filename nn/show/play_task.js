// Tasks, and two runs side by side; the page's state in its address.
const TASKS = [
  { name: "A loss under 0.21 in 500 updates", how: "Moons, one hidden layer. Which rate, which b?", set: { set: "moons", hidden: [8], activation: "tanh", lr: 0.01, b: 10, goal: "loss<0.21@500" } },
  { name: "Too large a rate", how: "Before you play: will it learn, swing, or fly off? Then find the largest rate that holds.", set: { hidden: [16], activation: "relu", lr: 6, b: 10, ask: "What will the loss do at this rate?" } },
  { name: "Leave the saddle", how: "All weights start near 0, where the gradient is near 0 too. What helps: a larger rate, a smaller b, momentum?", set: { hidden: [8, 8], activation: "tanh", small: 1, lr: 0.1, b: 400, goal: "loss<0.25@2000" } },
  { name: "Why does layer 1 not learn?", how: "Four layers of sigmoid. Open Noise and compare the sizes of \u0394 by layer; then change the activation.", set: { hidden: [8, 8, 8, 8], activation: "sigmoid", lr: 0.1, b: 10, panel: "noise" } },
  { name: "Learn by heart", how: "All targets are replaced at random. How many units and layers does it take to learn them all the same, and what does that say about the examples held out?", set: { set: "circles", n: 60, hidden: [16], labels: 1, lr: 0.1, momentum: 0.9, b: 10, held: 0.3, goal: "score>0.95@20000" } },
  { name: "Noise early, none late", how: "Small batches, then larger ones: pin a run with b = 4, and compare it with batches that grow.", set: { hidden: [16], lr: 0.3, b: 4, grow: 2, period: 10, panel: "compare" } },
];

// loss<0.21@500: under this loss in so many updates; held<... of the examples held out, score>... of
// the share that is right.
function parsedGoal(text) {
  const found = /^(loss|held|score)([<>])(\d*\.?\d+(?:e-?\d+)?)(?:@(\d+))?$/.exec(text);
  if (!found) return null;
  const [, what, sign, limit, updates] = found;
  if ((what === "score") !== (sign === ">")) return null;
  return { what, limit: Number(limit), updates: updates ? Number(updates) : Infinity, loss: what === "score" ? null : Number(limit), said: saidGoal(what, limit, updates) };
}

function saidGoal(what, limit, updates) {
  const of = { loss: "a loss under", held: "a loss of the examples held out under", score: "a score over" }[what];
  return `${of} ${limit}` + (updates ? ` in ${updates} updates` : "");
}

class Task {
  constructor(play) {
    this.play = play;
    this.element = element("div", { class: "task", role: "status", hidden: "" });
  }

  fresh() {
    const { goal, ask, title } = this.play.settings;
    this.goal = parsedGoal(goal);
    this.done = false;
    if (ask !== this.asked || !this.answered) this.answered = !ask; // once is enough
    this.asked = ask;
    this.element.hidden = !this.goal && !ask && !title;
    this.write();
  }

  write(text = "") {
    const { ask, title } = this.play.settings, parts = [];
    if (title) parts.push(element("b", {}, title), " ");
    if (this.goal) parts.push(`Goal: ${this.goal.said}. `);
    if (text) parts.push(element("b", {}, text));
    if (!this.answered) {
      const field = element("input", { type: "text", "data-field": "prediction", "aria-label": "Your prediction" }), button = element("button", { type: "button", "data-do": "predict" }, "That is what I expect");
      const answer = () => {
        if (!field.value.trim()) return this.play.say("Write what you expect first.");
        this.answered = field.value.trim();
        this.write();
        this.play.refreshBar();
      };
      on(button, "click", answer);
      on(field, "keydown", (event) => event.key === "Enter" && answer());
      parts.push(element("div", { class: "row" }, `Before you train: ${ask} `, field, button));
    } else if (ask) parts.push(element("div", {}, `${ask} You expect: ${this.answered}`));
    this.element.replaceChildren(...parts);
  }

  // Where the run stands; whether it has to stop and look.
  check(look) {
    const { goal } = this;
    if (!goal || this.done) return;
    const v = goal.what === "score" ? look.score : goal.what === "held" ? look.held : look.loss;
    if (v !== null && (goal.what === "score" ? v > goal.limit : v < goal.limit) && look.update <= goal.updates) {
      this.done = true;
      this.write(`Reached after ${look.update} updates: ${number(v)}.`);
    } else if (look.update >= goal.updates) {
      this.done = true;
      this.write(`Not yet: ${number(v)} after ${look.update} updates. Rewind, and try other settings.`);
      this.play.pause();
    }
  }
}

class TaskPanel extends Panel {
  build() {
    const { play } = this;
    const list = element("ul", { class: "tasks" });
    TASKS.forEach((task, k) => {
      if (!play.allows(task.set)) return;
      list.append(element("li", {}, this.button(`task${k}`, task.name, () => play.begin({ ...task.set, title: `${task.name}${task.name.endsWith("?") ? "" : "."} ${task.how}` })), ` ${task.how}`));
    });
    this.element.append(list, element("p", { class: "heading" }, "Set a task of your own"));
    this.goal = entry("goal");
    this.ask = entry("ask");
    this.title = entry("title");
    set(this.goal, { placeholder: "loss<0.21@500" });
    this.row(element("label", {}, "what it is about", this.title), element("label", {}, "goal", this.goal), element("label", {}, "question before training", this.ask));
    this.hides = element("div", { class: "row", role: "group", "aria-label": "Hide" }, "hide", ...Object.keys(PANELS).filter((name) => name !== "help").map((name) =>
      element("label", { class: "check" }, element("input", { type: "checkbox", value: name }), PANELS[name][0])));
    this.element.append(this.hides);
    this.made = element("input", { type: "text", readonly: "", class: "address", "aria-label": "Address of the task" });
    this.row(this.button("make", "Make the address", () => this.make()), this.made);
    this.note("The address carries the page's present settings, the goal and what is hidden. A goal is loss<0.21@500, held<0.3@2000 or score>0.95.");
  }

  make() {
    const { play } = this, goal = this.goal.value.trim();
    if (goal && !parsedGoal(goal)) return play.say(`The goal must be written as loss<0.21@500, held<0.3 or score>0.95@2000, and not as ${goal}.`);
    const hide = [...this.hides.querySelectorAll("input:checked")].map(({ value }) => value).join(",");
    this.made.value = play.link_to({ goal, ask: this.ask.value.trim(), title: this.title.value.trim(), hide });
    play.copy(this.made.value);
  }
}

// What a number in an address may be; those that stand at 1 here are whole.
const LIMITS = {
  n: [20, 1000, 1], noise: [0, 1], labels: [0, 1], held: [0, 0.9], momentum: [0, 0.9999], lr: [1e-12, 1e6], every: [1, 1e9, 1],
  b: [1, 1e9, 1], grow: [1, 100], period: [1, 1e6, 1], seed: [0, 2 ** 53 - 1, 1], small: [0, 1, 1], noise_shown: [0, 1, 1], lines_shown: [0, 1, 1],
};

function allowed(name, v) {
  const [low, high, whole] = LIMITS[name];
  return v >= low && v <= high && (!whole || Number.isInteger(v));
}

// Settings as they stand in an address: #name=value&name=value. What can't be is left out.
function read(hash, defaults) {
  const found = {};
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!Object.hasOwn(defaults, name)) continue;
    const before = defaults[name];
    if (name === "hidden") {
      const widths = text ? text.split("-").map(Number) : [];
      if (widths.length <= 8 && widths.every((d) => Number.isInteger(d) && d >= 1 && d <= 256)) found[name] = widths;
    } else if (typeof before === "number") {
      const v = Number(text);
      if (text !== "" && allowed(name, v)) found[name] = v;
    } else found[name] = text.slice(0, name === "points" ? 8000 : 300);
  }
  return found;
}

// What an address says that is not in the settings made of it. Of data the page speaks by itself.
function leftOut(hash, settings) {
  const isNumber = (name) => typeof settings[name] === "number", whole = (text) => text.split("-").map(Number).join("-");
  const isSet = ([name, text]) => text === "" || name === "set" || (Object.hasOwn(settings, name) && (
    name === "goal" ? parsedGoal(text) !== null
      : name === "panel" || name === "hide" ? text.split(",").every((panel) => panel === "" || Object.hasOwn(PANELS, panel))
        : name === "hidden" ? whole(text) === settings.hidden.join("-")
          : isNumber(name) ? Number(text) === settings[name] : text === settings[name]));
  return [...new URLSearchParams(hash.replace(/^#/, ""))].filter((one) => !isSet(one)).map(([name, text]) => cut(`${name}=${text}`, 40));
}

function written_(settings, defaults) {
  const found = new URLSearchParams();
  for (const [name, v] of Object.entries(settings)) {
    if (!Object.hasOwn(defaults, name)) continue;
    const text = Array.isArray(v) ? v.join("-") : String(v), before = Array.isArray(defaults[name]) ? defaults[name].join("-") : String(defaults[name]);
    if (text !== before) found.set(name, text);
  }
  return found.toString();
}

class ComparePanel extends Panel {
  build() {
    this.form = element("p", { class: "caption" });
    this.canvas = element("canvas", { class: "pinned", width: 200, height: 200, role: "img" });
    this.row(this.button("pin", "Pin this run, to compare with", () => this.play.pin()), this.button("unpin", "Remove the pinned run", () => this.play.unpin()),
      this.choice("axis", "go side by side, by", () => Object.keys(UNITS).map((name) => [name, name])));
    this.figure = element("figure", {}, this.canvas, element("figcaption", {}, "what the pinned network says"));
    this.element.append(this.form, this.figure);
  }

  update() {
    super.update();
    const { play } = this, { pinned, run } = play;
    this.element.querySelector("[data-do=unpin]").disabled = !pinned;
    this.figure.hidden = !pinned || !play.region.isFlat || play.region.isLine;
    if (!pinned) put(this.form, "Pin the run as it is set now; then change a setting (b, the rate, the optimizer, the widths) and train: both go on from their start, with the same seed, and their losses stand in one picture.");
    else this.write(pinned, run);
  }

  write(pinned, run) {
    const grows = ({ grow }) => (grow > 1 ? ` growing by ${grow}` : "");
    const said = ({ settings: s }) => `${s.hidden.join("-") || "no hidden layer"} ${s.activation}, ${s.optimizer}, lr ${s.lr}, b ${s.b}${grows(s)}`;
    const of = (r) => {
      const look = r.looks.at(-1);
      return `${number(look.loss)} after ${r.updates} updates`;
    };
    put(this.form, `Pinned (dashed): ${said(pinned)}: loss ${of(pinned)}. This one: ${said(run)}: loss ${of(run)}.`);
  }

  tick() {
    const { play } = this, { pinned, run, region } = play;
    if (!pinned) return;
    this.write(pinned, run);
    if (this.figure.hidden) return;
    region.drawOutputs(pinned.net, this.canvas);
    set(this.canvas, { "aria-label": `What the pinned network says, over ${play.points.features[region.axes[0]]} and ${play.points.features[region.axes[1]]}` });
  }
}
