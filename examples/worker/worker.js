// Sends mails, or would: each takes a moment. On SIGTERM it takes no other job, finishes the one it has, and ends.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { finish, reclaim, take } from './queue.js';

const { name, greeting } = JSON.parse(readFileSync(new URL('./version.json', import.meta.url), 'utf8'));
let told = false;
process.once('SIGTERM', () => (told = true));

reclaim();
while (!told) {
  const job = take();
  if (job === undefined) {
    await sleep(100);
    continue;
  }
  await sleep(job.ms ?? 500);
  finish(job, name);
  console.log(`${greeting}, ${job.id}: sent by ${name}`);
}
