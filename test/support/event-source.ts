import { request } from 'node:http';

/** An event stream as a browser reads it. */
export class EventSourceText extends EventTarget {
  readonly data: { type: string; etag: string }[] = [];
  readyState = 0;
  readonly #call;

  constructor(url: string) {
    super();
    this.#call = request(url, (response) => {
      this.readyState = 1;
      this.dispatchEvent(new Event('open'));
      let text = '';
      response.on('data', (part: Buffer) => {
        const blocks = (text += part.toString()).split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#read(block);
      });
      response.on('error', () => undefined);
    });
    this.#call.on('error', () => undefined);
    this.#call.end();
  }

  #read(block: string): void {
    const [, data] = /^data: (.*)$/m.exec(block) ?? [];
    if (data === undefined) return;
    this.data.push(JSON.parse(data));
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  close(): void {
    this.readyState = 2;
    this.#call.destroy();
  }
}
