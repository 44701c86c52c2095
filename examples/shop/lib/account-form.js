const NAME_CHARS_MAX = 100;
const MAIL = /^[^\s@]{1,64}@[^\s@]{1,255}$/;

/** {name, mail} of a form, or null when they will not do. */
export function readAccount(form) {
  const name = (form.get('name') ?? '').trim().replace(/\s+/g, ' ');
  const mail = (form.get('mail') ?? '').trim();
  return name !== '' && name.length <= NAME_CHARS_MAX && MAIL.test(mail) ? { name, mail } : null;
}
