/** Temporal's time-skipping test server; `npm test` finds or fetches it and says where it is. */
export function testServerPath(): string {
  const path = process.env.TEMPORAL_TEST_SERVER_PATH;
  if (!path) throw new Error('TEMPORAL_TEST_SERVER_PATH is not set: run the tests through `npm test`');
  return path;
}
