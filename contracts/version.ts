/** Version of this software, as package.json says it (a test compares the two). */
export const VERSION = '0.2.0';
