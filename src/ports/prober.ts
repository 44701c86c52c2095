/** One question to something over the network or to a command. */
export type Probe =
  | {
      readonly type: 'http';
      readonly url: string;
      readonly method: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | null;
      readonly expect: {
        /** Null: any of 200 to 399. */
        readonly status: number | null;
        readonly contains: string | null;
        readonly headers: Readonly<Record<string, string>>;
      };
    }
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | {
      readonly type: 'command';
      readonly command: string | readonly string[];
      readonly dir: string;
      readonly env: Readonly<Record<string, string>>;
    };

export interface ProbeResult {
  readonly passed: boolean;
  /** Why it failed, or what was seen, in one short line without secrets. */
  readonly detail: string;
  readonly tookMs: number;
}

export interface Prober {
  /** Never throws for a failed probe; a timeout is a failure. */
  probe(probe: Probe, timeoutMs: number, signal?: AbortSignal): Promise<ProbeResult>;
}
