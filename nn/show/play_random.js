// NumPy's default_rng(seed), bit for bit: PCG64 (O'Neill 2014), seeded by SeedSequence, with
// normals by the ziggurat (Marsaglia and Tsang 2000) and whole numbers by trying again.
const BITS_64 = 2n ** 64n - 1n, BITS_128 = 2n ** 128n - 1n;
const PCG_FACTOR = 0x2360ed051fc65da44385df649fccf645n;

// The words of 32 bits that NumPy's SeedSequence(seed) makes.
function seedWords(seed, n) {
  const words = [];
  for (let rest = BigInt(seed); rest > 0n || words.length === 0; rest >>= 32n) {
    words.push(Number(rest & 0xffffffffn));
  }
  let factor = 0x43b0d7e5;
  const hashed = (word, by) => {
    let x = word ^ factor;
    factor = Math.imul(factor, by);
    x = Math.imul(x, factor);
    return (x ^ (x >>> 16)) >>> 0;
  };
  const mixed = (x, y) => {
    const z = Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715);
    return (z ^ (z >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((k) => hashed(words[k] || 0, 0x931e8875));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from], 0x931e8875));
    }
  }
  for (const word of words.slice(4)) {
    for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(word, 0x931e8875));
  }
  factor = 0x8b51f9dd;
  return Array.from({ length: n }, (_, k) => hashed(pool[k % 4], 0x58f38ded));
}

// exp and log rounded once, which Math's are not in all browsers: in whole numbers of 2^-128.
const FIXED_1 = 1n << 128n;
const fixed = (x) => BigInt(x * 2 ** 80) << 48n;
const rounded = (x) => Number(x) / 2 ** 128;

function fixedExp(x) {
  let term = FIXED_1, total = FIXED_1;
  for (let n = 1n; term !== 0n; n++) {
    term = ((term * (x >> 8n)) >> 128n) / n;
    total += term;
  }
  for (let n = 0; n < 8; n++) total = (total * total) >> 128n;
  return total;
}

function fixedLog(x) {
  const near = fixed(Math.log(rounded(x))), more = ((x * fixedExp(-near)) >> 128n) - FIXED_1;
  return near + more - ((more * more) >> 129n);
}

// 256 layers of one area under exp(-x^2 / 2): of each, where it ends (in units of 2^-52), from
// where on it lies wholly below the curve, and how high the curve is there. NumPy has these tables
// from a recursion whose rounding errors grow; it is done here with the same errors.
const ZIGGURAT = (() => {
  const last = 3.6541528853610088, area = 0.004928673233974652, unit = 2 ** 52;
  const ends = new Float64Array(256), inside = new Float64Array(256), heights = new Float64Array(256);
  const height = (x) => rounded(fixedExp(fixed(-0.5 * x * x)));
  let x = last;
  ends[0] = area / height(last) / unit;
  inside[0] = Math.floor(((last * height(last)) / area) * unit);
  [ends[255], heights[255], heights[0]] = [last / unit, height(last), 1];
  for (let k = 254; k >= 1; k--) {
    let next = Math.sqrt(-2 * rounded(fixedLog(fixed(area / x + heights[k + 1]))));
    if (k === 37) next -= 2 ** -52; // the one place where NumPy's were rounded otherwise
    inside[k + 1] = Math.floor((next / x) * unit);
    x = next;
    [ends[k], heights[k]] = [x / unit, height(x)];
  }
  return { last, ends, inside, heights };
})();

class Random {
  constructor(seed) {
    const words = seedWords(seed, 8).map(BigInt);
    const [a, b, c, d] = [0, 2, 4, 6].map((k) => words[k] | (words[k + 1] << 32n));
    this.step = ((((c << 64n) | d) << 1n) | 1n) & BITS_128;
    this.at = (this.step + ((a << 64n) | b)) & BITS_128;
    this.spare = -1; // the other half of 64 bits, if one was taken
    this.advance();
  }

  // What a copy needs: whole numbers, two of them of the kind BigInt.
  get state() {
    return { at: this.at, step: this.step, spare: this.spare };
  }

  set state({ at, step, spare }) {
    Object.assign(this, { at, step, spare });
  }

  advance() {
    this.at = (this.at * PCG_FACTOR + this.step) & BITS_128;
  }

  // 64 bits.
  bits() {
    this.advance();
    const x = (this.at >> 64n) ^ (this.at & BITS_64), by = this.at >> 122n;
    return ((x >> by) | (x << (64n - by))) & BITS_64;
  }

  // 32 bits, as a number; the lower half first.
  half() {
    if (this.spare >= 0) {
      const kept = this.spare;
      this.spare = -1;
      return kept;
    }
    const x = this.bits();
    this.spare = Number(x >> 32n);
    return Number(x & 0xffffffffn);
  }

  next() {
    return Number(this.bits() >> 11n) / 2 ** 53;
  }

  normal() {
    const { last, ends, inside, heights } = ZIGGURAT;
    for (;;) {
      const bits = this.bits(), k = Number(bits & 0xffn), isNegative = (bits & 0x100n) !== 0n;
      const place = Number((bits >> 9n) & 0xfffffffffffffn), x = (isNegative ? -1 : 1) * place * ends[k];
      if (place < inside[k]) return x;
      if (k > 0) {
        if ((heights[k - 1] - heights[k]) * this.next() + heights[k] < Math.exp(-0.5 * x * x)) return x;
        continue;
      }
      for (;;) {
        const beyond = -Math.log1p(-this.next()) / last, y = -Math.log1p(-this.next());
        if (y + y > beyond * beyond) return (bits >> 17n) & 1n ? -(last + beyond) : last + beyond;
      }
    }
  }

  // A whole number below n, at most 2^31.
  below(n) {
    if (n <= 1) return 0;
    const mask = 2 ** (32 - Math.clz32(n - 1)) - 1;
    for (;;) {
      const x = this.half() & mask;
      if (x < n) return x;
    }
  }

  permutation(n) {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1), kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }
}
