/** Node-RED from the registry, kept in a cache folder beside the project: a real server that nobody here wrote. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../.cache/node-red/', import.meta.url));
const INSTALL_LIMIT_MS = 180_000;

/** The folder with `node_modules/node-red` of that version, or why it cannot be had here. */
export async function nodeRed(
  version: string,
): Promise<{ readonly dir: string } | { readonly missing: string }> {
  const dir = path.join(CACHE, version);
  if (await exists(path.join(dir, 'node_modules/node-red/red.js'))) return { dir };
  const fresh = `${dir}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  await writeFile(path.join(fresh, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--no-audit', '--no-fund', '--omit=dev', '--no-save', `node-red@${version}`];
  const npm = spawn('npm', args, {
    cwd: fresh,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INSTALL_LIMIT_MS,
  });
  let errors = '';
  npm.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(npm, 'exit')) as [number | null];
  if (code !== 0) {
    await rm(fresh, { recursive: true, force: true });
    return {
      missing: `npm could not install node-red@${version}: ${errors.trim().split('\n').at(-1) ?? code}`,
    };
  }
  await rename(fresh, dir).catch(() => rm(fresh, { recursive: true, force: true }));
  return { dir };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** A flow whose POST endpoint appends one line to a file, so that what was answered can be counted. */
export async function writeUserFolder(
  dir: string,
): Promise<{ readonly settings: string; readonly orders: string }> {
  const orders = path.join(dir, 'orders.log');
  const settings = path.join(dir, 'settings.cjs');
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, 'package.json'), '{ "name": "user-folder", "private": true }\n');
  await writeFile(
    settings,
    `module.exports = {
  flowFile: 'flows.json', credentialSecret: false, uiHost: '127.0.0.1',
  telemetry: { enabled: false, updateNotification: false },
  logging: { console: { level: 'warn' } },
  httpNodeMiddleware(request, response, next) {
    response.setHeader('x-version', process.env.SEGUE_VERSION);
    next();
  },
};
`,
  );
  const wire = (id: string, type: string, to: string[], more: Record<string, unknown> = {}) => ({
    ...{ id, type, z: 'flow', name: '', x: 100, y: 100, wires: to.length > 0 ? [to] : [] },
    ...more,
  });
  const flows = [
    { id: 'flow', type: 'tab', label: 'orders', disabled: false, info: '' },
    wire('get', 'http in', ['hello'], { url: '/hello', method: 'get', upload: false, swaggerDoc: '' }),
    wire('hello', 'function', ['answer'], { func: 'msg.payload = "hello"; return msg;', outputs: 1 }),
    wire('post', 'http in', ['line'], { url: '/orders', method: 'post', upload: false, swaggerDoc: '' }),
    wire('line', 'function', ['append'], {
      func: 'msg.payload = String(msg.payload.id ?? "?"); return msg;',
      outputs: 1,
    }),
    wire('append', 'file', ['answer'], {
      ...{
        filename: orders,
        filenameType: 'str',
        appendNewline: true,
        createDir: false,
        overwriteFile: 'false',
      },
      encoding: 'none',
    }),
    wire('answer', 'http response', [], { statusCode: '', headers: {} }),
  ];
  await writeFile(path.join(dir, 'flows.json'), JSON.stringify(flows));
  return { settings, orders };
}
