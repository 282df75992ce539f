import { FitsError } from './error.ts';

export const BLOCK_BYTES = 2880;
const CARD_BYTES = 80;
const CARDS_PER_BLOCK = BLOCK_BYTES / CARD_BYTES;
const COMMENTARY = new Set(['', 'COMMENT', 'HISTORY']);

/**
 * `null`: the card has a value indicator and no value (undefined, FITS 4.0 section 4.1.2.3). Integers beyond 2^53 are
 * rounded; complex values stay text, `(1.0, -2.0)`; what fits no FITS type stays the text it is.
 */
export type HeaderValue = string | number | boolean | null;

export interface Card {
  keyword: string;
  /** Absent on a card without value indicator that is no commentary either. */
  value?: HeaderValue;
  comment?: string;
}

const packed = new Map<string, readonly [number, number]>();

/** A keyword's eight bytes as two big-endian words, as they stand in a card. */
function packKeyword(keyword: string): readonly [number, number] {
  let words = packed.get(keyword);
  if (words === undefined) {
    const bytes = Buffer.from(keyword.padEnd(8), 'latin1');
    words = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
    packed.set(keyword, words);
  }
  return words;
}

/** Upper-cases the four ASCII bytes of a word: flips 0x20 wherever 0x40 is set too. */
function upperCase(word: number): number {
  return (word ^ ((word >>> 1) & word & 0x20202020)) >>> 0;
}

const [END_HIGH, END_LOW] = packKeyword('END');
const [CONTINUE_HIGH, CONTINUE_LOW] = packKeyword('CONTINUE');
const [HIERARCH_HIGH, HIERARCH_LOW] = packKeyword('HIERARCH');

/**
 * The cards of one HDU (FITS 4.0, section 4). Keywords are indexed when the header is read, values are parsed when asked
 * for: a survey's file has over a hundred cards, of which a loader wants twenty.
 */
export class Header {
  /** Number of cards before END. */
  readonly cardCount: number;
  /** Offset of the first byte after the header's last block. */
  readonly end: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  /** Two words a card: its keyword's bytes in upper case. */
  readonly #keywords: Uint32Array;

  private constructor(bytes: Uint8Array, start: number, keywords: Uint32Array, cardCount: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#keywords = keywords;
    this.cardCount = cardCount;
    this.end = start + Math.ceil((cardCount + 1) / CARDS_PER_BLOCK) * BLOCK_BYTES;
  }

  /**
   * Finds the cards of the header that starts at `start`.
   * @throws FitsError when the bytes stop, or stop being text, before END
   */
  static read(bytes: Uint8Array, start: number, hdu: number): Header {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let keywords = new Uint32Array(8 * CARDS_PER_BLOCK);
    for (let card = 0; ; card++) {
      const at = start + card * CARD_BYTES;
      if (at + CARD_BYTES > bytes.length) throw new FitsError('truncated', 'the header has no END card', hdu);
      const high = view.getUint32(at);
      const low = view.getUint32(at + 4);
      if (((high | low) & 0x80808080) !== 0 || high === 0) {
        throw new FitsError('garbled', `card ${card + 1} of the header is not text`, hdu);
      }
      if (high === END_HIGH && low === END_LOW) return new Header(bytes, start, keywords, card);
      if (2 * card >= keywords.length) {
        const larger = new Uint32Array(2 * keywords.length);
        larger.set(keywords);
        keywords = larger;
      }
      keywords[2 * card] = upperCase(high);
      keywords[2 * card + 1] = upperCase(low);
    }
  }

  /**
   * Value of the first card with this keyword (upper case; HIERARCH keywords without that word, as `ESO INS NAME`);
   * `undefined` when there is none. Strings come without trailing blanks, CONTINUE cards joined.
   */
  get(keyword: string): HeaderValue | undefined {
    const card = this.#find(keyword);
    return card === -1 ? undefined : this.#parse(card).card.value;
  }

  /** A string value, blanks trimmed at both ends; `undefined` when absent, empty or no string. */
  text(keyword: string): string | undefined {
    const value = this.get(keyword);
    return typeof value === 'string' ? value.trim() || undefined : undefined;
  }

  /** A finite number, or a string that holds nothing but one (some writers quote numbers); else `undefined`. */
  number(keyword: string): number | undefined {
    let value = this.get(keyword);
    if (typeof value === 'string') value = parseNumber(value.trim());
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }

  /** Every card in the file's order, END left out, CONTINUE cards joined to the card they continue. */
  cards(): Card[] {
    const cards: Card[] = [];
    for (let next = 0; next < this.cardCount;) {
      const parsed = this.#parse(next);
      cards.push(parsed.card);
      next = parsed.next;
    }
    return cards;
  }

