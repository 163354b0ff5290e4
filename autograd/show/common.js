// What scripts of pages have in common: how numbers are written and read.
const MINUS = "\u2212", TIMES = "\u00d7", PARTIAL = "\u2202", ARROW = "\u2192", DELTA = "\u03b4";

const { isFinite: finite } = Number;

// A field for a number, and a part of the page for a wide table.
function entry(name) {
  return element("input", { type: "text", inputmode: "decimal", "data-field": name, autocomplete: "off" });
}

function wide(label) {
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label });
}

// Four significant digits, as Python's ".4g": halves go to the even digit.
function number(x) {
  if (x !== x) return "nan";
  if (x === 0) return Object.is(x, -0) ? `${MINUS}0` : "0";
  if (Math.abs(x) === Infinity) return x > 0 ? "inf" : `${MINUS}inf`;
  // A half in decimals need not be one in bits: of those that seem so, all digits are looked at.
  if (+x.toExponential(4) === x && /\.\d\d[02468]50*e/.test(x.toExponential(30))) x *= 1 - 1e-9;
  const [digits, power] = x.toExponential(3).split("e"), e = +power;
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const text = e >= -4 && e < 4 ? short(x.toFixed(3 - e))
    : `${short(digits)}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
  return text.replaceAll("-", MINUS);
}

// A number to stand after a sign: a negative one in brackets.
function factor(x) {
  const text = number(x);
  return text.startsWith(MINUS) ? `(${text})` : text;
}

// A number as people type it, 3/4 included; null if it is none. 1,5 is 1.5; but 1,000 may be 1000
// or 1, and is refused.
const WRITE = `write 1000, 2.5, ${MINUS}0.1 or 3/4`;
function parsed(text) {
  if (/^\W?[1-9]\d{0,2},\d{3}$/.test(text.trim())) return null;
  const plain = text.trim().replaceAll(MINUS, "-").replace(/^([^,.]*),([^,.]*)$/, "$1.$2");
  if (/^[+-]?inf(inity)?$/i.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  const parts = plain.split("/");
  if (parts.length > 2 || parts.some((part) => part.trim() === "")) return null;
  const x = parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(plain);
  return Number.isNaN(x) ? null : x;
}

// The terms of a sum, the middle of a long one left out and counted.
function shortened(terms, most = 4) {
  if (terms.length <= most + 1) return terms;
  return [...terms.slice(0, most - 1), `\u2026 ${terms.length - most} more \u2026`, terms.at(-1)];
}

// The power of ten in a number's first digit.
function unit(x) {
  return 10 ** Math.floor(Math.log10(x));
}

// Round numbers from a to b, some `count` of them.
function ticks(a, b, count) {
  const raw = (b - a) / count, one = unit(raw);
  const step = one * ([1, 2, 5].find((k) => k * one >= raw) ?? 10);
  const found = [];
  for (let k = Math.ceil(a / step); k * step <= b && found.length < 20; k++) {
    found.push(Number((k * step).toPrecision(12)));
  }
  return found;
}

// The ticks' numbers, with as many digits as tell them apart.
function written(list) {
  const most = max(...list.map(abs)), step = list.length > 1 ? list[1] - list[0] : most;
  if (step > 2e-3 * most) return list.map(number);
  const places = max(0, min(20, -Math.floor(Math.log10(step) + 1e-9)));
  return list.map((x) => x.toFixed(places).replaceAll("-", MINUS));
}

// Calls `move` with each event of the pointer until it is released.
function follow(move, end = () => {}) {
  const stop = () => {
    removeEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, stop);
    end();
  };
  addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, stop);
}
