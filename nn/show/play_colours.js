// Colours of numbers, of classes and of what a network says, on light and on dark ground.
// Okabe and Ito (2008), and two more: they can be told apart by nearly everybody.
const CLASSES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7f7f7f", "#8c564b", "#6a3d9a"];

class Colours {
  constructor(play) {
    this.play = play;
    this.known = new Map();
  }

  // The page has become light or dark.
  fresh() {
    this.known.clear();
    this.paper = this.rgb(this.css("--paper"));
    this.plus = this.rgb(this.css("--plus"));
    this.minus = this.rgb(this.css("--minus"));
    this.classes = CLASSES.map((text) => this.rgb(text));
  }

  css(name) {
    if (!this.known.has(name)) this.known.set(name, getComputedStyle(this.play.element).getPropertyValue(name).trim());
    return this.known.get(name);
  }

  rgb(text) {
    return [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
  }

  mix(colour, depth) {
    return [...colour.map((c, i) => this.paper[i] + (c - this.paper[i]) * depth), 255];
  }

  // From -1 to 1.
  signed(v) {
    if (v !== v) return [255, 212, 0, 255];
    const depth = Math.min(1, Math.abs(v)) ** 0.7;
    return this.mix(v < 0 ? this.minus : this.plus, 0.9 * depth);
  }

  ofClass(k) {
    return this.classes[k % this.classes.length];
  }

  // What the outputs a say.
  output(a) {
    const { play } = this;
    if (a.some((v) => v !== v)) return [255, 212, 0, 255];
    if (play.link === "softmax") {
      const p = play.link_(a), k = p.indexOf(Math.max(...p)), sure = (p[k] - 1 / p.length) / (1 - 1 / p.length);
      return this.mix(this.ofClass(k), 0.15 + 0.5 * sure);
    }
    if (play.link === "sigmoid") return this.signed(0.75 * (2 / (1 + Math.exp(-a[0])) - 1));
    return this.signed(0.8 * (a[0] - play.middle) / play.half);
  }

  // The colour of an example by its target.
  target(y, e) {
    const { play } = this;
    if (play.link === "softmax") return CLASSES[y[e * play.targetCount] % CLASSES.length];
    const v = play.link === "sigmoid" ? 2 * y[e * play.targetCount] - 1 : (y[e * play.targetCount] - play.middle) / play.half;
    const [r, g, b] = this.mix(v < 0 ? this.minus : this.plus, Math.min(1, 0.25 + 0.75 * Math.abs(v)));
    return `rgb(${r} ${g} ${b})`;
  }
}
