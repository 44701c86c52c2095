/**
 * One instance as the keeper of its socket knows it: what it should do, what it last said, what runs in it. A
 * program that never says hello is taken as it is: it accepts from its start to its end.
 */
import type { Socket } from 'node:net';
import type { Occupant } from '../../wire/direct-messages.ts';

export type Duty = 'accept' | 'release';

const DONE: Readonly<Record<Duty, string>> = { accept: 'accepting', release: 'released' };

export class Seat {
  readonly occupant: Occupant;
  duty: Duty = 'release';
  requests = 0;
  streams = 0;
  /** What it confirmed on the line that it has now. */
  #says: string | null = null;
  #socket: Socket | null = null;
  #speaks = false;

  constructor(occupant: Occupant) {
    this.occupant = occupant;
  }

  /** It does what it should, or never said that it can be told. */
  get isSettled(): boolean {
    return !this.#speaks || this.#says === DONE[this.duty];
  }

  take(socket: Socket): void {
    this.#socket?.destroy();
    this.#socket = socket;
    this.#speaks = true;
    this.#says = null;
    this.#tell();
  }

  left(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#says = null;
  }

  order(duty: Duty): void {
    if (duty === this.duty) return;
    this.duty = duty;
    this.#says = null;
    this.#tell();
  }

  /** Lines that are not known are a newer program's and mean nothing here. */
  heard(line: string): void {
    const [word = '', requests = '', streams = '0'] = line.split(' ');
    if (word === 'running') {
      this.requests = countIn(requests) ?? this.requests;
      this.streams = countIn(streams) ?? this.streams;
    } else if (word === DONE[this.duty]) this.#says = word;
  }

  end(): void {
    this.#socket?.end();
  }

  #tell(): void {
    this.#socket?.write(`${this.duty}\n`);
  }
}

function countIn(word: string): number | null {
  return /^\d{1,9}$/.test(word) ? Number(word) : null;
}
