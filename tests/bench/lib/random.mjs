// Seeded pseudo-random numbers: the same seed gives the same benchmark on every machine.

/** A generator of numbers in [0, 1). Source: mulberry32, Tommy Ettinger, 2017, public domain. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A 32-bit seed for a name, so that one item's numbers do not depend on the items before it. FNV-1a. */
export function seedOf(name, seed = 0) {
  let hash = (2166136261 ^ seed) >>> 0;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  }
  return hash;
}

/** One element of a non-empty array. */
export function pick(array, next) {
  return array[Math.floor(next() * array.length)];
}

/** A new array of the same elements in random order. */
export function shuffled(array, next) {
  const result = [...array];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(next() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
