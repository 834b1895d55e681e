/** Copies a text and says so. */

import { useEffect, useState } from 'preact/hooks'
import { Icon } from './icons.tsx'

const SAID_MS = 2000

export function CopyButton(props: {
  readonly text: string
  /** What it is, for who does not see it: `Copy the address`. */
  readonly label: string
}) {
  const [outcome, setOutcome] = useState<'copied' | 'failed'>()
  useEffect(() => {
    if (outcome === undefined) return undefined
    const timer = setTimeout(() => setOutcome(undefined), SAID_MS)
    return () => clearTimeout(timer)
  }, [outcome])
  const copy = async () => setOutcome((await copyText(props.text)) ? 'copied' : 'failed')
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      <Icon name={outcome === 'copied' ? 'check' : 'copy'} />
      <span aria-live="polite">
        {outcome === undefined ? 'Copy' : outcome === 'copied' ? 'Copied' : 'Select and copy it'}
      </span>
      <span class="visually-hidden">: {props.label}</span>
    </button>
  )
}

/** The clipboard is there on https and localhost only; elsewhere the old way often works. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Ignored: no clipboard; tried otherwise.
    return copyBySelection(text)
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  // In an open dialog everything outside of it is inert.
  const owner = document.querySelector('dialog[open]') ?? document.body
  const before = document.activeElement
  owner.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return isCopied
}
