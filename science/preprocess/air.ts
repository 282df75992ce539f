/** Ciddor's formula holds from 2,000 Å on; shorter wavelengths are customarily given in vacuum. */
const SHORTEST_ANGSTROM = 2000;

/**
 * Refractive index of standard dry air (15 °C, 101,325 Pa, 450 ppm CO₂) at a vacuum wavelength [Å].
 * Ciddor 1996, Applied Optics 35, 1566, eq. 1.
 */
export function refractiveIndexOfAir(vacuumAngstrom: number): number {
  const squared = (1e4 / vacuumAngstrom) ** 2;
  return 1 + 0.05792105 / (238.0185 - squared) + 0.00167917 / (57.362 - squared);
}

/** Wavelength in air [Å] of a wavelength in vacuum [Å]. */
export function vacuumToAir(vacuumAngstrom: number): number {
  return vacuumAngstrom < SHORTEST_ANGSTROM
    ? vacuumAngstrom
    : vacuumAngstrom / refractiveIndexOfAir(vacuumAngstrom);
}

/** Wavelength in vacuum [Å] of a wavelength in air [Å]: `vacuumToAir` inverted by iteration, to below 1e-9 Å. */
export function airToVacuum(airAngstrom: number): number {
  if (airAngstrom < SHORTEST_ANGSTROM) return airAngstrom;
  let vacuum = airAngstrom;
  for (let i = 0; i < 4; i++) vacuum = airAngstrom * refractiveIndexOfAir(vacuum);
  return vacuum;
}
