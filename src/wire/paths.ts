/** Where things lie under a project's folder, relative to it. */
export const PROJECT_FILE = 'segue.yaml';
export const STATE_DIR = '.segue';
export const CONTROL_SOCKET = '.segue/control.sock';
export const GATEWAY_SOCKET = '.segue/gateway.sock';
export const DIRECT_SOCKET = '.segue/direct.sock';
export const TICKET_KEYS = '.segue/run';
/** The number of the master that runs, for a service manager. */
export const GATEWAY_PID = '.segue/gateway.pid';
/** Where the gateway's workers find their master. */
export const WORKERS_SOCKET = '.segue/gateway-workers.sock';
/** The last routing in force, for a gateway that is started without control. */
export const ROUTING_FILE = '.segue/routing.json';
export const CERTIFICATES_DIR = '.segue/certificates';
export const JOURNAL = '.segue/journal.db';
export const RELEASES_DIR = '.segue/releases';
export const LOGS_DIR = '.segue/logs';
/** Of the requests; older ones lie beside it. */
export const ACCESS_LOG = '.segue/access/access.log';
export const CONTROL_LOG = '.segue/control.log';
export const GATEWAY_LOG = '.segue/gateway.log';
/** sockaddr_un's path is 108 bytes with its end (unix(7)). */
export const SOCKET_PATH_BYTES_MAX = 107;
