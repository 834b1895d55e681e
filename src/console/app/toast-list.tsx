/** Shows the toasts in a corner and has them read out. */

import { Icon } from '../ui/icons.tsx'
import type { Toasts } from './toasts.ts'
import { useStore } from './use-store.ts'

export function ToastList({ toasts }: { readonly toasts: Toasts }) {
  const shown = useStore(toasts, () => toasts.shown)
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} class={`toast tone-${toast.tone}`}>
          <Icon name={toast.tone === 'good' ? 'check' : 'warning'} />
          <p>{toast.text}</p>
          <button type="button" class="bare" onClick={() => toasts.dismiss(toast.id)}>
            <Icon name="close" />
            <span class="visually-hidden">Dismiss</span>
          </button>
        </div>
      ))}
    </div>
  )
}
