export interface FlagFileText {
  /** Seen from the project's folder. */
  readonly name: string;
  readonly text: string;
}

/** Where definition files of flags come from. */
export interface FlagSource {
  /** In the order of their names; none when there is no such folder. Throws FLAGS_INVALID for what cannot be read. */
  read(dir: string): Promise<readonly FlagFileText[]>;
  /** Called when something there may have changed. Ends with the signal. */
  watch(dir: string, changed: () => void, signal: AbortSignal): void;
}
