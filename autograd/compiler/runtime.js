// Functions of numbers as the table of primitives has them, where JavaScript's Math has them
// otherwise or not at all. To nothing but the last digits they give what Python's floats give.
const { exp, log, log1p, sqrt, sin, cos, tanh, abs, sign } = Math;

// Of JavaScript's own, 1 to an infinite power is nan, and (-1) as well.
function pow(x, y) {
  if (x === 1 || (x === -1 && abs(y) === Infinity)) return 1;
  return Math.pow(x, y);
}

// nan if one of them is.
const maximum = (x, y) => (x > y || x !== x ? x : y);
const minimum = (x, y) => (x < y || x !== x ? x : y);

const max = (terms) => terms.reduce(maximum);

// The sum as if added up exactly and rounded once (Shewchuk, 1997): it is kept in parts that do
// not overlap, the smallest first.
function sum(terms) {
  let plain = 0;
  for (const x of terms) plain += x;
  if (terms.length < 3 || !Number.isFinite(plain)) return plain;
  const parts = [];
  for (let x of terms) {
    let kept = 0;
    for (let y of parts) {
      if (abs(x) < abs(y)) [x, y] = [y, x];
      const high = x + y, low = y - (high - x);
      if (low !== 0) parts[kept++] = low;
      x = high;
    }
    parts.length = kept;
    parts.push(x);
  }
  let k = parts.length - 1, high = parts[k], low = 0;
  while (k > 0 && low === 0) {
    const x = high, y = parts[--k];
    high = x + y;
    low = y - (high - x);
  }
  // Halfway between two numbers what follows decides.
  if (k > 0 && low !== 0 && low > 0 === parts[k - 1] > 0) {
    const twice = 2 * low, other = high + twice;
    if (other - high === twice) high = other;
  }
  return high;
}

// exp(-x^2): the square of the first 25 bits of x is exact, and the rest of x^2 small.
function gaussian(x) {
  const high = x + 1.5 * 2 ** 32 - 1.5 * 2 ** 32;
  return exp(-high * high) * exp(-(x - high) * (x + high));
}

// 2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...): all terms have one sign.
function erfNear(x) {
  let term = x, total = x;
  for (let n = 1; abs(term) > 1e-18 * abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return 2 / sqrt(Math.PI) * gaussian(x) * total;
}

// For x from 1: the continued fraction, exp(-x^2) / sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/...))).
function erfcFar(x) {
  if (x > 28) return 0;
  let tail = x;
  for (let n = Math.ceil(20 + 190 / (x * x)); n > 0; n--) tail = x + n / 2 / tail;
  return gaussian(x) / sqrt(Math.PI) / tail;
}

function erf(x) {
  if (!(abs(x) > 2)) return erfNear(x);
  return x > 0 ? 1 - erfcFar(x) : erfcFar(-x) - 1;
}

function erfc(x) {
  if (x >= 1) return erfcFar(x);
  return x < -2 ? 2 - erfcFar(-x) : 1 - erfNear(x);
}
