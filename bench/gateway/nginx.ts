/** nginx as a gateway, and what it has in common with nginx as the upstream. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { Program } from './programs.ts';
import type { Place } from './rival.ts';
import { WEBSOCKET_PATH } from './paths.ts';

/** A configuration of one worker that keeps connections and writes nothing; `http` is what is particular to it. */
export async function nginxFile(folder: string, name: string, http: readonly string[]): Promise<string> {
  const place = path.join(folder, `nginx-${name}`);
  await fs.mkdir(place);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const lines = [
    'daemon off; master_process off; worker_processes 1;',
    `pid ${place}/pid; error_log ${place}/error.log crit;`,
    'events { worker_connections 20000; }',
    'http { access_log off; keepalive_requests 1000000000; keepalive_timeout 60s; tcp_nodelay on;',
    ...temporary.map((each) => `${each}_temp_path ${place}/${each};`),
    ...http,
    '}',
  ];
  const file = path.join(place, 'nginx.conf');
  await fs.writeFile(file, lines.join('\n'));
  return file;
}

export async function startNginx(
  file: string,
  { folder, port, tlsPort, upstreamPort, echoPort, certificate }: Place,
): Promise<Program> {
  const secure = certificate
    ? `listen 127.0.0.1:${tlsPort} ssl http2; ssl_certificate ${certificate.certificate}; ssl_certificate_key ${certificate.key};`
    : '';
  const configuration = await nginxFile(folder, 'rival', [
    `upstream instances { least_conn; server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }`,
    `server { listen 127.0.0.1:${port} backlog=4096; ${secure}`,
    '  proxy_http_version 1.1; add_header Via "1.1 nginx";',
    '  location / { proxy_pass http://instances; proxy_set_header Connection ""; proxy_set_header Host $host;',
    '    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;',
    '    proxy_set_header X-Forwarded-Host $host; proxy_set_header Via "1.1 nginx"; }',
    `  location ${WEBSOCKET_PATH} { proxy_pass http://127.0.0.1:${echoPort}; proxy_set_header Upgrade $http_upgrade;`,
    '    proxy_set_header Connection "upgrade"; proxy_set_header Host $host; } }',
  ]);
  return new Program(0, file, ['-c', configuration]);
}
