// Do two samples come from one distribution? By ranks: outliers of a busy machine weigh nothing.
import assert from "node:assert/strict";

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

// The chance that one of `a` is less than one of `b` (Mann and Whitney's U over n m): 0.5 when nothing tells them apart.
export function chanceOfLess(a, b) {
  const all = [...a.map((value) => [value, 0]), ...b.map((value) => [value, 1])].sort((x, y) => x[0] - y[0]);
  let ranks = 0; // of b
  for (let i = 0; i < all.length; ) {
    let end = i;
    while (end < all.length && all[end][0] === all[i][0]) end++;
    for (let k = i; k < end; k++) if (all[k][1] === 1) ranks += (i + 1 + end) / 2;
    i = end;
  }
  return (ranks - (b.length * (b.length + 1)) / 2) / (a.length * b.length);
}

assert.equal(chanceOfLess([1, 2], [3, 4]), 1);
assert.equal(chanceOfLess([3, 4], [1, 2]), 0);
assert.equal(chanceOfLess([1, 2, 2], [2, 1, 2]), 0.5);
