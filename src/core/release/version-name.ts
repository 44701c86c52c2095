/** What a version may be called: the name is a folder's, a header's value and a word on the command line. */
export const VERSION_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/;
export const VERSION_NAME_RULE = 'up to 63 letters, digits and . _ + -, the first one a letter or digit';
