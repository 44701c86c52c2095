/** Bugs hunted: a program's own name that shifts the fields of its state, and sockets taken for listening ones. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hasOtherSockets, isLive, parseListeners, parseStat, variableIn } from './proc-parse.ts';

const statWith = (name: string) =>
  `4711 (${name}) S 1 4711 4712 0 -1 4194560 1 0 0 0 100 20 3 0 20 0 11 0 99887766 1 2 3 4 5 6 7\n`;

describe('parseStat', () => {
  it('reads its fields behind any name', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        assert.deepEqual(parseStat(statWith(name)), {
          pid: 4711,
          state: 'S',
          parent: 1,
          group: 4711,
          session: 4712,
          start: '99887766',
          cpuTicks: 123,
        });
      }),
      { examples: [['a) R 2 3 (b'], [')'], ['('], ['\n'], ['']] },
    );
  });

  it('reads what this kernel writes', () => {
    const own = parseStat(readFileSync('/proc/self/stat', 'latin1'));
    assert.equal(own?.pid, process.pid);
    assert.equal(own?.parent, process.ppid);
  });

  it('takes nothing for a process that is none', () => {
    for (const text of ['', 'nonsense', '12 (cut', '12 (cut) S', 'x (y) S 1 1 1'])
      assert.equal(parseStat(text), null);
  });

  it('knows a zombie from a process that is only stopped', () => {
    const withState = (state: string) => parseStat(statWith('a').replace(' S ', ` ${state} `));
    const live = ['R', 'S', 'D', 'T', 't', 'I', 'Z', 'X'].filter((state) => {
      const stat = withState(state);
      return stat && isLive(stat);
    });
    assert.deepEqual(live, ['R', 'S', 'D', 'T', 't', 'I']);
  });
});

describe('variableIn', () => {
  it('finds whole names only, and values with "="', () => {
    const environ = 'XSECRET=no\0SECRET2=no\0SECRET=a=b\0OTHER=SECRET=no\0';
    assert.equal(variableIn(environ, 'SECRET'), 'a=b');
    assert.equal(variableIn(environ, 'MISSING'), null);
    assert.equal(variableIn('', 'SECRET'), null);
  });
});

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100\n`;

describe('parseListeners', () => {
  it('takes listening sockets, of both families', () => {
    const text = [
      head,
      row('0100007F:0FA1', '0A', 111),
      row('0100007F:0FA2', '01', 222),
      row('00000000000000000000000000000000:1F90', '0A', 333),
    ].join('');
    assert.deepEqual(
      [...parseListeners(text)],
      [
        ['111', 4001],
        ['333', 8080],
      ],
    );
    assert.equal(parseListeners('').size, 0);
  });
});

describe('hasOtherSockets', () => {
  it('waits for a whole line that is not of a listening socket', () => {
    const listening = head + row('0100007F:0FA1', '0A', 111) + row('0100007F:0FA2', '0A', 112);
    const ended = row('0100007F:0FA2', '06', 0);
    assert.equal(hasOtherSockets(listening), false);
    for (let cut = 0; cut < ended.length; cut += 1)
      assert.equal(hasOtherSockets(listening + ended.slice(0, cut)), false, `cut at ${cut}`);
    assert.equal(hasOtherSockets(listening + ended), true);
  });

  it('agrees with this kernel: no listening socket comes after another one', () => {
    const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1, -1);
    const states = lines.map((line) => line.trim().split(/\s+/)[3]);
    const others = states.filter((state) => state !== '0A').length;
    assert.ok(states.lastIndexOf('0A') < states.length - others, states.join(' '));
  });
});
