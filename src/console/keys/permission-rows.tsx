/** The rows of a key's permissions: caches, role, items. */

import type { ItemsRequest, Role } from '../api/steer-types.ts'
import { NameBoxes } from '../ui/choice-group.tsx'
import { CheckField, SelectField, TextField } from '../ui/field.tsx'
import { STATEMENTS_MAX, emptyRow } from './key-draft.ts'
import type { DraftProblems, PermissionRow } from './key-draft.ts'

const ROLES: readonly { readonly value: Role; readonly label: string }[] = [
  { value: 'readwrite', label: 'Read and write: an encoder' },
  { value: 'readonly', label: 'Read only: a player, a CDN' },
  { value: 'writeonly', label: 'Write only' },
]
const ITEMS: readonly { readonly value: ItemsRequest['kind']; readonly label: string }[] = [
  { value: 'all', label: 'All items' },
  { value: 'key', label: 'One key' },
  { value: 'keyPrefix', label: 'Keys with a prefix' },
]

export interface PermissionRowsProps {
  readonly rows: readonly PermissionRow[]
  readonly cacheNames: readonly string[]
  /** `undefined` until somebody has tried. */
  readonly problems: DraftProblems | undefined
  readonly onRows: (rows: readonly PermissionRow[]) => void
}

export function PermissionRows({ rows, cacheNames, problems, onRows }: PermissionRowsProps) {
  const nextId = Math.max(0, ...rows.map(({ id }) => id)) + 1
  return (
    <div class="permission-rows">
      {rows.map((row, index) => (
        <fieldset key={row.id} class="permission-row">
          <legend>Permission {index + 1}</legend>
          <RowFields
            row={row}
            cacheNames={cacheNames}
            problem={problems?.rows[row.id] ?? ''}
            onRow={(next) => onRows(rows.map((other) => (other.id === row.id ? next : other)))}
          />
          <button
            type="button"
            class="bare"
            onClick={() => onRows(rows.filter(({ id }) => id !== row.id))}
          >
            Remove<span class="visually-hidden"> permission {index + 1}</span>
          </button>
        </fieldset>
      ))}
      {problems?.permissions !== undefined && <p class="field-error">{problems.permissions}</p>}
      <p>
        <button
          type="button"
          disabled={rows.length >= STATEMENTS_MAX}
          onClick={() => onRows([...rows, emptyRow(nextId)])}
        >
          Add a permission
        </button>{' '}
        <span class="quiet">
          {rows.length} of {STATEMENTS_MAX}
        </span>
      </p>
    </div>
  )
}

function RowFields(props: {
  readonly row: PermissionRow
  readonly cacheNames: readonly string[]
  readonly problem: string
  readonly onRow: (row: PermissionRow) => void
}) {
  const { row, cacheNames, problem, onRow } = props
  const isCacheProblem = !row.isAllCaches && row.caches.length === 0
  return (
    <>
      <div class="permission-fields">
        <SelectField
          label="Role"
          value={row.role}
          choices={ROLES}
          onValue={(role) => onRow({ ...row, role })}
        />
        <SelectField
          label="Items"
          value={row.itemsKind}
          choices={ITEMS}
          onValue={(itemsKind) => onRow({ ...row, itemsKind })}
        />
        {row.itemsKind !== 'all' && (
          <TextField
            label={row.itemsKind === 'key' ? 'Key' : 'Prefix'}
            value={row.itemsText}
            onValue={(itemsText) => onRow({ ...row, itemsText })}
            error={isCacheProblem ? '' : problem}
          />
        )}
      </div>
      <CheckField
        label="All caches, future ones too"
        isChecked={row.isAllCaches}
        onValue={(isAllCaches) => onRow({ ...row, isAllCaches })}
      />
      {!row.isAllCaches && (
        <NameBoxes
          label="Caches"
          names={cacheNames}
          chosen={row.caches}
          onChosen={(caches) => onRow({ ...row, caches })}
          error={isCacheProblem ? problem : ''}
        />
      )}
    </>
  )
}
