import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

// The documentation as a site: `npm run docs:dev`, `npm run docs:build` (into docs/.vitepress/dist).
// A link that leads nowhere fails the build; search runs in the browser, over an index that is part of the site.

// Not pages: links to them stay as they are.
process.env.VITE_EXTRA_EXTENSIONS = 'ipynb';

export default defineConfig({
  title: 'Spectrolabe',
  description: 'Machine learning on large spectral surveys',
  lang: 'en-GB',
  // The dashboard's own icon.
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/favicon.svg' }]],
  vite: { publicDir: fileURLToPath(new URL('../../web/public', import.meta.url)) },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'API', link: '/api' },
      { text: 'Python', link: '/python' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
    ],
    sidebar: [
      {
        text: 'Begin',
        items: [
          { text: 'Quick start', link: '/quick-start' },
          { text: 'Concepts', link: '/concepts' },
          { text: 'Dashboard', link: '/dashboard' },
          { text: 'Every page, light and dark', link: '/gallery' },
        ],
      },
      {
        text: 'Job types',
        items: [
          { text: 'Preprocessing', link: '/preprocessing' },
          { text: 'Training', link: '/training' },
          { text: 'Active learning', link: '/active-learning' },
          { text: 'Looking at spectra', link: '/spectra' },
          { text: 'Labelling', link: '/labelling' },
          { text: 'Pool, catalogue, bundle', link: '/catalogue' },
        ],
      },
      {
        text: 'Programs',
        items: [
          { text: 'Python', link: '/python' },
          { text: 'REST API', link: '/api' },
          { text: 'IVOA UWS', link: '/uws' },
        ],
      },
      {
        text: 'Running it',
        items: [
          { text: 'Operations', link: '/operations' },
          { text: 'Configuration', link: '/configuration' },
          { text: 'Seeing it run', link: '/observability' },
          { text: 'Containers', link: '/containers' },
          { text: 'Rolling out', link: '/rolling-out' },
          { text: 'Scale', link: '/scale' },
          { text: 'TensorFlow', link: '/tensorflow' },
          { text: 'Troubleshooting', link: '/troubleshooting' },
        ],
      },
      {
        text: 'Inside',
        items: [
          { text: 'Architecture', link: '/ARCHITECTURE' },
          { text: 'Decisions', link: '/decisions/' },
        ],
      },
    ],
  },
  /** Notebooks are downloaded as they are. */
  buildEnd: ({ srcDir, outDir }) =>
    cp(join(srcDir, 'notebooks'), join(outDir, 'notebooks'), { recursive: true }),
});
