// The application of the benchmarks. It does next to nothing, so that what is measured is not its own work, and
// its listener opens START_MS after its process began: what Node needs of that is the machine's affair.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const START_MS = 200;
const { sour } = JSON.parse(readFileSync(new URL('./version.json', import.meta.url), 'utf8'));
const { PORT, SEGUE_VERSION = 'none' } = process.env;
let smokeTests = 0;

const server = createServer((request, response) => {
  request.resume();
  if (request.url === '/smoke') {
    smokeTests += 1;
    // Good when it is tried, bad once it serves.
    if (sour && smokeTests > 1) response.statusCode = 500;
  }
  response.setHeader('x-shop-version', SEGUE_VERSION);
  response.end(`version ${SEGUE_VERSION}\n`);
});
server.keepAliveTimeout = 60_000;
setTimeout(() => server.listen(Number(PORT), '127.0.0.1'), Math.max(0, START_MS - performance.now()));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
