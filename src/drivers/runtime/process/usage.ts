import { readFile } from 'node:fs/promises';
import type { Usage } from '../../../ports/runtime.ts';
import { residentBytes, type ProcessStat } from './proc-parse.ts';

/** Linux tells times in hundredths of a second on every machine that Node runs on (USER_HZ). */
const TICK_MS = 10;

/** Null: there is no process. One that ends meanwhile has no memory any more. */
export async function usageOf(members: readonly ProcessStat[]): Promise<Usage | null> {
  if (members.length === 0) return null;
  const resident = await Promise.all(
    members.map(({ pid }) => readFile(`/proc/${pid}/status`, 'latin1').then(residentBytes, () => 0)),
  );
  return {
    cpuMs: members.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0) * TICK_MS,
    rssBytes: resident.reduce((sum, bytes) => sum + bytes, 0),
  };
}
