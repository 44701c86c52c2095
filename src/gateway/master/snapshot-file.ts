/**
 * The last routing in force, on disk, so that a gateway that is started without control serves it. Written whole:
 * a file beside it, synced, renamed, the folder synced. Read whole or not at all: torn, of a newer Segue or not
 * of ours, it is refused with the reason.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { Routing } from '../../core/traffic/routing.ts';
import { routing as routingSchema } from '../../wire/gateway-messages.ts';
import { SEGUE_VERSION } from '../../wire/version.ts';

const FORMAT = 1;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** The first line; the routing is the rest. */
const header = z.object({
  segueRouting: z.int(),
  version: z.string(),
  boot: z.string(),
  sha256: z.string(),
});

export type Snapshot =
  | { readonly type: 'none' }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'found'; readonly routing: Routing };

export class SnapshotFile {
  readonly #path: string;
  #next: Routing | null = null;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  readonly #log: (line: string) => void;

  constructor(file: string, log: (line: string) => void) {
    this.#path = file;
    this.#log = log;
  }

  /** One at a time; of those that come meanwhile, only the last is written. */
  keep(routing: Routing): void {
    this.#next = routing;
    if (!this.#busy) this.#writing = this.#writeAll();
  }

  /** It is on disk, or the log says why not. */
  written(): Promise<void> {
    return this.#writing;
  }

  async read(): Promise<Snapshot> {
    let text: string;
    try {
      text = await fs.readFile(this.#path, 'utf8');
    } catch (error) {
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      return missing ? { type: 'none' } : { type: 'refused', reason: reasonOf(error) };
    }
    try {
      return { type: 'found', routing: understood(text, await bootId()) };
    } catch (error) {
      return { type: 'refused', reason: reasonOf(error) };
    }
  }

  /** For an end that is meant: nothing is to be served again. */
  async remove(): Promise<void> {
    this.#next = null;
    await this.#writing;
    await fs.rm(this.#path, { force: true });
  }

  async #writeAll(): Promise<void> {
    this.#busy = true;
    while (this.#next) {
      const routing = this.#next;
      this.#next = null;
      try {
        await writeWhole(this.#path, textOf(routing, await bootId()));
      } catch (error) {
        this.#log(`routing ${routing.number} could not be kept on disk: ${reasonOf(error)}`);
      }
    }
    this.#busy = false;
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  const beside = `${file}.new`;
  const handle = await fs.open(beside, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(beside, file);
  const folder = await fs.open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function textOf(routing: Routing, boot: string): string {
  const body = JSON.stringify(routing);
  const head: z.infer<typeof header> = {
    segueRouting: FORMAT,
    version: SEGUE_VERSION,
    boot,
    sha256: hashOf(body),
  };
  return `${JSON.stringify(head)}\n${body}\n`;
}

function understood(text: string, boot: string): Routing {
  const lineEnd = text.indexOf('\n');
  const head = header.safeParse(parseJson(text.slice(0, lineEnd)));
  if (lineEnd === -1 || !head.success) throw new Error('it is not a routing that Segue wrote');
  const { segueRouting, version, sha256 } = head.data;
  if (segueRouting > FORMAT) throw new Error(`it was written by a newer Segue (${version})`);
  const body = text.slice(lineEnd + 1, -1);
  if (hashOf(body) !== sha256) throw new Error('it is torn or was changed');
  const parsed = routingSchema.safeParse(parseJson(body));
  if (!parsed.success) throw new Error('its routing is not understood');
  return boot === head.data.boot ? parsed.data : withoutInstances(parsed.data);
}

/** The machine was started anew: whoever listens on those ports now, it is not the instances of then. */
function withoutInstances(routing: Routing): Routing {
  const services = routing.services.map((service) => ({
    ...service,
    backends: [],
    split: null,
    rules: [],
    shadow: null,
    draining: [],
  }));
  return { ...routing, services };
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const bootId = () => fs.readFile(BOOT_ID, 'utf8').then((id) => id.trim());
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
