/** What the gateway's master and its workers have in common as processes: nothing but its end ends the traffic. */

export function gatewayLog(name: string): (line: string) => void {
  return (line) => process.stderr.write(`${new Date().toISOString()} ${name} ${line}\n`);
}

export function surviveAll(log: (line: string) => void): void {
  // Only the owner may speak to it.
  process.umask(0o077);
  // The log may be on a full disk, and whoever read it may be gone.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', () => undefined);
  process.on('uncaughtException', (error) => log(`unexpected: ${error.stack}`));
  process.on('unhandledRejection', (reason) => log(`unexpected: ${String(reason)}`));
  // A closed terminal is no reason to stop serving.
  process.on('SIGHUP', () => undefined);
}
