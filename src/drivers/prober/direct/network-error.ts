import { systemErrorCode } from '../../runtime/process/system-error.ts';

/** Why there was no answer, in words; the system's own messages differ by version and may quote the request. */
export function describeNetworkError(error: unknown, place: string): string {
  const code = systemErrorCode(error) ?? '';
  switch (code) {
    case 'ECONNREFUSED':
      return `connection refused on ${place}`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `${place} closed the connection before its answer was complete`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name in ${place} could not be resolved (${code})`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'ETIMEDOUT':
      return `${place} cannot be reached (${code})`;
    case 'HPE_HEADER_OVERFLOW':
      return `${place} answered with a head that is too large`;
    case 'EPROTO':
      return `${place} does not speak TLS`;
    default:
      return describeByFamily(error, code, place);
  }
}

function describeByFamily(error: unknown, code: string, place: string): string {
  if (code.startsWith('HPE_')) return `${place} answered with bytes that are not HTTP (${code})`;
  if (/CERT|SIGNATURE/.test(code) && error instanceof Error) {
    return `the TLS certificate of ${place} is not accepted: ${error.message}`;
  }
  if (code.startsWith('ERR_SSL_')) return `${place} does not speak TLS as it should (${code})`;
  return `${place} could not be asked (${code || 'no code'})`;
}
