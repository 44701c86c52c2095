import { setTimeout as sleep } from 'node:timers/promises';

const MS_MAX = 10_000;
const KEPT_BYTES = 128 * 1024;

/** What users meet in a version that is ready and not good: see version.js. */
export function createTrouble({ behaviour, share, takes, instance }) {
  const unit = numbers(instance);
  const kept = [];

  /** Waits as long as a page takes, or throws what the version fails with. */
  async function meet(request, url) {
    if (takes) await sleep(durationMs(takes, unit()));
    if (behaviour === 'leaks') kept.push(Buffer.alloc(KEPT_BYTES, 1));
    if (behaviour === 'fails-some' && unit() < share) throw new Error('the payment service said no');
    if (behaviour === 'broken-login' && url.pathname === '/login') throw new Error('template not found');
  }

  return { meet };
}

/** Log-logistic: mostly around the median, with a long tail. */
function durationMs({ medianMs, p99Ms }, share) {
  const steepness = Math.log(99) / Math.log(p99Ms / medianMs);
  return Math.min(MS_MAX, medianMs * (share / (1 - share)) ** (1 / steepness));
}

/** Between 0 and 1, other ones for each instance, the same ones in every run. */
function numbers(seed) {
  let state = [...seed].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
