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

/** A keyword as cards hold it: its eight bytes as two big-endian words. */
interface PackedKeyword {
  high: number;
  low: number;
  /** Eight bytes do not hold it: it stands on HIERARCH cards. */
  isLong: boolean;
  /** Its cards have text in place of a value, whatever stands in column 9. */
  isCommentary: boolean;
}

const packed = new Map<string, PackedKeyword>();

function packKeyword(keyword: string): PackedKeyword {
  let words = packed.get(keyword);
  if (words === undefined) {
    const bytes = Buffer.from(keyword.padEnd(8), 'latin1');
    words = {
      high: bytes.readUInt32BE(0),
      low: bytes.readUInt32BE(4),
      isLong: keyword.length > 8 || keyword.includes(' '),
      isCommentary: COMMENTARY.has(keyword),
    };
    packed.set(keyword, words);
  }
  return words;
}

/** Upper-cases the four ASCII bytes of a word: flips 0x20 wherever 0x40 is set too. */
function upperCase(word: number): number {
  return (word ^ ((word >>> 1) & word & 0x20202020)) >>> 0;
}

const END = packKeyword('END');
const CONTINUE = packKeyword('CONTINUE');
const HIERARCH = packKeyword('HIERARCH');

/**
 * Where each keyword of a header stands first: a hash table of the first cards' keywords. There is one for all headers,
 * made anew for the one that is asked; it costs a microsecond, and a header of its own arrays more.
 */
const INDEXED_CARDS = 1024;
const INDEX_SLOTS = 2 * INDEXED_CARDS;
const keywordIndex = {
  /** Serial number of the header; not the header, which would keep its file in memory. */
  header: 0,
  /** Two words a card, in upper case. */
  keywords: new Uint32Array(2 * INDEXED_CARDS),
  /** Number of the card, from 1; 0: none. */
  slots: new Uint16Array(INDEX_SLOTS),
};

let headersMade = 0;

function firstSlot(high: number, low: number): number {
  const hash = Math.imul(high, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b);
  return (hash ^ (hash >>> 15)) & (INDEX_SLOTS - 1);
}

/** The slot that holds this keyword, or the empty one where it belongs. */
function slotOf(high: number, low: number): number {
  const { keywords, slots } = keywordIndex;
  for (let slot = firstSlot(high, low); ; slot = (slot + 1) & (INDEX_SLOTS - 1)) {
    const card = (slots[slot] ?? 0) - 1;
    if (card < 0 || (keywords[2 * card] === high && keywords[2 * card + 1] === low)) return slot;
  }
}

/**
 * The cards of one HDU (FITS 4.0, section 4). Values are parsed when asked for: a survey's file has over a hundred cards,
 * of which a loader wants twenty.
 */
export class Header {
  /** Number of cards before END. */
  readonly cardCount: number;
  /** Offset of the first byte after the header's last block. */
  readonly end: number;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #start: number;
  readonly #serial = ++headersMade;

  private constructor(bytes: Buffer, view: DataView, start: number, cardCount: number) {
    this.#bytes = bytes;
    this.#view = view;
    this.#start = start;
    this.cardCount = cardCount;
    this.end = start + Math.ceil((cardCount + 1) / CARDS_PER_BLOCK) * BLOCK_BYTES;
  }

