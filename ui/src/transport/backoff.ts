/** 0.4 s, 0.8 s … 15 s, each shortened at random by up to a third so that many tabs do not march in step. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(15_000, 400 * 2 ** Math.min(attempt, 10));
  return Math.round(full * (1 - random() / 3));
}
