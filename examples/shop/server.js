import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAccounts } from './lib/accounts.js';
import { createApp } from './lib/app.js';
import { openCarts } from './lib/carts.js';
import { createEventStreams } from './lib/events.js';
import { createLive } from './lib/live.js';
import { openSessions } from './lib/sessions.js';
import { readVersion } from './lib/version.js';

const version = readVersion();
const dataDir = process.env.SHOP_DATA ?? join(tmpdir(), 'segue-shop');
mkdirSync(dataDir, { recursive: true });

const state = { stopping: false, readyOnce: false };
const events = createEventStreams();
const live = createLive(version);
const app = createApp({
  version,
  state,
  events,
  accounts: openAccounts(join(dataDir, 'accounts')),
  carts: openCarts(join(dataDir, 'carts')),
  sessions: openSessions(dataDir),
});
const server = createServer(app);
server.on('upgrade', live.accept);

const underWay = new Set();
server.on('request', (_, response) => {
  underWay.add(response);
  response.on('close', () => underWay.delete(response));
});

function listen() {
  const port = version.behaviour === 'wrong-port' ? 0 : Number(process.env.PORT ?? 3000);
  server.listen(port, process.env.HOST ?? '127.0.0.1', () => {
    const { address, port: taken } = server.address();
    console.log(`shop ${version.name} (${version.behaviour}) serves on http://${address}:${taken}`);
  });
}

// What is under way ends, nothing new begins, and with the last connection the process ends by itself.
function stop(signal) {
  if (state.stopping) return;
  state.stopping = true;
  console.log(`${signal}: finishing what is under way`);
  server.close(() => console.log('done'));
  // A connection that is not told would be kept for a next request until it times out.
  for (const response of underWay) if (!response.headersSent) response.setHeader('connection', 'close');
  events.end();
  live.end();
}

if (version.behaviour === 'crash-at-start') {
  console.error('no database: connection refused');
  process.exit(1);
}
const ignores = version.behaviour === 'ignores-sigterm';
for (const signal of ['SIGTERM', 'SIGINT'])
  process.on(signal, () => (ignores ? console.log(`${signal}: ignored`) : stop(signal)));

server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
setTimeout(listen, version.behaviour === 'slow-start' ? version.delayMs : 0);
