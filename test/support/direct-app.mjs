// A service in direct mode for tests; with NAIVE=1 as one writes it without thinking of the users that are connected.
import { existsSync, readFileSync } from 'node:fs';

// Imported it would load what `fetch` needs as well: half of what these start with.
const { createServer } = process.getBuiltinModule('node:http');

const {
  PORT,
  SEGUE_VERSION = '?',
  SEGUE_INSTANCE = '?',
  NAIVE,
  DIRECT_HELPER = '',
  IDLE_GRACE_MS,
} = process.env;
const file = new URL('./behaviour.json', import.meta.url);
const { broken = false, exitAfterMs } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};

const server = createServer(async (request, response) => {
  let size = 0;
  for await (const chunk of request) size += chunk.length;
  const url = new URL(request.url ?? '/', 'http://app');
  response.setHeader('x-shop-version', SEGUE_VERSION);
  response.setHeader('x-instance', SEGUE_INSTANCE);
  if (broken && url.pathname === '/') response.statusCode = 500;
  const answer = () => response.end(`version ${SEGUE_VERSION} ${size}\n`);
  if (url.searchParams.has('ms')) setTimeout(answer, Number(url.searchParams.get('ms')));
  else answer();
});

if (exitAfterMs !== undefined) setTimeout(() => process.exit(7), exitAfterMs);
if (NAIVE) {
  const privately = createServer((_, response) => response.end('alive\n'));
  privately.listen(Number(PORT), '127.0.0.1');
  server.listen({ fd: 3 });
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
} else {
  const { serveDirect } = await import(DIRECT_HELPER);
  await serveDirect(server, { idleGraceMs: Number(IDLE_GRACE_MS ?? 300) }).listening;
}
