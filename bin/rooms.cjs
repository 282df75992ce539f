// The folders of the source, one a room of docs/ARCHITECTURE.md: what is built, linted and kept apart.
module.exports = [
  'contracts',
  'science',
  'workflows',
  'activities',
  'workers',
  'db',
  'storage',
  'telemetry',
  'api',
  'web',
  'cli',
  'deploy',
  'bench',
  'test',
];
