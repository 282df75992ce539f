import type { PhotometricBand } from '../../contracts/cuts.ts';
import type { SpectrumMetadata } from '../../contracts/spectrum.ts';

/** MAGTYPE names what MAG1 … MAG7 hold, a letter each, as far as it is `ugrizy` in order; gbprp is Gaia's. */
const LEADING_BANDS = /^(?!gbp)u?gr?i?z?y?/;
/** Bands of each MAGTYPE that was met: a survey has a dozen. */
const bandsOf = new Map<string, string>();

/** Magnitude in a band, where MAGTYPE says which it is. */
export function magnitudeOf(metadata: SpectrumMetadata, band: PhotometricBand): number | undefined {
  const { magtype } = metadata;
  if (magtype === undefined) return undefined;
  let bands = bandsOf.get(magtype);
  if (bands === undefined) {
    bands = LEADING_BANDS.exec(magtype.toLowerCase())?.[0] ?? '';
    bandsOf.set(magtype, bands);
  }
  switch (bands.indexOf(band)) {
    case 0:
      return metadata.mag_1;
    case 1:
      return metadata.mag_2;
    case 2:
      return metadata.mag_3;
    case 3:
      return metadata.mag_4;
    case 4:
      return metadata.mag_5;
    default:
      return undefined;
  }
}
