/** `text` as PostgreSQL can keep it: NUL and half surrogate pairs, which it refuses, become U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd');
}
