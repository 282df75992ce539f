import { VueQueryPlugin } from '@tanstack/vue-query';
import { createApp } from 'vue';
import App from './App.vue';
import { queryClient } from './query-client.ts';
import { router } from './router.ts';
import { vuetify } from './theme.ts';
import './styles.css';

createApp(App).use(router).use(vuetify).use(VueQueryPlugin, { queryClient }).mount('#app');
