export interface KeepRequest {
  readonly service: string;
  readonly version: string;
  readonly from: string;
  readonly ignore: readonly string[];
  /** Versions kept before, newest first: files that did not change are shared with them. */
  readonly earlier: readonly string[];
}

export interface KeptFiles {
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  /** Files that took no new space because an earlier version has them too. */
  readonly shared: number;
}

/** The files of released versions: copied once, never changed. */
export interface VersionFiles {
  /** Absolute folder of a version's files; it need not exist. */
  dir(service: string, version: string): string;
  /**
   * Copies the folder, whole or not at all. A version that is kept already is only compared:
   * VERSION_EXISTS when the files differ, VERSION_DAMAGED when the kept ones are no longer whole. Throws
   * SOURCE_MISSING, VERSION_TOO_LARGE, SOURCE_CHANGED, DISK_FULL, DIRECTORY_READ_ONLY; like every method
   * here, USAGE for a name that could lead out of the folder.
   */
  keep(request: KeepRequest, signal?: AbortSignal): Promise<KeptFiles>;
  /** The digest of what `keep` would take, without copying. */
  digest(
    from: string,
    ignore: readonly string[],
  ): Promise<{ readonly digest: string; readonly files: number; readonly bytes: number }>;
  /** True when the kept files are there and unchanged in size and time. */
  verify(service: string, version: string): Promise<boolean>;
  remove(service: string, version: string): Promise<void>;
}
