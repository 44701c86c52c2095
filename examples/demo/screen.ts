/** One line per scene: live on a terminal, plain where there is none. */
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_MS = 80;
const TITLE_WIDTH = 58;

type Style = Parameters<typeof styleText>[0];

/** Without colour where NO_COLOR or the lack of a terminal asks for it. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Shows a scene while it runs. `live` tells what happens meanwhile, the result of `run` what came of it. */
export async function showScene(
  title: string,
  live: () => string,
  run: () => Promise<string>,
): Promise<void> {
  const startedAtMs = performance.now();
  const line = (mark: string, note: string) =>
    `${mark} ${title.padEnd(TITLE_WIDTH)} ${seconds(performance.now() - startedAtMs).padStart(6)}  ${note}`;
  const stop = process.stdout.isTTY
    ? spin((frame) => line(paint('cyan', frame), paint('dim', live())))
    : null;
  try {
    const note = await run();
    stop?.();
    console.log(line(paint('green', '✔'), paint('dim', note)));
  } catch (error) {
    stop?.();
    console.log(line(paint('red', '✖'), error instanceof Error ? error.message : String(error)));
    throw error;
  }
}

function spin(draw: (frame: string) => string): () => void {
  const update = createLogUpdate(process.stdout);
  let count = 0;
  const timer = setInterval(() => {
    update(draw(SPINNER[count % SPINNER.length] ?? ''));
    count += 1;
  }, FRAME_MS);
  return () => {
    clearInterval(timer);
    update.clear();
  };
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
