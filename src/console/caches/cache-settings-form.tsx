/** A cache's settings, each with what it does, in the server's words. */

import { useMemo, useState } from 'preact/hooks'
import { apiPath } from '../api/api-client.ts'
import type { CacheView } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { useAction } from '../app/use-action.ts'
import { useResource } from '../app/use-resource.ts'
import { CheckField, Field, SelectField, TextField } from '../ui/field.tsx'
import { Card, Empty, ErrorBanner, Loading } from '../ui/parts.tsx'
import {
  checkSetting,
  formatSetting,
  toChanges,
  toDraft,
  toSettingFields,
} from './setting-fields.ts'
import type { SettingDraft, SettingField } from './setting-fields.ts'

export interface CacheSettingsFormProps {
  readonly cache: CacheView
  readonly onChanged: () => Promise<void>
}

export function CacheSettingsForm(props: CacheSettingsFormProps) {
  const { data, error, reload } = useResource<unknown>('/api/openapi.json')
  const fields = useMemo(() => toSettingFields(data), [data])
  if (error !== undefined) return <ErrorBanner error={error} onRetry={() => void reload()} />
  if (data === undefined) return <Loading what="what the settings mean" />
  if (fields.length === 0) {
    return (
      <Empty title="This server describes no settings">Use the command headwater cache set.</Empty>
    )
  }
  return <SettingsForm {...props} fields={fields} />
}

function SettingsForm(
  props: CacheSettingsFormProps & { readonly fields: readonly SettingField[] },
) {
  const { cache, fields, onChanged } = props
  const { api, toasts } = useConsole()
  const before = useMemo(() => toDraft(fields, cache.settings), [fields, cache.settings])
  const [edits, setEdits] = useState<SettingDraft>({})
  const draft = { ...before, ...edits }
  const changes = toChanges(fields, before, draft)
  const changeCount = Object.keys(changes).length
  const hasProblem = fields.some((field) => checkSetting(field, draft[field.name] ?? '') !== '')
  const save = useAction(async () => {
    await api.request(apiPath`/api/caches/${cache.name}`, { method: 'PATCH', body: changes })
    await onChanged()
    setEdits({})
    toasts.show('Saved. It holds from the next request on.')
  })
  return (
    <Card
      title="Settings"
      aside={<span class="quiet">from the next request on, and after a restart</span>}
    >
      {cache.declared && (
        <p class="banner banner-wait">
          The configuration declares this cache: what it says wins at the next restart.
        </p>
      )}
      <form
        class="settings-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (changeCount > 0 && !hasProblem) void save.run()
        }}
      >
        {fields.map((field) => (
          <SettingInput
            key={field.name}
            field={field}
            value={draft[field.name] ?? ''}
            isOwn={field.name in cache.overrides}
            onValue={(value) => setEdits({ ...edits, [field.name]: value })}
          />
        ))}
        <ErrorBanner error={save.error} />
        <div class="wizard-actions settings-actions">
          <button
            type="submit"
            class="primary"
            disabled={changeCount === 0 || hasProblem || save.isRunning}
          >
            {changeCount === 0 ? 'Nothing to save' : `Save ${changeCount} of the settings`}
          </button>
          {changeCount > 0 && (
            <button type="button" onClick={() => setEdits({})}>
              Undo
            </button>
          )}
        </div>
      </form>
    </Card>
  )
}

function SettingInput(props: {
  readonly field: SettingField
  readonly value: string | boolean
  /** Set for this cache, not a default. */
  readonly isOwn: boolean
  readonly onValue: (value: string | boolean) => void
}) {
  const { field, value, isOwn, onValue } = props
  const hint = (
    <>
      <WithCode text={field.description} /> <code>{field.name}</code>,{' '}
      {isOwn ? 'set for this cache; ' : ''}default {formatSetting(field.default)}.
    </>
  )
  if (field.kind === 'boolean') {
    return (
      <CheckField label={field.label} hint={hint} isChecked={value === true} onValue={onValue} />
    )
  }
  const text = typeof value === 'string' ? value : ''
  const error = checkSetting(field, value)
  if (field.kind === 'choice') {
    return (
      <SelectField
        label={field.label}
        hint={hint}
        value={text}
        choices={field.choices.map((choice) => ({ value: choice, label: choice }))}
        onValue={onValue}
      />
    )
  }
  if (field.kind === 'lines') {
    return (
      <Field label={field.label} hint={<>One a line. {hint}</>}>
        {(control) => (
          <textarea
            {...control}
            rows={Math.max(2, text.split('\n').length)}
            spellcheck={false}
            value={text}
            onInput={(event) => onValue(event.currentTarget.value)}
          />
        )}
      </Field>
    )
  }
  return (
    <TextField
      label={field.label}
      hint={hint}
      error={error}
      type="number"
      step="any"
      value={text}
      onValue={onValue}
    />
  )
}

/** What stands between backticks is code. */
function WithCode({ text }: { readonly text: string }) {
  return (
    <>
      {text
        .split('`')
        .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}
    </>
  )
}
