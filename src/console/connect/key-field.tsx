/** A key for the lines: pasted, or made here. It lives in this page's memory and nowhere else. */

import { useState } from 'preact/hooks'
import type { KeyInfo, NewKey, Role } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { useAction } from '../app/use-action.ts'
import { EXPIRY_CHOICES, checkExpiry } from '../keys/expiry.ts'
import type { ExpiryPreset } from '../keys/expiry.ts'
import { downloadKeyInfo } from '../keys/save-key.ts'
import { SelectField, TextField } from '../ui/field.tsx'
import { formatDateTime } from '../ui/format-figures.ts'
import { ErrorBanner } from '../ui/parts.tsx'
import { parseKey } from './connect-target.ts'

/** What the field holds. */
export interface KeyChoice {
  /** The key; '' for none. */
  readonly text: string
  /** Of a key that was made here. */
  readonly made?: MadeKey
}

export interface MadeKey {
  readonly keyId: string
  readonly cacheName: string
  readonly validUntil: string
  /** Absent of a disposable token. */
  readonly keyInfo?: KeyInfo
}

export const NO_KEY: KeyChoice = { text: '' }

export interface KeyFieldProps {
  readonly label: string
  readonly hint: string
  readonly role: Role
  readonly cacheName: string
  readonly choice: KeyChoice
  readonly onChoice: (choice: KeyChoice) => void
}

export function KeyField({ label, hint, role, cacheName, choice, onChoice }: KeyFieldProps) {
  const { session } = useConsole()
  // Who is no super-user makes tokens of at most 25 hours.
  const choices = EXPIRY_CHOICES.filter(({ value }) =>
    session.superUser ? value !== 'custom' : value === 'hour' || value === 'day',
  )
  const [lifetime, setLifetime] = useState<ExpiryPreset>(session.superUser ? 'month' : 'day')
  const make = useMakeKey(role, cacheName, lifetime, onChoice)
  const isWrong = choice.text !== '' && parseKey(choice.text) === undefined
  return (
    <div class="key-field">
      <TextField
        label={label}
        type="password"
        value={choice.text}
        onValue={(text) => onChoice({ text })}
        error={isWrong ? 'A key is one run of characters without spaces.' : ''}
        hint={choice.made === undefined ? hint : undefined}
      />
      {choice.made === undefined ? (
        <div class="key-make">
          <SelectField label="Valid for" value={lifetime} choices={choices} onValue={setLifetime} />
          <button
            type="button"
            disabled={make.isRunning || cacheName === ''}
            onClick={() => void make.run()}
          >
            {role === 'readonly' ? 'Make a player key' : 'Make an encoder key'}
          </button>
        </div>
      ) : (
        <MadeNote made={choice.made} onForget={() => onChoice(NO_KEY)} />
      )}
      <ErrorBanner error={make.error} />
    </div>
  )
}

function MadeNote({ made, onForget }: { readonly made: MadeKey; readonly onForget: () => void }) {
  const { keyInfo } = made
  return (
    <div class="key-made" role="status">
      <p>
        <b>{made.keyId}</b> is in the lines below, {made.validUntil}. This page forgets it when it
        is left.
      </p>
      {keyInfo !== undefined && (
        <button type="button" class="copy" onClick={() => downloadKeyInfo(keyInfo)}>
          Download momento_key_info.json
        </button>
      )}
      <button type="button" class="copy" onClick={onForget}>
        Use another
      </button>
    </div>
  )
}

function useMakeKey(
  role: Role,
  cacheName: string,
  lifetime: ExpiryPreset,
  onChoice: (choice: KeyChoice) => void,
) {
  const { api, session } = useConsole()
  return useAction(async () => {
    const expiry = checkExpiry({ preset: lifetime, amount: '', unit: 'days' })
    const expiresInSeconds = expiry.kind === 'valid' ? expiry.seconds : undefined
    const permission = { role, caches: [cacheName] }
    if (session.superUser) {
      const { key, keyInfo } = await api.request<NewKey>('/api/keys', {
        method: 'POST',
        body: {
          description: `Made in the console for ${role === 'readonly' ? 'players' : 'an encoder'}`,
          permissions: [permission],
          ...(expiresInSeconds !== undefined && { expiresInSeconds }),
        },
      })
      const validUntil = untilWords(key.expiresAt)
      onChoice({
        text: keyInfo.apiKey,
        made: { keyId: key.keyId, cacheName, validUntil, keyInfo },
      })
      return
    }
    const token = await api.request<DisposableToken>('/api/keys/disposable', {
      method: 'POST',
      body: { ...permission, expiresInSeconds },
    })
    const validUntil = untilWords(token.validUntil * 1000)
    const keyId = `disposable:${token.tokenId}`
    onChoice({ text: token.apiKey, made: { keyId, cacheName, validUntil } })
  })
}

interface DisposableToken {
  readonly apiKey: string
  /** Seconds since 1970. */
  readonly validUntil: number
  readonly tokenId: string
}

function untilWords(expiresAt: string | number | null): string {
  return expiresAt === null ? 'and never expires' : `valid until ${formatDateTime(expiresAt)}`
}
