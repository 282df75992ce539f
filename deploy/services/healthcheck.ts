// node dist/deploy/services/healthcheck.js URL [TEXT]: ends with 0 where the address answers with a 2xx, and TEXT is in the
// answer. For the health checks of containers, whose image has no curl.
const [, , url = '', text = ''] = process.argv;
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(4000) });
  const body = await answer.text();
  if (!answer.ok || !body.includes(text))
    throw new Error(`${url} answered ${answer.status}, without ${text}`);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
