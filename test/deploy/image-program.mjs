// node image-program.mjs nc|wget|pg_isready ARGUMENTS: as much of these programs as the health checks of docker-compose.yml
// use. The images have them; the machine of a test may not.
import { connect } from 'node:net';
import pg from 'pg';

const [, , program, ...args] = process.argv;
const option = (name) => args.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);

async function isThere() {
  switch (program) {
    case 'nc': {
      const [flag, host, port] = args;
      if (flag !== '-z') throw new Error(`nc ${flag} is not known here`);
      return new Promise((resolve) => {
        const socket = connect(Number(port), host, () => resolve(socket.end() !== undefined));
        socket.on('error', () => resolve(false));
      });
    }
    case 'wget':
      return (await fetch(args.at(-1), { signal: AbortSignal.timeout(4000) })).ok;
    case 'pg_isready': {
      const client = new pg.Client({
        host: option('host'),
        port: Number(option('port')),
        user: option('username'),
        database: option('dbname'),
        connectionTimeoutMillis: 4000,
      });
      try {
        await client.connect();
        return true;
      } catch (error) {
        // A server that asks for a password takes connections; one that starts says so.
        return error.code !== 'ECONNREFUSED' && error.code !== '57P03' && /password/i.test(error.message);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
    default:
      throw new Error(`${program} is not known here`);
  }
}

try {
  process.exitCode = (await isThere()) ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
