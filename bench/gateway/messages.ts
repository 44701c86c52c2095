/** WebSocket messages as the load sends them and the upstream answers them: always the same, so nobody has to read. */
const PAYLOAD_BYTES = 100;
const TEXT = 0x81;
const MASKED = 0x80;
const MASK_BYTES = 4;

/** From a client: masked (RFC 6455 s. 5.3), with a mask of zeros. */
export const QUESTION = Buffer.concat([
  Buffer.from([TEXT, MASKED | PAYLOAD_BYTES]),
  Buffer.alloc(MASK_BYTES),
  Buffer.alloc(PAYLOAD_BYTES, 'q'),
]);

export const ANSWER = Buffer.concat([Buffer.from([TEXT, PAYLOAD_BYTES]), Buffer.alloc(PAYLOAD_BYTES, 'a')]);
