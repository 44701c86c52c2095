/**
 * Which country a client is in, from the file that the settings name. It is looked at again and again: a new one is
 * taken once it was read and looked through whole, and while it is broken or gone the one before goes on. Nobody's
 * request ever waits for it.
 */
import fs from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../core/limits.ts';
import { CountryDatabase } from '../core/traffic/country-database.ts';
import type { CountryFileState } from '../core/traffic/country-file.ts';

const { fileBytesMax, checkIntervalMs, nodesPerTurn } = limits.gateway.geo;

const NOBODY = { address: '', country: null };

export class CountryFile {
  readonly #log: (line: string) => void;
  #file: string | null = null;
  /** What the file looked like when it was read, refused or not. */
  #stamp = '';
  #database: CountryDatabase | null = null;
  #trouble: string | null = null;
  #checking: NodeJS.Timeout | undefined;
  #busy: Promise<void> = Promise.resolve();
  /** Asked last: several rules ask about the same client. */
  #asked: { readonly address: string; readonly country: string | null } = NOBODY;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Null: it does not say, or there is no file. */
  countryOf(address: string): string | null {
    if (this.#database === null) return null;
    if (address !== this.#asked.address)
      this.#asked = { address, country: this.#database.countryOf(address) };
    return this.#asked.country;
  }

  state(): CountryFileState | null {
    if (this.#file === null) return null;
    return { file: this.#file, madeAtMs: this.#database?.madeAtMs ?? null, trouble: this.#trouble };
  }

  /** Resolves when this one is in use, if it can be. Never rejects. */
  apply(file: string | null): Promise<void> {
    if (file === this.#file) return this.#busy;
    this.#file = file;
    this.#stamp = '';
    this.#trouble = null;
    clearInterval(this.#checking);
    if (file === null) {
      this.#use(null);
      return this.#busy;
    }
    this.#checking = setInterval(() => void this.#check(), checkIntervalMs);
    return this.#check();
  }

  stop(): void {
    clearInterval(this.#checking);
  }

  /** One at a time. */
  #check(): Promise<void> {
    const file = this.#file;
    this.#busy = this.#busy.then(() =>
      file === null || file !== this.#file ? undefined : this.#refresh(file),
    );
    return this.#busy;
  }

  async #refresh(file: string): Promise<void> {
    let stamp = '';
    try {
      stamp = await stampOf(file);
      if (stamp === this.#stamp) return;
      const database = await readDatabase(file);
      // Written meanwhile: the next look takes it.
      if ((await stampOf(file)) !== stamp || file !== this.#file) return;
      this.#use(database);
      this.#trouble = null;
      this.#log(`country file ${file}: in use, made ${new Date(database.madeAtMs).toISOString()}`);
    } catch (error) {
      const trouble = `${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
      if (trouble !== this.#trouble) this.#log(`country file refused: ${trouble}`);
      this.#trouble = trouble;
    }
    this.#stamp = stamp;
  }

  #use(database: CountryDatabase | null): void {
    this.#database = database;
    this.#asked = NOBODY;
  }
}

async function stampOf(file: string): Promise<string> {
  const { ino, size, mtimeNs } = await fs.stat(file, { bigint: true });
  if (size > fileBytesMax) throw new Error(`it is larger than ${fileBytesMax} bytes`);
  return `${ino} ${size} ${mtimeNs}`;
}

/** Looked through in parts, between which requests are served. */
async function readDatabase(file: string): Promise<CountryDatabase> {
  const database = CountryDatabase.open(await fs.readFile(file));
  for (let node = 0; node < database.nodeCount; node += nodesPerTurn) {
    database.check(node, node + nodesPerTurn);
    await nextTurn();
  }
  database.checkNames();
  return database;
}
