import { checkAnswer, jsonOf } from './answers.ts';
import { pause, type Context } from './context.ts';
import { RequestFailure } from './failure.ts';
import { Line } from './line.ts';
import { LOAD_LIMITS, type Accounts } from './options.ts';
import type { Account } from './summary.ts';
import type { Answer } from './tally.ts';

/** Then somebody else logs in: new people come as well as those who change what they said. */
const CHANGES_PER_MEMBER = 20;
const LOOKS_PER_CHANGE = 2;

/** One member after the other, each of whom says a few times who they are; nothing is ever sent again. */
export async function runAccounts(context: Context, accounts: Accounts, number: number): Promise<void> {
  const { stopping } = context;
  const devices = [new Line(context, 'keep-alive'), new Line(context, 'keep-alive')] as const;
  for (let turn = 1; !stopping.aborted; turn += 1) {
    const member = new Member(context, devices, `member-${process.pid}-${number}.${turn}`);
    if (!(await member.logIn())) {
      await pause(LOAD_LIMITS.afterFailureMs, stopping);
      continue;
    }
    for (let change = 1; change <= CHANGES_PER_MEMBER && !stopping.aborted; change += 1) {
      await member.change(change);
      for (let look = 1; look <= LOOKS_PER_CHANGE; look += 1) {
        await member.look();
        await pause(accounts.thinkMs ?? 0, stopping);
      }
    }
  }
  for (const line of devices) line.close();
}

class Member {
  readonly #context: Context;
  readonly #devices: readonly [Line, Line];
  readonly #user: string;
  #cookie = '';
  /** What the account may be now: after two changes at once either of them, after one without an answer nobody knows. */
  #maybe: readonly Account[] = [];

  constructor(context: Context, devices: readonly [Line, Line], user: string) {
    this.#context = context;
    this.#devices = devices;
    this.#user = user;
  }

  async logIn(): Promise<boolean> {
    const [line] = this.#devices;
    const answer = await this.#request(line, 'POST', '/login', `user=${this.#user}`, (got) =>
      checkAnswer(got, { status: 303 }),
    );
    this.#cookie = answer?.head.headers.get('set-cookie')?.split(';')[0] ?? '';
    return answer !== null;
  }

  /** Every fourth time from two devices at once, which two versions may answer. */
  async change(number: number): Promise<void> {
    const said = this.#devices
      .slice(0, number % 4 === 0 ? 2 : 1)
      .map((line, device) => ({ line, account: accountOf(this.#user, number, device + 1) }));
    this.#context.tally.accounts.delete(this.#user);
    const answers = await Promise.all(
      said.map(({ line, account }) =>
        this.#request(line, 'POST', '/account', String(new URLSearchParams({ ...account })), (got) =>
          checkAnswer(got, { status: 200 }),
        ),
      ),
    );
    this.#know(answers.includes(null) ? [] : said.map(({ account }) => account));
  }

  async look(): Promise<void> {
    const [line] = this.#devices;
    await this.#request(line, 'GET', '/account', undefined, (got) => {
      checkAnswer(got, { status: 200 });
      const { name, mail } = jsonOf(got);
      if (this.#maybe.length === 0) return;
      const is = this.#maybe.find((each) => each.name === name && each.mail === mail);
      if (!is)
        throw new RequestFailure(
          'lost',
          `${JSON.stringify({ name, mail })} after ${JSON.stringify(this.#maybe)}`,
        );
      this.#know([is]);
    });
  }

  #know(maybe: readonly Account[]): void {
    this.#maybe = maybe;
    const [only, ...others] = maybe;
    if (only && others.length === 0) this.#context.tally.accounts.set(this.#user, only);
  }

  async #request(
    line: Line,
    method: string,
    path: string,
    body: string | undefined,
    check: (answer: Answer) => void,
  ): Promise<Answer | null> {
    const form = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const headers = { accept: 'application/json', ...form, ...(this.#cookie && { cookie: this.#cookie }) };
    const answer = await this.#context.tally.request(
      { method, path, timed: true, fromMs: performance.now() },
      () => line.send({ method, path, headers, ...(body !== undefined && { body }) }),
      check,
    );
    if (!answer) line.close();
    return answer;
  }
}

/** Every third one has one name only, and every fifth a last name of several words. */
function accountOf(user: string, number: number, device: number): Account {
  const last = number % 3 === 0 ? '' : number % 5 === 0 ? ` van der ${number}` : ` Last${number}`;
  return { name: `First${number}.${device}${last}`, mail: `${user}.${number}.${device}@example.com` };
}
