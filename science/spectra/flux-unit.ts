import type { SpectrumHeader } from '../../contracts/spectrum.ts';

/** A power of ten before a unit: `1E-17`, `10**(-17)`, `10^-17`. */
const SCALE = /^(?:1e|10\s*(?:\^|\*\*)?\s*\(?)([+-]?\d+)\)?/i;
/** erg, s, cm and Å, each in one of its spellings; however they are joined, only one density has them all. */
const UNITS = [/^ergs?$/, /^s(ec)?$/, /^cm$/, /^a(ng(strom)?s?)?$/];

/**
 * The unit of the flux as FITS and VOTable write it, from BUNIT or the TUNIT of the flux column; undefined where the file
 * names none, or one that is no flux density per wavelength.
 */
export function fluxUnit(hdus: SpectrumHeader['hdus']): string | undefined {
  const declared = hdus.flatMap(({ cards }) => {
    const valueOf = (keyword: string): string | undefined => {
      const value = cards.find((card) => card.keyword === keyword)?.value;
      return typeof value === 'string' ? value.trim() : undefined;
    };
    const column = cards.find(
      ({ keyword, value }) =>
        /^TTYPE\d+$/.test(keyword) && typeof value === 'string' && /^flux$/i.test(value.trim()),
    );
    return [column ? valueOf(column.keyword.replace('TTYPE', 'TUNIT')) : undefined, valueOf('BUNIT')];
  });
  for (const unit of declared) {
    const words =
      unit
        ?.toLowerCase()
        .replace(SCALE, '')
        .match(/[a-z]+/g) ?? [];
    const isDensity =
      words.length === UNITS.length && UNITS.every((spelling) => words.some((word) => spelling.test(word)));
    if (unit === undefined || !isDensity) continue;
    const power = Number(SCALE.exec(unit)?.[1] ?? 0);
    return `${power === 0 ? '' : `10**${power} `}erg/s/cm**2/Angstrom`;
  }
  return undefined;
}
