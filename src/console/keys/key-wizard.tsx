/** A new key, step by step: what it is, what it allows, a look at it, and the key itself, once. */

import { useState } from 'preact/hooks'
import type { KeyView, NewKey } from '../api/steer-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { routeHref } from '../app/route.ts'
import { useAction } from '../app/use-action.ts'
import { useCaches } from '../app/use-caches.ts'
import { useServerNow } from '../app/use-now.ts'
import { ChoiceGroup, NameBoxes } from '../ui/choice-group.tsx'
import { CheckField, SelectField, TextField } from '../ui/field.tsx'
import { formatDateTime } from '../ui/format-figures.ts'
import { Card, Empty, ErrorBanner, PageHead } from '../ui/parts.tsx'
import { EXPIRY_CHOICES, UNIT_CHOICES, expiresAtMs } from './expiry.ts'
import type { Expiry } from './expiry.ts'
import { checkDraft, emptyDraft, hasProblems, toKeyRequest } from './key-draft.ts'
import type { DraftProblems, KeyDraft } from './key-draft.ts'
import { KeyReview } from './key-review.tsx'
import { KeyOnce } from './key-once.tsx'
import { PermissionRows } from './permission-rows.tsx'

/** @param isImport  A secret that exists already, instead of a new one. */
export function KeyWizard({ isImport }: { readonly isImport: boolean }) {
  const [draft, setDraft] = useState<KeyDraft>(emptyDraft)
  const [step, setStep] = useState<'form' | 'review'>('form')
  const [hasTried, setHasTried] = useState(false)
  const [made, setMade] = useState<NewKey>()
  const [imported, setImported] = useState<KeyView>()
  const { api } = useConsole()
  const make = useAction(async () => {
    const body = toKeyRequest(draft)
    if (isImport) {
      const credential = draft.credential.trim()
      const answer = await api.request<{ readonly key: KeyView }>('/api/keys/import', {
        method: 'POST',
        body: { ...body, credential },
      })
      setDraft(emptyDraft())
      setImported(answer.key)
    } else setMade(await api.request<NewKey>('/api/keys', { method: 'POST', body }))
  })
  const problems = checkDraft(draft, isImport)
  const review = (event: SubmitEvent) => {
    event.preventDefault()
    setHasTried(true)
    if (!hasProblems(problems)) setStep('review')
  }
  const title = isImport ? 'Import a key' : 'New key'
  if (made !== undefined) return <KeyOnce made={made} />
  if (imported !== undefined) return <Imported keyId={imported.keyId} />
  return (
    <>
      <PageHead title={title} lead={isImport ? IMPORT_LEAD : NEW_LEAD} />
      {step === 'form' ? (
        <form class="form" onSubmit={review} noValidate>
          <KeyForm
            draft={draft}
            onDraft={setDraft}
            problems={hasTried ? problems : undefined}
            isImport={isImport}
          />
          <div class="wizard-actions">
            <button type="submit" class="primary">
              Review
            </button>
            <a class="button" href={routeHref('keys')}>
              Cancel
            </a>
            {hasTried && hasProblems(problems) && (
              <p class="field-error" role="alert">
                Something is missing or wrong above.
              </p>
            )}
          </div>
        </form>
      ) : (
        <>
          <KeyReview draft={draft} isImport={isImport} />
          <ErrorBanner error={make.error} />
          <div class="wizard-actions">
            <button
              type="button"
              class="primary"
              disabled={make.isRunning}
              onClick={() => void make.run()}
            >
              {isImport ? 'Import it' : 'Generate the key'}
            </button>
            <button type="button" onClick={() => setStep('form')}>
              Back
            </button>
          </div>
        </>
      )}
    </>
  )
}

const NEW_LEAD = 'For an encoder, a player, a CDN, or for somebody who runs this server.'
const IMPORT_LEAD =
  'A secret that an encoder or CDN already has, a Momento key for example: it keeps it, and only its host changes. The server stores a hash.'

function Imported({ keyId }: { readonly keyId: string }) {
  return (
    <>
      <PageHead title="Imported" />
      <Empty title={`It is known now, as ${keyId}.`} icon="check">
        <p>Whoever has the secret goes on with it, and gives this server’s address as the host.</p>
        <a class="button" href={routeHref('keys')}>
          To the keys
        </a>
      </Empty>
    </>
  )
}

interface KeyFormProps {
  readonly draft: KeyDraft
  readonly onDraft: (draft: KeyDraft) => void
  readonly problems: DraftProblems | undefined
  readonly isImport: boolean
}

