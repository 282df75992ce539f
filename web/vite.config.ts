import vue from '@vitejs/plugin-vue';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import vuetify from 'vite-plugin-vuetify';
import { firstLoad } from './first-load.ts';

const directory = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `npx vite build --config web/vite.config.ts`; the API serves what lands in dist/web.
const API_URL = process.env['API_URL'] ?? 'http://127.0.0.1:10000';

export default defineConfig({
  root: directory('.'),
  base: '/',
  plugins: [vue(), vuetify(), firstLoad()],
  // science/ reads FITS in the browser too: docs/decisions/0008.
  resolve: { alias: { 'node:zlib': directory('./fits/zlib.ts') } },
  build: {
    outDir: directory('../dist/web'),
    emptyOutDir: true,
    target: 'es2022',
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': API_URL, '/metrics': API_URL },
  },
});
