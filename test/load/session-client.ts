import { checkAnswer, jsonOf } from './answers.ts';
import { pause, type Context } from './context.ts';
import { RequestFailure } from './failure.ts';
import { Line } from './line.ts';
import { LOAD_LIMITS, type Sessions } from './options.ts';
import type { Answer } from './tally.ts';

const ITEMS = ['tea', 'mug', 'lamp'] as const;
const ADDS_BETWEEN_LOOKS = 5;
/** Then the person logs in again with an empty cart. */
const ADDS_PER_SESSION = 100;

/** One person: logs in, fills a cart, looks into it again and again, and once more when the load stops. */
export async function runSession(context: Context, sessions: Sessions, number: number): Promise<void> {
  const { stopping } = context;
  const visitor = new Visitor(context, number);
  for (let visit = 1; !stopping.aborted; visit += 1) {
    if (!(await visitor.logIn(visit))) {
      await pause(LOAD_LIMITS.afterFailureMs, stopping);
      continue;
    }
    for (let adds = 1; adds <= ADDS_PER_SESSION && !stopping.aborted; adds += 1) {
      await visitor.add(ITEMS[adds % ITEMS.length] ?? 'tea');
      if (adds % ADDS_BETWEEN_LOOKS === 0) await visitor.look();
      await pause(sessions.thinkMs ?? 0, stopping);
    }
    await visitor.look();
  }
  visitor.leave();
}

class Visitor {
  readonly #context: Context;
  readonly #name: string;
  readonly #line: Line;
  #cookie = '';
  /** The cart must hold what was answered, and may hold what was sent without an answer. */
  #answered = 0;
  #sent = 0;

  constructor(context: Context, number: number) {
    this.#context = context;
    this.#name = `visitor-${process.pid}-${number}`;
    this.#line = new Line(context, 'keep-alive');
  }

  async logIn(visit: number): Promise<boolean> {
    this.#answered = 0;
    this.#sent = 0;
    this.#cookie = '';
    const answer = await this.#request('POST', '/login', `user=${this.#name}.${visit}`, (got) =>
      checkAnswer(got, { status: 303 }),
    );
    this.#cookie = answer?.head.headers.get('set-cookie')?.split(';')[0] ?? '';
    return answer !== null;
  }

  async add(sku: string): Promise<void> {
    this.#sent += 1;
    const answer = await this.#request('POST', '/cart', `sku=${sku}&quantity=1`, (got) =>
      this.#checkLoggedIn(got),
    );
    if (answer) this.#answered += 1;
  }

  async look(): Promise<void> {
    await this.#request('GET', '/cart', undefined, (got) => {
      this.#checkLoggedIn(got);
      const { quantity } = jsonOf(got);
      const about = `${String(quantity)} in the cart, ${this.#answered} answered, ${this.#sent} sent`;
      if (typeof quantity !== 'number' || quantity < this.#answered) throw new RequestFailure('lost', about);
      if (quantity > this.#sent) throw new RequestFailure('duplicated', about);
    });
  }

  leave(): void {
    this.#line.close();
  }

  async #request(
    method: string,
    path: string,
    body: string | undefined,
    check: (answer: Answer) => void,
  ): Promise<Answer | null> {
    const form = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const headers = { accept: 'application/json', ...form, ...(this.#cookie && { cookie: this.#cookie }) };
    const answer = await this.#context.tally.request(
      { method, path, timed: true, fromMs: performance.now() },
      () => this.#line.send({ method, path, headers, ...(body !== undefined && { body }) }),
      check,
    );
    if (!answer) this.#line.close();
    return answer;
  }

  #checkLoggedIn(answer: Answer): void {
    if (answer.head.status === 401) throw new RequestFailure('logged-out', `as ${this.#name}`);
    checkAnswer(answer, { status: 200 });
  }
}
