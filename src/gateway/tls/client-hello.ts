/** Of a handshake's first message, the session ticket that the client brings (RFC 8446 s. 4.2.11, RFC 5077 s. 3.2). */

const RECORD_HEAD_BYTES = 5;
const HANDSHAKE = 0x16;
const RECORD_BYTES_MAX = 16_384;
const CLIENT_HELLO = 1;
/** Version and random, behind the message's own head. */
const HELLO_FROM = RECORD_HEAD_BYTES + 4 + 2 + 32;
const SESSION_TICKET = 35;
const PRE_SHARED_KEY = 41;

/**
 * The ticket, the first one if there are several; null: there is none, or it is not to be found here; undefined:
 * more has to come first.
 */
export function ticketOf(bytes: Buffer): Buffer | null | undefined {
  if (bytes.length < RECORD_HEAD_BYTES) return undefined;
  const length = bytes.readUInt16BE(3);
  if (bytes[0] !== HANDSHAKE || length > RECORD_BYTES_MAX) return null;
  const end = RECORD_HEAD_BYTES + length;
  if (bytes.length < end) return undefined;
  if (bytes[RECORD_HEAD_BYTES] !== CLIENT_HELLO) return null;
  try {
    return inExtensions(bytes.subarray(0, end));
  } catch (error) {
    // Shorter than it says, or one message in several records: the handshake itself will tell.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function inExtensions(hello: Buffer): Buffer | null {
  let at = HELLO_FROM;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  let ticket: Buffer | null = null;
  while (at < end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    at += 4;
    const identityFrom = at + 4;
    if (type === PRE_SHARED_KEY && length > 4)
      return hello.subarray(identityFrom, identityFrom + hello.readUInt16BE(at + 2));
    if (type === SESSION_TICKET && length > 0) ticket = hello.subarray(at, at + length);
    at += length;
  }
  return ticket;
}
