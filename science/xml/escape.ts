const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

const SPECIAL = /[&<>"\ufffe\uffff]|\p{Cc}/u;
const ALL_SPECIAL = new RegExp(SPECIAL, 'gu');

/** For text and attributes in double quotes; what XML 1.0 cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replace(ALL_SPECIAL, (character) => {
    const isAllowed = character >= '\x7f' && character < '\ufffe';
    return ENTITIES[character] ?? (isAllowed ? character : '\ufffd');
  });
}
