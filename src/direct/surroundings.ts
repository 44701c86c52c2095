/** What Segue tells an instance about direct mode, by its environment. */

export interface Surroundings {
  /** The keeper's unix socket, seen from the folder in which the instance was started. */
  readonly keeperPath: string;
  readonly id: string;
  readonly token: string;
  /** Descriptors of the one public socket: each serves for one time of accepting, because Node closes what it listened on. */
  readonly descriptors: readonly number[];
}

/** SD_LISTEN_FDS_START of the systemd convention. */
const FIRST_DESCRIPTOR = 3;

/** Null when this program is not an instance in direct mode. */
export function surroundingsIn(env: Readonly<Record<string, string | undefined>>): Surroundings | null {
  const { SEGUE_DIRECT: keeperPath, SEGUE_INSTANCE: id, SEGUE_INSTANCE_SECRET: token } = env;
  if (!keeperPath || !id || !token) return null;
  const count = Number(env['SEGUE_DIRECT_COPIES'] ?? 1);
  return {
    keeperPath,
    id,
    token,
    descriptors: Array.from({ length: count }, (_, index) => FIRST_DESCRIPTOR + index),
  };
}
