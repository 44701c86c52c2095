// The application of bench/direct.ts: alone as Node serves it, or in direct mode by the same helper that users import.
import { createServer } from 'node:http';

const { PORT, SEGUE_DIRECT, DIRECT_HELPER = '' } = process.env;
const server = createServer((_request, response) => response.end('Hello, world!'));
server.keepAliveTimeout = 60_000;

if (SEGUE_DIRECT === undefined) {
  server.listen(Number(PORT), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
} else {
  const { serveDirect } = await import(DIRECT_HELPER);
  await serveDirect(server, { idleGraceMs: 100 }).listening;
}
