/** One of a few, each with a sentence: radio buttons; and several of a list: boxes. */

import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

export interface ChoiceGroupProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly choices: readonly {
    readonly value: T
    readonly label: string
    readonly hint?: ComponentChildren
  }[]
  readonly onValue: (value: T) => void
}

export function ChoiceGroup<T extends string>(props: ChoiceGroupProps<T>) {
  const name = useId()
  return (
    <fieldset class="choice-group">
      <legend>{props.label}</legend>
      <div class="choices">
        {props.choices.map(({ value, label, hint }) => (
          <label key={value} class={value === props.value ? 'choice choice-chosen' : 'choice'}>
            <input
              type="radio"
              name={name}
              checked={value === props.value}
              onChange={() => props.onValue(value)}
            />
            <span>
              {label}
              {hint !== undefined && <small>{hint}</small>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** Names to tick; those that are ticked and no longer there stay visible. */
export function NameBoxes(props: {
  readonly label: string
  readonly names: readonly string[]
  readonly chosen: readonly string[]
  readonly onChosen: (names: readonly string[]) => void
  /** '' and `undefined` are none. */
  readonly error?: string | undefined
}) {
  const { label, names, chosen, onChosen, error = '' } = props
  const all = [...names, ...chosen.filter((name) => !names.includes(name))]
  const toggle = (name: string) =>
    onChosen(chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name])
  return (
    <fieldset class="choice-group">
      <legend>{label}</legend>
      {all.length === 0 && <p class="quiet">There is no cache yet.</p>}
      <div class="boxes">
        {all.map((name) => (
          <label key={name}>
            <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
            <span>{name}</span>
          </label>
        ))}
      </div>
      {error !== '' && <p class="field-error">{error}</p>}
    </fieldset>
  )
}
