/**
 * Chance that at least `correct` of `drawn` samples, drawn with replacement, are right for a model whose accuracy on the
 * whole test set is `accuracy`: the upper tail of the binomial distribution. Exact up to rounding; O(drawn).
 */
export function chanceOfAtLeast(correct: number, drawn: number, accuracy: number): number {
  if (correct <= 0) return 1;
  if (accuracy <= 0) return 0;
  if (accuracy >= 1) return 1;
  let logChoose = 0;
  let sum = 0;
  for (let right = drawn; right >= correct; right--) {
    sum += Math.exp(logChoose + right * Math.log(accuracy) + (drawn - right) * Math.log1p(-accuracy));
    logChoose += Math.log(right) - Math.log(drawn - right + 1);
  }
  return Math.min(1, sum);
}

/**
 * The largest accuracy that `correct` of `drawn` right samples speak for: were the true one below it, so many would be
 * right with a chance of `error` at most (Clopper and Pearson 1934, one-sided). Rounded down to 1/10,000. What
 * several attempts may err, each, says `errorOfAttempt`.
 */
export function provenAccuracy(correct: number, drawn: number, error: number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (chanceOfAtLeast(correct, drawn, middle) <= error) low = middle;
    else high = middle;
  }
  return Math.floor(low * 10_000) / 10_000;
}
