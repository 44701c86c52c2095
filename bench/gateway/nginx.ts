import fs from 'node:fs/promises';
import path from 'node:path';

/** A configuration of one worker that keeps connections and writes nothing; `http` is what is particular to it. */
export async function nginxFile(folder: string, name: string, http: readonly string[]): Promise<string> {
  const place = path.join(folder, `nginx-${name}`);
  await fs.mkdir(place);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const lines = [
    'daemon off; master_process off; worker_processes 1;',
    `pid ${place}/pid; error_log ${place}/error.log crit;`,
    'events { worker_connections 4096; }',
    'http { access_log off; keepalive_requests 1000000000; keepalive_timeout 60s; tcp_nodelay on;',
    ...temporary.map((each) => `${each}_temp_path ${place}/${each};`),
    ...http,
    '}',
  ];
  const file = path.join(place, 'nginx.conf');
  await fs.writeFile(file, lines.join('\n'));
  return file;
}
