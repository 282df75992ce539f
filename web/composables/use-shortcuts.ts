import { onScopeDispose, ref, watch } from 'vue';

const KEY = 'spectrolabe.shortcuts';
/** Where keys mean something else: fields, menus, dialogs. */
const KEYS_OF_THEIR_OWN =
  'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable], [role="combobox"], [role="listbox"], [role="dialog"], [role="alertdialog"]';
/** What Enter and the space bar press. */
const PRESSED = 'a, button, summary, [role="button"], input';

/** Single-key shortcuts, of the shell and of pages: those whom they hinder turn them off. */
const hasShortcuts = ref(localStorage.getItem(KEY) !== 'off');
watch(hasShortcuts, (on) => localStorage.setItem(KEY, on ? 'on' : 'off'));

/** Whether keys do something of themselves, and whether the help about them is open. */
const isHelpOpen = ref(false);

/** @returns whether a key pressed here is a shortcut, and none of a field or a dialog */
function isShortcut(event: KeyboardEvent): boolean {
  if (!hasShortcuts.value || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey)
    return false;
  const target = event.target instanceof Element ? event.target : undefined;
  if (target?.closest(KEYS_OF_THEIR_OWN)) return false;
  return !((event.key === 'Enter' || event.key === ' ') && target?.closest(PRESSED));
}

/** Hands every shortcut to `handle`, which says whether it was one of its own. */
export function useShortcuts(handle: (event: KeyboardEvent) => boolean) {
  const onKey = (event: KeyboardEvent) => {
    if (isShortcut(event) && handle(event)) event.preventDefault();
  };
  window.addEventListener('keydown', onKey);
  onScopeDispose(() => window.removeEventListener('keydown', onKey));
  return { hasShortcuts, isHelpOpen };
}
