/** What can be asked for, of whichever gateway. */
export const SMALL_PATH = '/';
export const LARGE_PATH = '/large';
/** The same bytes in chunks, without a length. */
export const STREAMED_PATH = '/streamed';
export const WEBSOCKET_PATH = '/messages';