  /**
   * Finds the cards of the header that starts at `start`. The header is read from `bytes` whenever it is asked.
   * @throws FitsError when the bytes stop, or stop being text, before END
   */
  static read(bytes: Uint8Array, start: number, hdu: number): Header {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let card = 0; ; card++) {
      const at = start + card * CARD_BYTES;
      if (at + CARD_BYTES > bytes.length) throw new FitsError('truncated', 'the header has no END card', hdu);
      const high = view.getUint32(at);
      const low = view.getUint32(at + 4);
      if (((high | low) & 0x80808080) !== 0 || high === 0) {
        throw new FitsError('garbled', `card ${card + 1} of the header is not text`, hdu);
      }
      if (high === END.high && low === END.low) {
        const buffer = Buffer.isBuffer(bytes)
          ? bytes
          : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        return new Header(buffer, view, start, card);
      }
    }
  }

  /**
   * Value of the first card with this keyword (upper case; HIERARCH keywords without that word, as `ESO INS NAME`);
   * `undefined` when there is none. Strings come without trailing blanks, CONTINUE cards joined.
   */
  get(keyword: string): HeaderValue | undefined {
    const words = packKeyword(keyword);
    const card = words.isLong ? this.#findLong(keyword) : this.#find(words);
    if (card === -1) return undefined;
    const plain = words.isLong || words.isCommentary ? undefined : this.#plainValue(card);
    return plain === undefined ? this.#parse(card).card.value : plain;
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

  /** Number of the first card with this keyword, -1 when there is none. */
  #find({ high, low }: PackedKeyword): number {
    if (keywordIndex.header !== this.#serial) this.#index();
    const card = (keywordIndex.slots[slotOf(high, low)] ?? 0) - 1;
    return card === -1 && this.cardCount > INDEXED_CARDS ? this.#scan(high, low, INDEXED_CARDS) : card;
  }

  #index(): void {
    keywordIndex.header = this.#serial;
    const { keywords, slots } = keywordIndex;
    slots.fill(0);
    const indexed = Math.min(this.cardCount, INDEXED_CARDS);
    for (let card = 0; card < indexed; card++) {
      const at = this.#start + card * CARD_BYTES;
      const high = upperCase(this.#view.getUint32(at));
      const low = upperCase(this.#view.getUint32(at + 4));
      keywords[2 * card] = high;
      keywords[2 * card + 1] = low;
      const slot = slotOf(high, low);
      if (slots[slot] === 0) slots[slot] = card + 1;
    }
  }

  #scan(high: number, low: number, from: number): number {
    for (let card = from; card < this.cardCount; card++) if (this.#is(card, high, low)) return card;
    return -1;
  }

  #is(card: number, high: number, low: number): boolean {
    const at = this.#start + card * CARD_BYTES;
    return upperCase(this.#view.getUint32(at)) === high && upperCase(this.#view.getUint32(at + 4)) === low;
  }

  #findLong(keyword: string): number {
    const find = (from: number): number => this.#scan(HIERARCH.high, HIERARCH.low, from);
    for (let card = find(0); card !== -1; card = find(card + 1)) {
      if (parseCard(this.#text(card)).keyword.toUpperCase() === keyword) return card;
    }
    return -1;
  }

  /**
   * The value of a card as most are written: a decimal number, T or F, or a string of ASCII without a quote in it that is
   * not continued. `undefined` for every other card, which `#parse` reads.
   */
  #plainValue(card: number): string | number | boolean | undefined {
    const bytes = this.#bytes;
    const start = this.#start + card * CARD_BYTES;
    const end = start + CARD_BYTES;
    if (bytes[start + 8] !== EQUALS || bytes[start + 9] !== BLANK) return undefined;
    let at = start + 10;
    while (at < end && bytes[at] === BLANK) at++;
    if (at === end) return undefined;
    const first = bytes[at];
    if (first === QUOTE) return plainString(bytes, at + 1, end);
    if (first === LETTER_T || first === LETTER_F) {
      return isEndOfValue(bytes, at + 1, end) ? first === LETTER_T : undefined;
    }
    return plainNumber(bytes, at, end);
  }

  #text(card: number): string {
    const at = this.#start + card * CARD_BYTES;
    // Not ASCII in places that FITS restricts to it; taken as Latin-1, so that no byte is lost.
    return this.#bytes.toString('latin1', at, at + CARD_BYTES);
  }

  /** Parses a card and the CONTINUE cards after it (FITS 4.0, section 4.2.1.2). */
  #parse(index: number): { card: Card; next: number } {
    const card = parseCard(this.#text(index));
    let next = index + 1;
    while (
      typeof card.value === 'string' &&
      card.value.endsWith('&') &&
      next < this.cardCount &&
      this.#is(next, CONTINUE.high, CONTINUE.low)
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

const BLANK = 0x20;
const QUOTE = 0x27;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const SLASH = 0x2f;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const EQUALS = 0x3d;
const LETTER_D = 0x44;
const LETTER_E = 0x45;
const LETTER_F = 0x46;
const LETTER_T = 0x54;
const AMPERSAND = 0x26;
const LAST_PRINTABLE = 0x7e;

/** Whether only blanks stand before the comment or the card's end. */
function isEndOfValue(bytes: Buffer, at: number, end: number): boolean {
  while (at < end && bytes[at] === BLANK) at++;
  return at === end || bytes[at] === SLASH;
}

function plainString(bytes: Buffer, start: number, end: number): string | undefined {
  let quote = start;
  let after = start; // after the last byte that is not blank
  for (; quote < end; quote++) {
    const byte = bytes[quote] ?? 0;
    if (byte === QUOTE) break;
    if (byte < BLANK || byte > LAST_PRINTABLE) return undefined;
    if (byte !== BLANK) after = quote + 1;
  }
  if (quote === end || bytes[after - 1] === AMPERSAND) return undefined;
  const next = bytes[quote + 1];
  if (quote + 1 < end && next !== BLANK && next !== SLASH) return undefined;
  return bytes.toString('utf8', start, after); // ASCII, which is decoded fastest as UTF-8
}

const POWERS_OF_10 = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * A decimal number, the same float64 that `Number` makes of its text: digits below 2^53 and a power of ten up to 10^22 are
 * exact, so that their product or quotient is rounded once (Clinger 1990, doi:10.1145/93542.93557).
 */
function plainNumber(bytes: Buffer, at: number, end: number): number | undefined {
  const sign = bytes[at];
  if (sign === MINUS || sign === PLUS) at++;
  let digits = 0;
  let mantissa = 0;
  let decimals = 0;
  let isFraction = false;
  let byte = 0;
  for (; at < end; at++) {
    byte = bytes[at] ?? 0;
    if (byte >= DIGIT_0 && byte <= DIGIT_9) {
      mantissa = 10 * mantissa + (byte - DIGIT_0);
      digits++;
      if (isFraction) decimals++;
    } else if (byte === POINT && !isFraction) isFraction = true;
    else break;
  }
  if (digits === 0 || mantissa > Number.MAX_SAFE_INTEGER) return undefined;
  let exponent = -decimals;
  if (at < end && (byte === LETTER_E || byte === LETTER_D)) {
    const exponentSign = bytes[at + 1];
    const isSigned = exponentSign === MINUS || exponentSign === PLUS;
    const from = at + (isSigned ? 2 : 1);
    let size = 0;
    for (at = from; at < end; at++) {
      byte = bytes[at] ?? 0;
      if (byte < DIGIT_0 || byte > DIGIT_9) break;
      size = 10 * size + (byte - DIGIT_0);
    }
    if (at === from) return undefined;
    exponent += exponentSign === MINUS ? -size : size;
  }
  const power = POWERS_OF_10[Math.abs(exponent)];
  if (power === undefined || !isEndOfValue(bytes, at, end)) return undefined;
  const value = exponent < 0 ? mantissa / power : mantissa * power;
  return sign === MINUS ? -value : value;
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
