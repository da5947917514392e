/** A value of 200 bytes of JSON. */
export function valueOf(n) {
  return { id: n, name: `user ${n}`, tags: ['a', 'b', 'c'], text: 'x'.repeat(130), score: 1.5 };
}

/** The i-th of keys in no order, as users' ids come. */
export function scatteredKey(i) {
  return (i * 7_368_787) % 1_000_003;
}

let written = 0;

/** Another value for each call: a database need not write what is there already. */
export function nextValueOf(n) {
  return { ...valueOf(n), written: (written += 1) };
}

/** Indexes from 0 to `count`, drawn by Zipf's law (exponent 1) or evenly; the same ones in every run. */
export function draws(count, howMany, distribution) {
  let state = 42;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const drawn = new Int32Array(howMany);
  if (distribution === 'uniform') {
    for (let i = 0; i < howMany; i += 1) drawn[i] = Math.floor(random() * count);
    return drawn;
  }
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i += 1) cumulative[i] = sum += 1 / (i + 1);
  // Scattered over the keys: the popular ones are not neighbours.
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  for (let i = 0; i < howMany; i += 1) {
    const target = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle] < target) low = middle + 1;
      else high = middle;
    }
    drawn[i] = order[low];
  }
  return drawn;
}

/**
 * A function that picks one of `keys` at random, for ever; there must be a power of two of them. Keys that come in the
 * same order again and again are a gift to an LRU: its list is in that order, so that each look-up has the next one's
 * neighbours in the processor's cache.
 */
export function shuffling(keys) {
  const mask = keys.length - 1;
  let state = 42;
  return () => {
    // Marsaglia's xorshift with 32 bits: https://doi.org/10.18637/jss.v008.i14
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return keys[state & mask];
  };
}
