import type { LogLine } from '../../wire/api.ts';
import type { Paint, Style } from './style.ts';

const STYLES: readonly Style[] = ['cyan', 'magenta', 'green', 'yellow', 'blue'];

/** A line with its instance before it; each instance keeps its colour. */
export function renderLogLine({ instance, line }: LogLine, paint: Paint): string {
  return `${paint(styleOf(instance), instance)} ${paint('dim', '|')} ${line}`;
}

function styleOf(instance: string): Style {
  const sum = Buffer.from(instance).reduce((total, byte) => (total * 31 + byte) % 65_521, 7);
  return STYLES[sum % STYLES.length] ?? 'cyan';
}