function KeyForm({ draft, onDraft, problems, isImport }: KeyFormProps) {
  const { data } = useCaches()
  const cacheNames = data?.caches.map(({ name }) => name) ?? []
  const change = (part: Partial<KeyDraft>) => onDraft({ ...draft, ...part })
  return (
    <>
      <Card title="What it is">
        {isImport && (
          <TextField
            label="Secret"
            type="password"
            value={draft.credential}
            onValue={(credential) => change({ credential })}
            error={problems?.credential}
            hint="Long and random: one of under 24 characters could be guessed."
          />
        )}
        <KindChoice draft={draft} onDraft={onDraft} />
        <div class="form-pair">
          <TextField
            label="Name (optional)"
            value={draft.keyId}
            onValue={(keyId) => change({ keyId })}
            error={problems?.keyId}
            hint="Its id in logs and lists, as encoder-studio-1. Random without."
          />
          <TextField
            label="Note (optional)"
            value={draft.description}
            onValue={(description) => change({ description })}
            error={problems?.description}
            hint="Who has it, and what for."
          />
        </div>
        <ExpiryFields
          expiry={draft.expiry}
          onExpiry={(expiry) => change({ expiry })}
          problem={problems?.expiry}
        />
      </Card>
      {draft.kind === 'admin' && (
        <Card title="Administers">
          <CheckField
            label="All caches, future ones too"
            isChecked={draft.isAdminOfAll}
            onValue={(isAdminOfAll) => change({ isAdminOfAll })}
          />
          {!draft.isAdminOfAll && (
            <NameBoxes
              label="Caches"
              names={cacheNames}
              chosen={draft.adminCaches}
              onChosen={(adminCaches) => change({ adminCaches })}
              error={problems?.admin}
            />
          )}
        </Card>
      )}
      {draft.kind !== 'super' && (
        <Card
          title="Permissions"
          aside={
            <span class="quiet">
              {draft.kind === 'admin' ? 'besides, on the data plane' : 'one that matches is enough'}
            </span>
          }
        >
          <PermissionRows
            rows={draft.rows}
            cacheNames={cacheNames}
            problems={problems}
            onRows={(rows) => change({ rows })}
          />
        </Card>
      )}
    </>
  )
}

function KindChoice({ draft, onDraft }: Pick<KeyFormProps, 'draft' | 'onDraft'>) {
  return (
    <ChoiceGroup
      label="Kind"
      value={draft.kind}
      choices={[
        {
          value: 'fine',
          label: 'Fine-grained',
          hint: 'Reads or writes the items you name. For encoders, players and CDNs.',
        },
        {
          value: 'admin',
          label: 'Administrator of caches',
          hint: 'Their settings, objects and channels in this console. Makes no keys.',
        },
        {
          value: 'super',
          label: 'Super-user',
          hint: 'Everything: all caches, all keys. For who runs this server.',
        },
      ]}
      onValue={(kind) => {
        const isUntouched = draft.rows.every(
          ({ caches, isAllCaches }) => caches.length === 0 && !isAllCaches,
        )
        const fresh = emptyDraft().rows
        // An administrator needs no row; who fills one in keeps it.
        const rows = !isUntouched ? draft.rows : kind === 'admin' ? [] : fresh
        onDraft({ ...draft, kind, rows })
      }}
    />
  )
}

function ExpiryFields(props: {
  readonly expiry: Expiry
  readonly onExpiry: (expiry: Expiry) => void
  readonly problem: string | undefined
}) {
  const { expiry, onExpiry } = props
  const endsAtMs = expiresAtMs(expiry, useServerNow(1000))
  return (
    <div class="expiry">
      <ChoiceGroup
        label="Expires after"
        value={expiry.preset}
        choices={EXPIRY_CHOICES}
        onValue={(preset) => onExpiry({ ...expiry, preset })}
      />
      {expiry.preset === 'custom' && (
        <div class="expiry-custom">
          <TextField
            label="After"
            type="number"
            min={1}
            value={expiry.amount}
            onValue={(amount) => onExpiry({ ...expiry, amount })}
            error={props.problem}
          />
          <SelectField
            label="Unit"
            value={expiry.unit}
            choices={UNIT_CHOICES}
            onValue={(unit) => onExpiry({ ...expiry, unit })}
          />
        </div>
      )}
      <p class="quiet">
        {endsAtMs !== undefined
          ? `Valid until ${formatDateTime(endsAtMs)}.`
          : expiry.preset === 'never'
            ? 'Valid until somebody revokes it.'
            : ''}
      </p>
    </div>
  )
}
