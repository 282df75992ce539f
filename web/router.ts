import { nextTick } from 'vue';
import { createRouter, createWebHistory } from 'vue-router';
import { documentTitle, texts } from './texts.ts';

declare module 'vue-router' {
  interface RouteMeta {
    /** Of the document, until the page knows a better one. */
    title: string;
  }
}

/** A new page is its file and its line here. Every page is loaded when it is first opened. */
export const router = createRouter({
  history: createWebHistory(),
  routes: [
    {
      path: '/',
      name: 'home',
      meta: { title: texts.home.title },
      component: () => import('./features/home/HomePage.vue'),
    },
    {
      path: '/jobs',
      name: 'jobs',
      meta: { title: texts.jobs.title },
      component: () => import('./features/jobs/JobsPage.vue'),
    },
    {
      path: '/jobs/new',
      name: 'new-job',
      meta: { title: texts.newJob.title },
      component: () => import('./features/jobs/NewJobPage.vue'),
    },
    {
      path: '/jobs/compare',
      name: 'compare',
      meta: { title: texts.compare.title },
      component: () => import('./features/jobs/ComparePage.vue'),
    },
    {
      path: '/jobs/:id',
      props: true,
      name: 'job',
      meta: { title: texts.jobs.title },
      component: () => import('./features/jobs/JobPage.vue'),
    },
    {
      path: '/jobs/:id/label',
      props: true,
      name: 'label',
      meta: { title: texts.labelling.loading },
      component: () => import('./features/labelling/LabellingPage.vue'),
    },
    {
      path: '/files/:path*',
      name: 'files',
      meta: { title: texts.files.title },
      component: () => import('./features/files/FilesPage.vue'),
    },
    {
      path: '/spectra',
      name: 'spectra',
      meta: { title: texts.spectra.title },
      component: () => import('./features/spectra/SpectraPage.vue'),
    },
    {
      path: '/spectra/together',
      name: 'overlay',
      meta: { title: texts.overlayPage.heading },
      component: () => import('./features/overlay/OverlayPage.vue'),
    },
    {
      path: '/spectra/look',
      name: 'look',
      meta: { title: texts.look.title },
      component: () => import('./features/look/LookPage.vue'),
    },
    {
      path: '/spectra/view/:path+',
      name: 'spectrum',
      meta: { title: texts.spectra.title },
      component: () => import('./features/spectra/SpectrumPage.vue'),
    },
    {
      path: '/workers',
      name: 'workers',
      meta: { title: texts.workers.title },
      component: () => import('./features/workers/WorkersPage.vue'),
    },
    {
      path: '/:path(.*)*',
      name: 'not-found',
      meta: { title: texts.notFound.title },
      component: () => import('./features/not-found/NotFoundPage.vue'),
    },
  ],
  scrollBehavior(to, from, saved) {
    if (saved) return saved;
    return to.path === from.path ? false : { top: 0 };
  },
});

router.afterEach(async (to, from) => {
  if (to.path === from.path) return;
  document.title = documentTitle(to.meta.title);
  // Screen readers announce the new page from its top; the very first page is announced by the browser itself.
  if (from.matched.length === 0) return;
  await nextTick();
  document.getElementById('main')?.focus({ preventScroll: true });
});