  #find(keyword: string): number {
    if (keyword.length > 8 || keyword.includes(' ')) return this.#findHierarch(keyword);
    const [high, low] = packKeyword(keyword);
    return this.#findWords(high, low, 0);
  }

  #findWords(high: number, low: number, from: number): number {
    for (let card = from; card < this.cardCount; card++) {
      if (this.#keywords[2 * card] === high && this.#keywords[2 * card + 1] === low) return card;
    }
    return -1;
  }

  #findHierarch(keyword: string): number {
    const find = (from: number): number => this.#findWords(HIERARCH_HIGH, HIERARCH_LOW, from);
    for (let card = find(0); card !== -1; card = find(card + 1)) {
      if (parseCard(this.#text(card)).keyword.toUpperCase() === keyword) return card;
    }
    return -1;
  }

  #text(card: number): string {
    const at = this.#start + card * CARD_BYTES;
    // Not ASCII in places that FITS restricts to it; taken as Latin-1, so that no byte is lost.
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, CARD_BYTES).toString('latin1');
  }

  /** Parses a card and the CONTINUE cards after it (FITS 4.0, section 4.2.1.2). */
  #parse(index: number): { card: Card; next: number } {
    const card = parseCard(this.#text(index));
    let next = index + 1;
    while (
      typeof card.value === 'string' &&
      card.value.endsWith('&') &&
      next < this.cardCount &&
      this.#keywords[2 * next] === CONTINUE_HIGH &&
      this.#keywords[2 * next + 1] === CONTINUE_LOW
    ) {
      const more = parseValue(this.#text(next).slice(8));
      if (typeof more.value !== 'string') break;
      card.value = card.value.slice(0, -1) + more.value;
      if (more.comment) card.comment = card.comment ? `${card.comment} ${more.comment}` : more.comment;
      next++;
    }
    if (next > index + 1 && typeof card.value === 'string') card.value = card.value.trimEnd();
    return { card, next };
  }
}

/** Parses one card image of 80 characters. */
export function parseCard(image: string): Card {
  const keyword = image.slice(0, 8).trimEnd().toUpperCase();
  if (COMMENTARY.has(keyword)) return { keyword, value: image.slice(8).trimEnd() };
  if (keyword === 'HIERARCH' && image[8] === ' ') {
    const equals = image.indexOf('=');
    if (equals !== -1)
      return { keyword: image.slice(9, equals).trim(), ...parseValue(image.slice(equals + 1)) };
  }
  if (image.slice(8, 10) === '= ') return { keyword, ...parseValue(image.slice(10)) };
  return { keyword, comment: image.slice(8).trim() };
}

const NUMBER = /^[+-]? *(?:\d+\.?\d*|\.\d+) *(?:[EeDd] *[+-]? *\d+)?$/;
const COMPLEX = /^\( *[-+.\dEeDd ]+, *[-+.\dEeDd ]+\)$/;

function parseNumber(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = Number(text.replaceAll(' ', '').replace(/[Dd]/, 'E'));
  return Number.isFinite(value) ? value : undefined;
}

/** Value and comment of what follows the value indicator, free or fixed format. */
function parseValue(field: string): { value: HeaderValue; comment?: string } {
  const start = field.search(/[^ ]/);
  if (start === -1) return { value: null };
  if (field[start] === "'") {
    const string = parseString(field, start + 1);
    if (string) return string;
  }
  const slash = field.indexOf('/', start);
  const text = (slash === -1 ? field : field.slice(0, slash)).trim();
  const comment = slash === -1 ? {} : { comment: field.slice(slash + 1).trim() };
  if (text === '') return { value: null, ...comment };
  if (text === 'T' || text === 'F') return { value: text === 'T', ...comment };
  if (COMPLEX.test(text)) return { value: text, ...comment };
  return { value: parseNumber(text) ?? text, ...comment };
}

/** A string from after its opening quote; `undefined` when it is never closed. */
function parseString(field: string, start: number): { value: string; comment?: string } | undefined {
  let value = '';
  for (let at = start; ; at++) {
    const quote = field.indexOf("'", at);
    if (quote === -1) return undefined;
    value += field.slice(at, quote);
    const after = field[quote + 1];
    if (after === undefined || after === ' ' || after === '/') {
      const rest = field.slice(quote + 1).trim();
      return { value: value.trimEnd(), ...(rest.startsWith('/') ? { comment: rest.slice(1).trim() } : {}) };
    }
    // Two quotes stand for one; a single one within a word is an error that astropy forgives too.
    value += "'";
    at = after === "'" ? quote + 1 : quote;
  }
}
