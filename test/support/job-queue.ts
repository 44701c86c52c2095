/** A queue of jobs in a folder, for `worker.mjs`: what is put in has to be done, once. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export class JobQueue {
  readonly root: string;
  #put = 0;
  #feeding: NodeJS.Timeout | null = null;

  constructor(root: string) {
    this.root = root;
    for (const name of ['todo', 'doing', 'new']) mkdirSync(path.join(root, name), { recursive: true });
  }

  /** A job that takes so long; its name. */
  put(ms: number): string {
    this.#put += 1;
    const job = String(this.#put).padStart(6, '0');
    writeFileSync(path.join(this.root, 'new', job), String(ms));
    renameSync(path.join(this.root, 'new', job), path.join(this.root, 'todo', job));
    return job;
  }

  /** A job that takes until `go`. */
  putEndless(): string {
    rmSync(path.join(this.root, 'go'), { force: true });
    return this.put(-1);
  }

  go(): void {
    writeFileSync(path.join(this.root, 'go'), '');
  }

  /** Short jobs one after the other, until `stop`. */
  feed(everyMs = 10): void {
    this.#feeding ??= setInterval(() => {
      // No more than can be looked through in no time.
      if (this.waiting.length < 50) this.put(this.#put % 40);
    }, everyMs).unref();
  }

  stop(): void {
    if (this.#feeding) clearInterval(this.#feeding);
    this.#feeding = null;
  }

  get waiting(): string[] {
    return readdirSync(path.join(this.root, 'todo'));
  }

  get doing(): string[] {
    return readdirSync(path.join(this.root, 'doing'));
  }

  /** In order, each with the version and the instance that did it. */
  get done(): { readonly job: string; readonly version: string; readonly instance: string }[] {
    return this.#lines('done').map((line) => {
      const [job = '', version = '', instance = ''] = line.split(' ');
      return { job, version, instance };
    });
  }

  /** Instances that were told to stop, each as often as it was. */
  get told(): string[] {
    return this.#lines('told');
  }

  /** Two versions were at work at once. */
  get met(): boolean {
    return existsSync(path.join(this.root, 'met'));
  }

  forgetMeetings(): void {
    rmSync(path.join(this.root, 'met'), { force: true });
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.doing.length === 0;
  }

  /** Nothing was lost, and nothing was done twice. */
  assertEachDoneOnce(): void {
    assert.ok(this.isEmpty, `left: ${[...this.waiting, ...this.doing].join(', ')}`);
    const all = Array.from({ length: this.#put }, (_, i) => String(i + 1).padStart(6, '0'));
    assert.deepEqual(this.done.map(({ job }) => job).toSorted(), all);
  }

  #lines(name: string): string[] {
    const file = path.join(this.root, name);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }
}
