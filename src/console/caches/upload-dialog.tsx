/** Uploads a file into a cache. */

import { useState } from 'preact/hooks'
import { useConsole } from '../app/console-context.tsx'
import { useAction } from '../app/use-action.ts'
import { Dialog } from '../ui/dialog.tsx'
import { Field, TextField } from '../ui/field.tsx'
import { ErrorBanner } from '../ui/parts.tsx'
import { objectPath, toKeyBase64Url } from './object-key.ts'

export function UploadDialog(props: {
  readonly cacheName: string
  /** Before the file's name. */
  readonly keyPrefix: string
  readonly onClose: () => void
  readonly onDone: () => Promise<void>
}) {
  const { cacheName, keyPrefix, onClose, onDone } = props
  const { api, toasts } = useConsole()
  const [file, setFile] = useState<File>()
  const [key, setKey] = useState(keyPrefix)
  const [ttl, setTtl] = useState('')
  const isTtlWrong = ttl !== '' && !/^[1-9][0-9]{0,9}$/.test(ttl)
  const upload = useAction(async () => {
    if (file === undefined) return
    const query = ttl === '' ? '' : `&ttlSeconds=${ttl}`
    await api.request(objectPath(cacheName, toKeyBase64Url(key), query), {
      method: 'PUT',
      bytes: file,
    })
    toasts.show(`${key} is stored.`)
    onClose()
    await onDone()
  })
  return (
    <Dialog title={`Upload into ${cacheName}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          if (file !== undefined && key !== '' && !isTtlWrong) void upload.run()
        }}
      >
        <Field label="File">
          {(control) => (
            <input
              {...control}
              type="file"
              required
              onChange={(event) => {
                const chosen = event.currentTarget.files?.[0]
                setFile(chosen)
                if (chosen !== undefined && (key === '' || key.endsWith('/'))) {
                  setKey(`${key}${chosen.name}`)
                }
              }}
            />
          )}
        </Field>
        <TextField
          label="Key"
          value={key}
          onValue={setKey}
          isRequired
          hint="What is stored there now is replaced."
        />
        <TextField
          label="Time to live, seconds"
          type="number"
          value={ttl}
          onValue={setTtl}
          error={isTtlWrong ? 'A whole number of at least 1.' : ''}
          hint="Empty: the cache’s default."
        />
        <ErrorBanner error={upload.error} />
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={upload.isRunning}>
            {upload.isRunning ? 'Uploading…' : 'Upload'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
