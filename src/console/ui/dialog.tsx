/**
 * A question over the page: the native dialog, which keeps the focus inside, closes on Escape and
 * gives the focus back.
 */

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

export interface DialogProps {
  readonly title: string
  /** Escape, the cross, a click beside it. The owner then renders it no more. */
  readonly onClose: () => void
  readonly children: ComponentChildren
  /** Wider than a question needs. */
  readonly isWide?: boolean
}

/** Open as long as it is rendered. Put buttons into `<div class="dialog-actions">`. */
export function Dialog({ title, onClose, children, isWide = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={isWide ? 'dialog dialog-wide' : 'dialog'}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      // A second Escape closes it whatever was prevented.
      onClose={onClose}
      onMouseDown={(event) => {
        // The backdrop is the dialog element itself; its content is in the div.
        if (event.target === dialog.current) onClose()
      }}
    >
      <div class="dialog-body">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
