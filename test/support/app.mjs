// A small service for tests: plain HTTP, its version in a header, and the misbehaviours that the tests need.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

// Imported it would load what `fetch` needs as well: half of what these start with.
const { createServer } = process.getBuiltinModule('node:http');

const behaviour = JSON.parse(readFileSync(new URL('./behaviour.json', import.meta.url), 'utf8'));
const { PORT, SEGUE_VERSION = '?', SEGUE_INSTANCE = '?' } = process.env;
let ready = behaviour.ready !== false;
let told = false;
let probed = 0;
let asked = 0;
/** What a program that leaks never lets go of. */
const kept = [];
const idleSinceMs = new WeakMap();
if (behaviour.alone !== undefined) bearNoCompany(behaviour.alone);

const server = createServer(async (request, response) => {
  // As an application does whose idle limit passes in the moment in which the next request arrives.
  const idleMs = performance.now() - (idleSinceMs.get(request.socket) ?? Infinity);
  if (behaviour.closesIdleAfterMs !== undefined && idleMs >= behaviour.closesIdleAfterMs)
    return request.socket.destroy();
  response.once('finish', () => idleSinceMs.set(request.socket, performance.now()));
  let size = 0;
  for await (const chunk of request) size += chunk.length;
  response.setHeader('x-shop-version', SEGUE_VERSION);
  response.setHeader('x-instance', SEGUE_INSTANCE);
  if (request.url === '/ready') response.statusCode = ready ? 200 : 503;
  if (request.url === '/unready') ready = false;
  if (request.url === '/ready-again') ready = true;
  if (request.url === '/crash') return process.exit(3);
  if (request.url.startsWith('/become?'))
    Object.assign(behaviour, JSON.parse(decodeURIComponent(request.url.slice('/become?'.length))));
  if (request.url.startsWith('/say?'))
    console.log(new URL(request.url, 'http://app').searchParams.get('text'));
  if (request.headers['segue-probe'] !== undefined) probed += 1;
  if (request.url === '/probed') return response.end(String(probed));
  if (request.url === '/' && behaviour.broken) response.statusCode = 500;
  if (request.url === '/' && (asked += 1) % behaviour.failsEvery === 0) response.statusCode = 500;
  if (request.url === '/' && behaviour.hangs) return;
  if (told && behaviour.complainsAfterSigterm && request.url !== '/ready') response.statusCode = 500;
  const slowMs = Number(new URL(request.url, 'http://app').searchParams.get('ms') ?? 0);
  setTimeout(() => response.end(`version ${SEGUE_VERSION} ${size}\n`), slowMs);
});

if (behaviour.leaksMegabytesPerSecond !== undefined)
  setInterval(() => kept.push(Buffer.alloc(behaviour.leaksMegabytesPerSecond * 1024 * 102, 1)), 100);
if (behaviour.burns)
  setInterval(() => {
    for (const endMs = performance.now() + 60; performance.now() < endMs;);
  }, 100);
if (behaviour.exitAfterMs !== undefined) {
  setTimeout(() => {
    console.error('cannot go on: the reason is here');
    process.exit(7);
  }, behaviour.exitAfterMs);
}
if (behaviour.exitsWhereThereIs !== undefined && existsSync(behaviour.exitsWhereThereIs)) {
  console.error('what this version needs is gone');
  process.exit(8);
}
if (behaviour.keepAliveMs !== undefined) {
  server.keepAliveTimeout = behaviour.keepAliveMs;
  server.keepAliveTimeoutBuffer = 0;
}
/** Cannot run twice at once, as with a database file: says in `PATH.met` when another one is there. */
function bearNoCompany(folder) {
  try {
    mkdirSync(folder);
    process.on('exit', () => rmdirSync(folder));
  } catch {
    appendFileSync(`${folder}.met`, `${SEGUE_INSTANCE}\n`);
  }
}
const port = behaviour.port ?? Number(PORT);
/** As a program that is slow to start: after a time, or when there is a file for all or for this instance. */
async function mayListen() {
  await sleep(behaviour.startAfterMs ?? 0);
  const gate = behaviour.listensWhenThereIs;
  while (gate !== undefined && ![gate, `${gate}.${SEGUE_INSTANCE}`].some((file) => existsSync(file)))
    await sleep(10);
}
void mayListen().then(() => server.listen(port, '127.0.0.1'));
process.on('SIGTERM', () => {
  told = true;
  if (behaviour.diesOnSigterm) process.exit(0);
  if (behaviour.ignoresSigterm || behaviour.complainsAfterSigterm) return;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
