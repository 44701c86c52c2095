import { DATABASE_ERRORS } from './database/errors.ts';
import { SCHEMA_ERRORS } from './release/schema-errors.ts';
import { type ErrorKind, kind } from './error-kind.ts';

/**
 * The one table of errors. A code is stable: scripts may match on it. `docs/errors.md` is held to this
 * table by a test. Exit codes are DESIGN's: 1 unexpected, 2 wrong usage or file, 3 rolled back,
 * 4 still waiting, 5 refused before anything was changed.
 */
export const ERRORS = {
  USAGE: kind(2, 400, 'The command line is not right.', 'Run the verb with --help to see what it takes.'),
  FILE_MISSING: kind(2, 400, 'There is no segue.yaml here or above.', 'Run "segue init" to write one.'),
  FILE_EXISTS: kind(2, 409, 'There already is a segue.yaml.', 'Edit it, or run "segue init --force".'),
  FILE_INVALID: kind(2, 400, 'segue.yaml is not valid.', 'Correct the places named, then run "segue check".'),
  ENVIRONMENT_UNKNOWN: kind(
    2,
    400,
    'The environment is not in segue.yaml.',
    'Use one of the names under "environments:".',
  ),
  ENVIRONMENT_VALUE_MISSING: kind(
    2,
    400,
    'A value that segue.yaml takes from the environment is not set.',
    'Set the variable, then run "segue down --keep-instances" and "segue up" there: control keeps its environment.',
  ),
  SERVICE_UNKNOWN: kind(2, 404, 'The service is not in segue.yaml.', 'Run "segue status" to see the names.'),
  WORKER_HAS_NO_TRAFFIC: kind(
    2,
    409,
    'A worker serves no traffic.',
    'Run "segue status" to see its instances.',
  ),
  RELEASE_UNKNOWN: kind(2, 404, 'There is no such release.', 'Run "segue releases" to see them.'),
  INSTANCE_UNKNOWN: kind(2, 404, 'There is no such instance.', 'Run "segue status" to see them.'),
  ACCESS_LOG_OFF: kind(
    2,
    404,
    'The gateway writes no access log.',
    'Set "gateway: { accessLog: true }" in segue.yaml and run "segue up".',
  ),
  SOURCE_MISSING: kind(
    2,
    400,
    'The folder to release cannot be read.',
    'Give an existing folder with --dir, or set "files.dir" in segue.yaml.',
  ),
  CONTROL_NOT_RUNNING: kind(5, 503, 'Segue does not run for this project.', 'Start it with "segue up".'),
  CONTROL_RUNNING: kind(
    5,
    409,
    'Another control already runs for this project.',
    'Use it, or stop it with "segue down" first.',
  ),
  CONTROL_START_FAILED: kind(1, 500, 'Control did not start.', 'Read .segue/control.log, then try again.'),
  GATEWAY_UNREACHABLE: kind(
    1,
    503,
    'The gateway does not answer.',
    'Read .segue/gateway.log; "segue up" starts the gateway again.',
  ),
  GATEWAY_UPGRADE_FAILED: kind(
    1,
    503,
    'The gateway could not be replaced by its newer version; the old one serves on.',
    'Read .segue/gateway.log, then run "segue up" again.',
  ),
  PORT_IN_USE: kind(
    5,
    409,
    'The port to listen on is taken by another program.',
    'Stop that program or change "listen" in segue.yaml; then run "segue up" again.',
  ),
  DIRECT_SOCKET_LOST: kind(
    5,
    409,
    'The gateway that had bound the address was killed, and only the running instances hold it now.',
    'Users are served. For a release run "segue down" and "segue up" first: in between, connections are refused.',
  ),
  LISTEN_REFUSED: kind(
    5,
    403,
    'The address to listen on cannot be bound.',
    'Choose an address of this machine and a port that you may use (1024 or above without rights).',
  ),
  CERTIFICATE_NOT_ISSUED: kind(
    1,
    502,
    'The certificate authority did not give a certificate.',
    'See that the host leads to this machine and port 80 to "gateway.redirect"; it is tried again by itself.',
  ),
  CERTIFICATE_REFUSED: kind(
    5,
    422,
    'A certificate cannot be used.',
    'Correct the files under "gateway.certificates"; one that was in use before stays in use.',
  ),
  COUNTRY_FILE_REFUSED: kind(
    5,
    422,
    'The file that says where clients are cannot be used.',
    'Correct "gateway.geo.file" or that file; one that was in use before stays in use.',
  ),
  CHANGE_EXISTS: kind(
    5,
    409,
    'There is a change of this name already.',
    'Give another name with --name, or write it anew with --force.',
  ),
  RELEASE_ACTIVE: kind(
    5,
    409,
    'A release of this service is under way.',
    'Follow it with "segue show", or end it with "segue abort".',
  ),
  NO_ACTIVE_RELEASE: kind(
    5,
    409,
    'No release of this service is under way.',
    'Run "segue releases" to see the last ones.',
  ),
  TOO_LATE: kind(
    5,
    409,
    'The release is past the point where this could be said to it.',
    'Follow it with "segue show"; "segue rollback" goes back from a version that serves.',
  ),
  NOT_PAUSED: kind(5, 409, 'The release is not paused.', 'Run "segue status" to see what it waits for.'),
  NOTHING_TO_APPROVE: kind(
    5,
    409,
    'The release does not wait for an approval.',
    'Run "segue status" to see where it is; "segue promote" passes gates of other kinds.',
  ),
  NO_GATE: kind(
    5,
    409,
    'The release is at no gate that could be passed.',
    'Wait until it is, or pass the gates to come: "segue promote --full" or "segue promote --now".',
  ),
  NOTHING_TO_ROLL_BACK_TO: kind(
    5,
    409,
    'There is no earlier version to go back to.',
    'Deploy the version that you want with "segue deploy".',
  ),
  VERSION_EXISTS: kind(
    5,
    409,
    'This version exists with other files or another configuration.',
    'A version never changes: give the new build a new name with --version.',
  ),
  VERSION_MISSING: kind(
    5,
    404,
    'The files of this version are no longer kept.',
    'Deploy it again from its folder.',
  ),
  VERSION_TOO_LARGE: kind(
    5,
    413,
    'The folder is larger than a version may be.',
    'Release the build output only, or name what to leave out under "files.ignore".',
  ),
  VERSION_DAMAGED: kind(
    5,
    409,
    'The kept files of this version are not what was released.',
    'Deploy the build again under a new version name.',
  ),
  SOURCE_CHANGED: kind(
    5,
    409,
    'The folder changed while it was copied.',
    'Wait until the build is finished, then deploy again.',
  ),
  PLAN_UNSAFE: kind(
    5,
    409,
    'The plan would break a promise that Segue makes.',
    'This is a defect in a strategy: please report it with the output of "segue plan --json".',
  ),
  COMMAND_NOT_FOUND: kind(
    3,
    422,
    'The command of the service does not exist.',
    'Correct "run.command"; paths are relative to the released folder.',
  ),
  INSTANCE_EXITED: kind(
    3,
    422,
    'A new instance ended before it was ready.',
    'Read its last lines above; the version that served before serves on.',
  ),
  INSTANCE_NOT_READY: kind(
    3,
    422,
    'A new instance was not ready within its time.',
    'Read why above; raise "health.readiness.within" when the program only needs longer.',
  ),
  WRONG_PORT: kind(
    3,
    422,
    'A new instance listens on another port than it was given.',
    'Make the program listen on the port in the environment variable PORT.',
  ),
  SMOKE_FAILED: kind(
    3,
    422,
    'A smoke test of the new version failed.',
    'Correct the version or the test; the version that served before serves on.',
  ),
  HANDOVER_LATE: kind(
    3,
    422,
    'The new version did not serve in the time for which requests may wait.',
    'Read why above; raise "strategy.within" and "traffic.hold" when the program only needs longer.',
  ),
  CRASH_LOOP: kind(
    3,
    422,
    'Instances of the new version keep ending.',
    'Read their last lines with "segue logs"; the version that served before serves again.',
  ),
  CANDIDATE_WORSE: kind(
    3,
    422,
    'The new version does worse than the one before.',
    'Read the proof above, or with "segue show"; the version that served before serves again.',
  ),
  CANDIDATE_BROKEN: kind(
    3,
    422,
    'The new version fails most of its requests.',
    'Read the proof above, or with "segue show"; the version that served before serves again.',
  ),
  EVIDENCE_MISSING: kind(
    3,
    422,
    'Whether the new version is as good was not clear within the patience.',
    'Give it more traffic or more time ("judge.patience"), or let "judge.onUnsure" hold or promote.',
  ),
  RELEASE_ABORTED: kind(3, 409, 'The release was taken back as asked.', 'Deploy again when you are ready.'),
  KIND_CHANGED: kind(
    5,
    409,
    'A service was web and is to be a worker, or the other way round.',
    'Put kind back as it was, and give the new one another name; then end the old one.',
  ),
  NOT_TOGETHER: kind(
    5,
    409,
    'This service cannot be released together with others.',
    'Deploy it alone, or let its test end with "end: promote".',
  ),
  GROUP_TURNED: kind(
    3,
    409,
    'Another service of the same release could not go on.',
    'Mend what is named above, then deploy them together again.',
  ),
  RELEASE_STUCK: kind(
    1,
    500,
    'The release could be neither finished nor taken back.',
    'What serves is left as it is. Read "segue show", mend the cause, then deploy or roll back again.',
  ),
  STILL_RUNNING: kind(
    4,
    202,
    'The release goes on without this terminal.',
    'Follow it with "segue show RELEASE --follow", or take it back with "segue abort".',
  ),
  STOP_FAILED: kind(
    1,
    500,
    'An instance did not stop.',
    'Look for a process in uninterruptible sleep; the release waits for it.',
  ),
  NO_PORT_FREE: kind(
    5,
    503,
    'No port is free for another instance.',
    'Widen "ports" in segue.yaml or stop what uses them.',
  ),
  SPAWN_FAILED: kind(3, 422, 'The operating system did not start the program.', 'Read why above.'),
  DISK_FULL: kind(
    5,
    507,
    'There is no space left for .segue.',
    'Free space on that disk; what serves goes on serving.',
  ),
  DIRECTORY_READ_ONLY: kind(
    5,
    403,
    'The project folder cannot be written.',
    'Give the user who runs Segue the right to write .segue in it.',
  ),
  JOURNAL_NEWER: kind(
    5,
    409,
    'The journal was written by a newer Segue.',
    'Use that version of Segue, or a newer one; nothing was changed.',
  ),
  JOURNAL_DAMAGED: kind(
    1,
    500,
    'The journal cannot be read.',
    'Keep the file .segue/journal.db for diagnosis and restore it from a backup.',
  ),
  FENCED_OUT: kind(
    1,
    409,
    'A newer control has taken over this project.',
    'Use the newer one; this one has stopped acting.',
  ),
  SOCKET_PATH_TOO_LONG: kind(
    5,
    400,
    'The path of the project folder is too long for a socket.',
    'Move the project to a shorter path (the limit of the system is 107 bytes).',
  ),
  PLATFORM_UNSUPPORTED: kind(
    5,
    501,
    'The process runtime does not know this operating system.',
    'Run Segue on Linux.',
  ),
  BAD_REQUEST: kind(
    2,
    400,
    'The request to control is not right.',
    'Use a CLI of the same version as control.',
  ),
  UNEXPECTED: kind(
    1,
    500,
    'Something happened that Segue did not expect.',
    'Please report it with the output; what serves goes on serving.',
  ),
  ...DATABASE_ERRORS,
  ...SCHEMA_ERRORS,
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** A place in a file of the user's. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export class SegueError extends Error {
  readonly code: ErrorCode;
  /** What is particular to this case; may have several lines. */
  readonly detail: string;
  readonly place: Place | undefined;

  constructor(code: ErrorCode, detail = '', options: { place?: Place; cause?: unknown } = {}) {
    super(detail ? `${ERRORS[code].what} ${detail}` : ERRORS[code].what, { cause: options.cause });
    this.name = 'SegueError';
    this.code = code;
    this.detail = detail;
    this.place = options.place;
  }

  get next(): string {
    return ERRORS[this.code].next;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

/** What crosses a process boundary or goes into the journal in place of an Error. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly detail: string;
}

export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof SegueError) return { code: error.code, detail: error.detail };
  return { code: 'UNEXPECTED', detail: error instanceof Error ? error.message : String(error) };
}

/** `CODE: what happened` and the detail, without the advice. */
export function describeError(record: ErrorRecord): string {
  const { what } = ERRORS[record.code];
  return record.detail ? `${what} ${record.detail}` : what;
}
