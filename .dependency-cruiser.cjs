// Who may import whom: the table of docs/ARCHITECTURE.md, enforced by `npm run lint`.
const rooms = require('./bin/rooms.cjs');

const TESTS = '\\.test\\.ts$';
/** A rule that lets `room` import from nothing but itself and `allowed` among the project's rooms. */
const only = (room, allowed, comment) => ({
  name: `${room}-imports`,
  severity: 'error',
  comment,
  from: { path: `^${room}/`, pathNot: TESTS },
  to: { path: `^(${rooms.filter((r) => r !== room && !allowed.includes(r)).join('|')})/` },
});
const noPackage = (room, packages, comment) => ({
  name: `${room}-packages`,
  severity: 'error',
  comment,
  from: { path: `^${room}/`, pathNot: TESTS },
  to: { path: packages },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('contracts', [], 'contracts are what every side agrees on; they depend on nothing of ours'),
    only('science', ['contracts'], 'science is pure: bytes and typed arrays in, typed arrays out'),
    only('workflows', ['contracts', 'activities'], 'workflows are deterministic; activities only as types'),
    only(
      'activities',
      ['science', 'db', 'storage', 'contracts', 'workflows'],
      'activities may take the types of their workflow',
    ),
    only('db', ['contracts'], ''),
    only('storage', ['contracts'], ''),
    only('telemetry', ['contracts'], 'logs and traces of every process'),
    only(
      'api',
      ['contracts', 'db', 'storage', 'telemetry', 'workflows', 'science'],
      'docs/decisions/0001: science is pure, so one spectrum is read in the API',
    ),
    only('web', ['contracts', 'science'], 'docs/decisions/0008: the reader of dropped FITS files'),
    {
      name: 'web-science',
      severity: 'error',
      comment:
        'docs/decisions/0008: web/fits/ reads FITS with science/fits and science/spectra; nothing else of it',
      from: { path: '^web/', pathNot: `^web/fits/|${TESTS}` },
      to: { path: '^science/' },
    },
    {
      name: 'web-fits-science',
      severity: 'error',
      comment: 'docs/decisions/0008',
      from: { path: '^web/fits/' },
      to: { path: '^science/', pathNot: '^science/(fits|spectra)/' },
    },
    {
      name: 'contracts-packages',
      severity: 'error',
      comment: 'contracts may use zod only',
      from: { path: '^contracts/', pathNot: TESTS },
      to: { path: 'node_modules/', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'contracts-core',
      severity: 'error',
      comment: 'contracts run in the browser and in workflows too',
      from: { path: '^contracts/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    noPackage(
      'science',
      'node_modules/(@temporalio|pg|drizzle-orm|express)/',
      'no Temporal, no database in science',
    ),
    {
      name: 'workflow-packages',
      severity: 'error',
      comment: 'workflows run in a sandbox without Node',
      from: { path: '^workflows/', pathNot: TESTS },
      to: {
        path: 'node_modules/',
        pathNot: 'node_modules/(@temporalio/(workflow|common)|zod)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'workflow-core',
      severity: 'error',
      comment: 'workflows run in a sandbox without Node',
      from: { path: '^workflows/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'workflow-activities-as-types',
      severity: 'error',
      comment: 'import type only',
      from: { path: '^workflows/', pathNot: TESTS },
      to: { path: '^activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'api-workflows',
      severity: 'error',
      comment: 'of the workflows the API sees messages only; functions as types',
      from: { path: '^api/', pathNot: TESTS },
      to: { path: '^workflows/', pathNot: '/messages\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'activities-workflows-as-types',
      severity: 'error',
      comment: 'import type only',
      from: { path: '^activities/', pathNot: TESTS },
      to: { path: '^workflows/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '/dist/' },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      from: { pathNot: `(^test/|${TESTS})` },
      to: { path: `(^test/|${TESTS})` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|data|samples)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.node.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.vue', '.json', '.d.ts'],
    },
  },
};
