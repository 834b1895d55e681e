/** Form fields with their explanation and, once something is wrong, what. */

import type { ComponentChildren, InputHTMLAttributes } from 'preact'
import { useId } from 'preact/hooks'

export interface FieldProps {
  readonly label: string
  /** What it does, in a sentence. */
  readonly hint?: ComponentChildren
  /** '' and `undefined` are none. */
  readonly error?: string | undefined
  /** Renders the control with the attributes that tie it to its words. */
  readonly children: (control: FieldControl) => ComponentChildren
}

export interface FieldControl {
  readonly id: string
  readonly 'aria-describedby': string
  readonly 'aria-invalid': boolean
}

/**
 * A label, its control, its explanation:
 * `<Field label="Name">{(control) => <input {...control} />}</Field>`.
 */
export function Field({ label, hint, error = '', children }: FieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': `${id}-words`, 'aria-invalid': error !== '' })}
      <div id={`${id}-words`} class="field-words">
        {error !== '' && <p class="field-error">{error}</p>}
        {hint !== undefined && <p class="field-hint">{hint}</p>}
      </div>
    </div>
  )
}

export type TextFieldProps = Omit<FieldProps, 'children'> & {
  readonly value: string
  readonly onValue: (value: string) => void
  readonly type?: 'text' | 'password' | 'number' | 'search'
  readonly isRequired?: boolean
  readonly placeholder?: string
  /** Of a number. */
  readonly min?: number
  readonly max?: number
  readonly step?: number | 'any'
}

/** One line of text, a number, a password. Browsers keep none of it. */
export function TextField(props: TextFieldProps) {
  const { label, hint, error, value, onValue, type = 'text', isRequired = false, ...rest } = props
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => {
        // preact's types know an input's roles by its type, and cannot follow one that varies.
        const attributes: InputHTMLAttributes = { ...rest, ...control, type: type as 'text' }
        return (
          <input
            {...attributes}
            // A password manager offers nothing and keeps nothing for a new password alone.
            autocomplete={type === 'password' ? 'new-password' : 'off'}
            spellcheck={false}
            required={isRequired}
            value={value}
            onInput={(event) => onValue(event.currentTarget.value)}
          />
        )
      }}
    </Field>
  )
}

export interface Choice<T extends string> {
  readonly value: T
  readonly label: string
}

/** One of several, from a list. */
export function SelectField<T extends string>(
  props: Omit<FieldProps, 'children'> & {
    readonly value: T
    readonly choices: readonly Choice<T>[]
    readonly onValue: (value: T) => void
  },
) {
  return (
    <Field label={props.label} hint={props.hint} error={props.error}>
      {(control) => (
        <select
          {...control}
          value={props.value}
          onChange={(event) => {
            const chosen = props.choices[event.currentTarget.selectedIndex]
            if (chosen !== undefined) props.onValue(chosen.value)
          }}
        >
          {props.choices.map((choice) => (
            <option key={choice.value} value={choice.value} selected={choice.value === props.value}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** Yes or no. */
export function CheckField(props: {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly isChecked: boolean
  readonly onValue: (isChecked: boolean) => void
}) {
  const id = useId()
  return (
    <div class="field field-check">
      <input
        id={id}
        type="checkbox"
        checked={props.isChecked}
        aria-describedby={`${id}-words`}
        onChange={(event) => props.onValue(event.currentTarget.checked)}
      />
      <label for={id}>{props.label}</label>
      <p id={`${id}-words`} class="field-hint">
        {props.hint}
      </p>
    </div>
  )
}
