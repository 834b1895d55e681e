/** A question before something goes for good; what is live or large wants its name typed. */

import { useState } from 'preact/hooks'
import { useAction } from '../app/use-action.ts'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { ErrorBanner } from '../ui/parts.tsx'

export interface ConfirmDialogProps {
  readonly title: string
  /** What goes, in sentences. */
  readonly words: readonly string[]
  /** To be typed; '' for nothing. */
  readonly name: string
  readonly action: string
  /** Its failure is shown; after its success the dialog closes. */
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, words, name, action, onConfirm, onClose } = props
  const [typed, setTyped] = useState('')
  const act = useAction(async () => {
    await onConfirm()
    onClose()
  })
  return (
    <Dialog title={title} onClose={onClose}>
      {words.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {name !== '' && (
        <TextField label={`Type ${name} to go on`} value={typed} onValue={setTyped} />
      )}
      <ErrorBanner error={act.error} />
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          disabled={act.isRunning || (name !== '' && typed !== name)}
          onClick={() => void act.run()}
        >
          {action}
        </button>
      </div>
    </Dialog>
  )
}
