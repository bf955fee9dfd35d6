// Chance that can be had again: the same seed gives the same run of numbers.

export interface Chance {
  /** 0 (included) to 1. */
  next(): number
  between(low: number, high: number): number
  oneOf<T>(items: readonly T[]): T
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty for some hundred throws. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    oneOf: items => items[Math.floor(next() * items.length)]!,
  }
}
