/** Numbers of the seed `CKS_LAB_SEED`, or of a new one; which, is said, so that random moments can come again. */
export function labRandom(say: (line: string) => void): () => number {
  const seed = Number(process.env['CKS_LAB_SEED'] ?? Date.now() % 2 ** 32);
  say(`random moments of CKS_LAB_SEED=${seed}`);
  return randomOf(seed);
}

/** Numbers from 0 to 1 that look random, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
