/** The screen as it is: colours only where they are wanted, redrawing only where somebody watches. */
import { styleText } from 'node:util';
import type { Paint } from './render/style.ts';
import type { Drawing, Screen } from './shell.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** NO_COLOR and FORCE_COLOR as everywhere; else colours are for terminals. */
export function wantsColour(env: Env, isTerminal: boolean): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return !env['NO_COLOR'] && isTerminal && env['TERM'] !== 'dumb';
}

export function terminalScreen(out: NodeJS.WriteStream, error: NodeJS.WriteStream, env: Env): Screen {
  const isTerminal = out.isTTY;
  const colours = wantsColour(env, isTerminal);
  const paint: Paint = (style, text) =>
    colours && text !== '' ? styleText(style, text, { validateStream: false }) : text;
  const write = (stream: NodeJS.WriteStream, lines: readonly string[]) => {
    stream.write(`${lines.join('\n')}\n`);
  };
  return {
    // A terminal that does not know its height cannot be redrawn.
    live: isTerminal && out.rows > 0 && !env['CI'] && env['TERM'] !== 'dumb',
    paint,
    size: () => ({ columns: out.columns || 80, rows: out.rows || 24 }),
    print: (lines) => write(out, lines),
    json: (value) => write(out, [JSON.stringify(value, null, 2)]),
    jsonLine: (value) => write(out, [JSON.stringify(value)]),
    note: (lines) => write(error, lines),
    open: () => openDrawing(out),
  };
}

async function openDrawing(out: NodeJS.WriteStream): Promise<Drawing> {
  // Loaded here and not above: most verbs draw nothing.
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(out);
  return { draw: (lines) => update(lines.join('\n')), close: () => update.done() };
}
