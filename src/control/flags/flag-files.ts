/**
 * The definition files as they are in force: the last good ones, whatever became of the files since. They are kept
 * with the journal, so that a control that starts beside a broken file serves what the one before served.
 */
import { SegueError, toErrorRecord } from '../../core/errors.ts';
import { ownOf } from '../../core/flags/json.ts';
import type { Fact } from '../../core/release/journal.ts';
import { formatProblem } from '../../wire/file/problem.ts';
import { type FoundFlag, parseFlags } from '../../wire/flags/parse-flags.ts';
import type { Ledger, Writing } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import { hashOf } from '../secrets.ts';

const SETTING = 'flag-files';

export type FoundFlags = Readonly<Record<string, FoundFlag>>;

/** What else becomes true with files that come into force. */
type Besides = (next: FoundFlags) => Pick<Writing, 'facts' | 'changes'>;

export class FlagFilesInForce {
  readonly #ports: Pick<ControlPorts, 'flagSource' | 'clock'>;
  readonly #ledger: Ledger;
  #flags: FoundFlags;
  #seen: string | null = null;
  #trouble: readonly string[] = [];
  #last: Promise<unknown> = Promise.resolve();
  /** A look that has not begun: whoever asks meanwhile means the same. */
  #next: { readonly dir: string; readonly looked: Promise<boolean> } | null = null;

  constructor(ports: Pick<ControlPorts, 'flagSource' | 'clock'>, ledger: Ledger) {
    this.#ports = ports;
    this.#ledger = ledger;
    this.#flags = rememberedFlags(ledger.setting(SETTING));
  }

  get flags(): FoundFlags {
    return this.#flags;
  }

  /** What is wrong with the files as they are now; empty: they are in force. */
  get trouble(): readonly string[] {
    return this.#trouble;
  }

  /** Puts what the files say now in force if it is right. True: something changed. */
  look(dir: string, besides: Besides): Promise<boolean> {
    if (this.#next?.dir === dir) return this.#next.looked;
    const looked = this.#last.then(() => {
      this.#next = null;
      return this.#look(dir, besides);
    });
    this.#next = { dir, looked };
    this.#last = looked.catch(() => undefined);
    return looked;
  }

  async #look(dir: string, besides: Besides): Promise<boolean> {
    const read = await this.#read(dir);
    const seen = hashOf(JSON.stringify(read));
    if (seen === this.#seen) return false;
    const parsed = 'trouble' in read ? null : parseFlags(read.files);
    const trouble = 'trouble' in read ? [read.trouble] : (parsed?.problems.map(formatProblem) ?? []);
    this.#trouble = trouble;
    const isRefused = parsed === null || trouble.length > 0;
    if (isRefused) await this.#note({ kind: 'flags-refused', problems: trouble });
    const isTaken = !isRefused && (await this.#take(parsed.flags, besides));
    // What could not be written down is looked at again.
    this.#seen = seen;
    return isTaken;
  }

  async #take(flags: FoundFlags, besides: Besides): Promise<boolean> {
    const before = this.#flags;
    const same = (key: string) => sameText(ownOf(before, key)?.definition, ownOf(flags, key)?.definition);
    const added = Object.keys(flags).filter((key) => !Object.hasOwn(before, key));
    const removed = Object.keys(before).filter((key) => !Object.hasOwn(flags, key));
    const changed = Object.keys(flags).filter((key) => Object.hasOwn(before, key) && !same(key));
    const kept = Object.entries(flags).map(([key, flag]) => {
      const known = ownOf(before, key);
      // The same object as long as it says the same: whatever was compiled of it stays.
      return [key, known && same(key) ? { ...flag, definition: known.definition } : flag] as const;
    });
    const next = Object.fromEntries(kept);
    if (added.length + removed.length + changed.length === 0) {
      this.#flags = next;
      return false;
    }
    await this.#ledger.write(() => {
      const { facts, changes } = besides(next);
      const setting = { put: 'setting', key: SETTING, value: JSON.stringify(next) } as const;
      return {
        facts: [{ kind: 'flags-applied', added, changed, removed }, ...facts],
        changes: [setting, ...changes],
      };
    });
    this.#flags = next;
    return true;
  }

  async #read(dir: string) {
    try {
      return { files: await this.#ports.flagSource.read(dir) };
    } catch (error) {
      if (!(error instanceof SegueError)) throw error;
      return { trouble: toErrorRecord(error).detail };
    }
  }

  async #note(fact: Fact): Promise<void> {
    const value = JSON.stringify(this.#flags);
    await this.#ledger.write(() => ({ facts: [fact], changes: [{ put: 'setting', key: SETTING, value }] }));
  }
}

function rememberedFlags(text: string | undefined): FoundFlags {
  const value: unknown = text === undefined ? {} : JSON.parse(text);
  return isFound(value) ? value : {};
}

const sameText = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
/** Only this class writes it. */
const isFound = (value: unknown): value is FoundFlags => typeof value === 'object' && value !== null;
