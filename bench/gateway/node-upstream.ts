/** The upstream where nginx is not installed. Argument: the port. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const small = Buffer.from('Hello, world!');
const large = randomBytes(64 * 1024);

createServer((request, response) => {
  const body = request.url === '/large' ? large : small;
  response.setHeader('Content-Length', body.length);
  response.end(body);
}).listen(Number(process.argv[2]), '127.0.0.1', 4096);
